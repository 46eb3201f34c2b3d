"""What a deployment's container is to be: its files, its variables, its command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ...environment import client_environment
from ...operations import OperationFailedError
from ..interpreter import write_python_wrappers
from .containers import START_SECONDS_MAX, ContainerSpec, LivenessProbe
from .durations import seconds
from .images import command_for
from .inference_server import InferenceServer

if TYPE_CHECKING:
    from ...context import Context
    from ...resource import Json, Resource
    from ..uris import Places

DEFAULT_ROUTE = "/score"
LOG = "log.txt"
INITIALIZER_LOG = "storage-initializer.txt"


class Specs:
    """Fetches what a deployment names and says how to run it. All calls block: use a thread."""

    def __init__(self, context: Context, places: Places) -> None:
        self._context = context
        self._places = places
        self._bin = write_python_wrappers(context.settings.home, context.settings.python)
        self.server = InferenceServer(context.settings.inference_server, context.settings.python)

    def make(self, deployment: Resource, folder: Path, files: Path) -> ContainerSpec:
        """Fetch model and code below `files`; give the container. Its logs lie in `folder`."""
        properties = deployment.properties
        variables = self._variables(properties)
        initializer = _Log(folder / INITIALIZER_LOG)
        if properties.get("model"):
            model = self._asset(properties["model"])
            folder_of_model = files / "model"
            self._fetch(str(model.properties["modelUri"]), folder_of_model, model.id, initializer)
            variables["AZUREML_MODEL_DIR"] = str(folder_of_model.resolve())
        instances = int(deployment.body["sku"]["capacity"])
        cwd, routes = None, self._routes(properties["environmentId"])
        if code := properties.get("codeConfiguration"):
            cwd = (files / "code").resolve()
            root = self._fetch_code(code, cwd, initializer)
            script = root / str(code["scoringScript"])
            variables.setdefault("AML_APP_ROOT", str(root))
            variables["AZUREML_ENTRY_SCRIPT"] = str(script)
            command = self.server.command(script, instances)
        else:
            image = str(self._asset(properties["environmentId"]).properties.get("image") or "")
            command = command_for(image, self._context.settings.images)
        initializer.line("Initialization completed.")
        return self._spec(properties, command, variables, folder / LOG, cwd, routes, instances)

    def _spec(
        self,
        properties: Json,
        command: list[str],
        variables: dict[str, str],
        log: Path,
        cwd: Path | None,
        routes: Json,
        instances: int,
    ) -> ContainerSpec:
        requests, probe = properties["requestSettings"], properties["readinessProbe"]
        patience = seconds(probe["initialDelay"])
        patience += seconds(probe["period"]) * int(probe["failureThreshold"])
        readiness = _route(routes, "readinessRoute", "/")
        return ContainerSpec(
            command=command,
            variables=variables,
            log=log,
            cwd=cwd,
            scoring_route=_route(routes, "scoringRoute", DEFAULT_ROUTE),
            readiness_route=readiness,
            liveness=_liveness(properties["livenessProbe"], routes, readiness),
            request_timeout_seconds=seconds(requests["requestTimeout"]),
            concurrency=int(requests["maxConcurrentRequestsPerInstance"]) * instances,
            start_seconds_max=min(patience, START_SECONDS_MAX),
        )

    def _variables(self, properties: Json) -> dict[str, str]:
        settings = self._context.settings
        variables = child_environment(self._bin, settings.python)
        variables.update(client_environment(settings.home, settings.base_url))
        given = properties.get("environmentVariables") or {}
        variables.update({name: str(value) for name, value in given.items() if value is not None})
        return variables

    def _routes(self, environment: str) -> Json:
        if environment.startswith("azureml://registries/"):
            return {}
        routes: Json = self._asset(environment).properties.get("inferenceConfig") or {}
        return routes

    def _fetch_code(self, code: Json, target: Path, log: _Log) -> Path:
        asset = self._asset(code["codeId"])
        root = self._fetch(str(asset.properties["codeUri"]), target, asset.id, log)
        if not (root / str(code["scoringScript"])).is_file():
            raise OperationFailedError(
                f"The scoring script '{code['scoringScript']}' is not in the code folder."
            )
        return root

    def _fetch(self, uri: str, folder: Path, asset: str, log: _Log) -> Path:
        """Put a folder or a file one level below `folder`, under its own name."""
        log.line(f"Downloading {asset}")
        try:
            place = self._places.resolve(uri)
            target = folder / (place.name or asset.split("/")[-3])
            if not self._context.files.download_folder(place, target):
                target.rmdir()
                self._context.files.download_file(place, target)
        except Exception as error:
            log.line(f"Failed: {error}")
            raise OperationFailedError(f"{asset} cannot be read: {error}") from error
        return target

    def _asset(self, asset: object) -> Resource:
        resource = self._context.store.get(str(asset).removeprefix("azureml:"))
        if resource is None:
            raise OperationFailedError(f"The asset {asset} does not exist.")
        return resource


class _Log:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._path = path

    def line(self, text: str) -> None:
        with self._path.open("a") as log:
            log.write(text + "\n")


def child_environment(python_bin: Path, python: Path) -> dict[str, str]:
    """Give our own environment with the chosen Python first on PATH."""
    variables = dict(os.environ)
    own = str(Path(__file__).resolve().parents[3])
    search = [part for part in variables.pop("PYTHONPATH", "").split(os.pathsep) if part]
    if kept := [part for part in search if part != own]:
        variables["PYTHONPATH"] = os.pathsep.join(kept)
    path = [str(python_bin), str(python.parent), variables.get("PATH", "")]
    return {**variables, "PATH": os.pathsep.join(path)}


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
