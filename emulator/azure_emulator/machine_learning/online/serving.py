"""What scores now: the containers of all deployments and the traffic between them."""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...arm import Json
from ...environment import client_environment
from ...operations import OperationFailedError
from ..interpreter import write_python_wrappers
from .containers import (
    START_SECONDS_MAX,
    Container,
    ContainerSpec,
    LivenessProbe,
    child_environment,
    command_for,
    seconds,
)
from .restarts import KeptContainer

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from ...context import Context
    from ...resource import Resource
    from ..uris import Places

log = logging.getLogger("azure_emulator")
DEFAULT_ROUTE = "/score"


@dataclass(slots=True)
class Endpoint:
    """An endpoint as scoring sees it; names are in lower case."""

    id: str
    auth_mode: str = "Key"
    keys: tuple[str, ...] = ()
    traffic: dict[str, int] = field(default_factory=dict)
    mirror: dict[str, int] = field(default_factory=dict)
    containers: dict[str, KeptContainer] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Lower case name to the name as given."""

    @property
    def name(self) -> str:
        """Give its name as it was made."""
        return self.id.rpartition("/")[2]

    def choose(self) -> str | None:
        """Pick a deployment by weight; None when nobody has any."""
        weighted = {name: percent for name, percent in self.traffic.items() if percent}
        if not weighted:
            return None
        return random.choices(list(weighted), list(weighted.values()))[0]  # noqa: S311 - no secret


class Serving:
    """Starts, swaps and stops containers; keeps what scoring reads in memory."""

    def __init__(self, context: Context, places: Places) -> None:
        self._context = context
        self._places = places
        self._endpoints: dict[str, Endpoint] = {}
        self._session: aiohttp.ClientSession | None = None
        self._starting: set[asyncio.Task[None]] = set()
        self._bin = write_python_wrappers(context.settings.home, context.settings.python)
        self.stopping = False

    @property
    def endpoints(self) -> list[Endpoint]:
        """Give all endpoints."""
        return list(self._endpoints.values())

    @property
    def session(self) -> aiohttp.ClientSession:
        """Give the pooled client for containers."""
        if self._session is None:
            import aiohttp

            # Shorter than the 5 s of uvicorn: a request must not meet a closing connection.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=3)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session

    def find(self, name: str) -> Endpoint | None:
        """Give an endpoint by its name."""
        return self._endpoints.get(name.lower())

    def refresh(self, resource: Resource) -> None:
        """Take over auth and traffic from the stored endpoint."""
        endpoint = self._endpoints.setdefault(resource.name.lower(), Endpoint(resource.id))
        properties = resource.properties
        endpoint.auth_mode = properties["authMode"]
        endpoint.keys = tuple(resource.state["keys"].values())
        endpoint.traffic = _lower(properties.get("traffic"))
        endpoint.mirror = _lower(properties.get("mirrorTraffic"))
        endpoint.names |= {name.lower(): name for name in properties.get("traffic") or {}}

    def forget(self, name: str) -> None:
        """Serve an endpoint no more."""
        self._endpoints.pop(name.lower(), None)

    def scoring_route(self, name: str) -> str:
        """Give the route of a deployment that runs, or the usual one."""
        endpoint = self.find(name)
        routes = (
            [one.container.spec.scoring_route for one in endpoint.containers.values()]
            if endpoint
            else []
        )
        return routes[0] if routes else DEFAULT_ROUTE

    def log_path(self, endpoint: str, deployment: str) -> Path:
        """Say where a deployment's output is written."""
        return self._folder(endpoint, deployment) / "log.txt"

    def start_in_background(self, deployment: Resource) -> None:
        """Start again what was serving before; a failure is logged."""

        async def start() -> None:
            try:
                await self.provision(deployment)
            except OperationFailedError as error:
                log.error("%s does not come up again: %s", deployment.id, error)

        task = asyncio.create_task(start())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def provision(self, deployment: Resource) -> None:
        """Start a deployment's container and put it in the place of an older one."""
        name, endpoint_name = deployment.name, deployment.id.split("/")[-3]
        folder = self._folder(endpoint_name, name)
        model_folder = folder / f"model-{uuid.uuid4().hex[:8]}"
        try:
            spec = await asyncio.to_thread(self._spec, deployment, folder, model_folder)
            container = KeptContainer(Container(spec, self.session), self._context.pace)
            await container.start()
        except BaseException:
            shutil.rmtree(model_folder, ignore_errors=True)
            raise
        endpoint = self._endpoints[endpoint_name.lower()]
        old = endpoint.containers.get(name.lower())
        endpoint.containers[name.lower()] = container
        endpoint.names[name.lower()] = name
        if old:
            await old.retire()
        for other in folder.glob("model-*"):
            if other != model_folder:
                shutil.rmtree(other, ignore_errors=True)

    async def remove(self, endpoint_name: str, name: str) -> None:
        """Stop a deployment's container and forget its files."""
        endpoint = self.find(endpoint_name)
        container = endpoint.containers.pop(name.lower(), None) if endpoint else None
        if container:
            await container.retire()
        shutil.rmtree(self._folder(endpoint_name, name), ignore_errors=True)

    async def stop(self) -> None:
        """Stop everything."""
        self.stopping = True
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        containers = [one for each in self._endpoints.values() for one in each.containers.values()]
        await asyncio.gather(*(container.stop() for container in containers))
        if self._session:
            await self._session.close()

    def _spec(self, deployment: Resource, folder: Path, model_folder: Path) -> ContainerSpec:
        properties = deployment.properties
        settings = self._context.settings
        environment = self._asset(properties["environmentId"])
        routes = environment.properties.get("inferenceConfig") or {}
        image = str(environment.properties.get("image") or "")
        command = command_for(image, settings.images)
        variables = child_environment(self._bin, settings.python)
        variables.update(client_environment(settings.home, settings.base_url))
        variables.update(properties.get("environmentVariables") or {})
        if properties.get("model"):
            self._download_model(self._asset(properties["model"]), model_folder)
            variables["AZUREML_MODEL_DIR"] = str(model_folder.resolve())
        requests, probe = properties["requestSettings"], properties["readinessProbe"]
        instances = int(deployment.body["sku"].get("capacity") or 1)
        patience = seconds(probe["initialDelay"])
        patience += seconds(probe["period"]) * int(probe["failureThreshold"])
        readiness = _route(routes, "readinessRoute", "/")
        return ContainerSpec(
            command=command,
            variables=variables,
            log=folder / "log.txt",
            scoring_route=_route(routes, "scoringRoute", DEFAULT_ROUTE),
            readiness_route=readiness,
            liveness=_liveness(properties["livenessProbe"], routes, readiness),
            request_timeout_seconds=seconds(requests["requestTimeout"]),
            concurrency=int(requests["maxConcurrentRequestsPerInstance"]) * instances,
            start_seconds_max=min(patience, START_SECONDS_MAX),
        )

    def _download_model(self, model: Resource, folder: Path) -> None:
        try:
            place = self._places.resolve(str(model.properties["modelUri"]))
            # The folder appears one level below AZUREML_MODEL_DIR, under its own name.
            target = folder / (place.name or model.id.split("/")[-3])
            if not self._context.files.download_folder(place, target):
                target.rmdir()
                self._context.files.download_file(place, target)
        except Exception as error:
            raise OperationFailedError(f"The model {model.id} cannot be read: {error}") from error

    def _asset(self, asset: Any) -> Resource:
        resource = self._context.store.get(str(asset).removeprefix("azureml:"))
        if resource is None:
            raise OperationFailedError(f"The asset {asset} does not exist.")
        return resource

    def _folder(self, endpoint: str, deployment: str) -> Path:
        home = self._context.settings.home
        return home / "deployments" / endpoint.lower() / deployment.lower()


def _lower(traffic: Json | None) -> dict[str, int]:
    return {name.lower(): int(percent) for name, percent in (traffic or {}).items()}


def _liveness(probe: Json, routes: Json, readiness: str) -> LivenessProbe:
    return LivenessProbe(
        route=_route(routes, "livenessRoute", readiness),
        initial_delay_seconds=seconds(probe["initialDelay"]),
        period_seconds=seconds(probe["period"]),
        timeout_seconds=seconds(probe["timeout"]),
        failure_threshold=int(probe["failureThreshold"]),
    )


def _route(routes: Json, name: str, default: str) -> str:
    return str((routes.get(name) or {}).get("path") or default)
