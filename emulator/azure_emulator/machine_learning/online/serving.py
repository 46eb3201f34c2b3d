"""What scores now: the containers of all deployments and the traffic between them."""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...arm import Json
from ...operations import OperationFailedError
from .containers import Container
from .restarts import KeptContainer
from .specs import DEFAULT_ROUTE, INITIALIZER_LOG, LOG, Specs

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from ...context import Context
    from ...resource import Resource
    from ..uris import Places

log = logging.getLogger("azure_emulator")


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
        self._endpoints: dict[str, Endpoint] = {}
        self._session: aiohttp.ClientSession | None = None
        self._coming_back: dict[str, asyncio.Task[None]] = {}
        self.specs = Specs(context, places)
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

    def log_path(self, endpoint: str, deployment: str, *, initializer: bool = False) -> Path:
        """Say where a deployment's output is written, or what was said while files came."""
        return self._folder(endpoint, deployment) / (INITIALIZER_LOG if initializer else LOG)

    async def bring_back(self, deployment: Resource) -> None:
        """Start again what was serving before; a failure is logged."""
        try:
            await self._provision(deployment)
        except OperationFailedError as error:
            log.error("%s does not come up again: %s", deployment.id, error)

    def bring_back_soon(self, deployment: Resource) -> None:
        """Do so without being waited for."""
        task = asyncio.create_task(self.bring_back(deployment))
        self._coming_back[_key(deployment.id)] = task

    async def replace(self, deployment: Resource) -> None:
        """Start a new container in the place of what is there, or is coming back."""
        await self._forestall(deployment.id)
        await self._provision(deployment)

    async def _forestall(self, deployment_id: str) -> None:
        """What comes back must not arrive after what takes its place, or after its deletion."""
        task = self._coming_back.pop(_key(deployment_id), None)
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _provision(self, deployment: Resource) -> None:
        name, endpoint_name = deployment.name, deployment.id.split("/")[-3]
        folder = self._folder(endpoint_name, name)
        files = folder / f"files-{uuid.uuid4().hex[:8]}"
        try:
            spec = await asyncio.to_thread(self.specs.make, deployment, folder, files)
            container = KeptContainer(Container(spec, self.session), self._context.pace)
            await container.start()
        except BaseException:
            shutil.rmtree(files, ignore_errors=True)
            raise
        endpoint = self._endpoints[endpoint_name.lower()]
        old = endpoint.containers.get(name.lower())
        endpoint.containers[name.lower()] = container
        endpoint.names[name.lower()] = name
        if old:
            await old.retire()
        for other in folder.glob("files-*"):
            if other != files:
                shutil.rmtree(other, ignore_errors=True)

    async def remove(self, endpoint_name: str, name: str) -> None:
        """Stop a deployment's container and forget its files."""
        endpoint = self.find(endpoint_name)
        if endpoint:
            await self._forestall(f"{endpoint.id}/deployments/{name}")
        container = endpoint.containers.pop(name.lower(), None) if endpoint else None
        if container:
            await container.retire()
        shutil.rmtree(self._folder(endpoint_name, name), ignore_errors=True)

    async def stop(self) -> None:
        """Stop everything."""
        self.stopping = True
        for deployment_id in list(self._coming_back):
            await self._forestall(deployment_id)
        containers = [one for each in self._endpoints.values() for one in each.containers.values()]
        await asyncio.gather(*(container.stop() for container in containers))
        if self._session:
            await self._session.close()

    def _folder(self, endpoint: str, deployment: str) -> Path:
        home = self._context.settings.home
        return home / "deployments" / endpoint.lower() / deployment.lower()


def _key(deployment_id: str) -> str:
    return deployment_id.lower()


def _lower(traffic: Json | None) -> dict[str, int]:
    return {name.lower(): int(percent) for name, percent in (traffic or {}).items()}
