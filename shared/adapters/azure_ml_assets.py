"""Registers what training and serving need in Azure ML, versioned by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml import ml_errors, quieten
from shared.adapters.azure_ml_endpoints import SERVING_ENVIRONMENT
from shared.adapters.job_request import DIGEST_TAG
from shared.domain.errors import NotFoundError
from shared.domain.facts import Release

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

PIPELINE = "pipeline.yml"
TRAINING_ENVIRONMENT = "environment/noon-training.yml"
SERVING_PORT = 8000
"""Where the scoring service listens in its container."""
VERSION_LENGTH = 16

Register = Callable[[str, str, str, Any], None]
"""Sees to it that an asset is there, by kind (as the client calls it), name, version and asset."""


def register_components(
    client: MLClient, folder: Path, *, image: str, port: int = SERVING_PORT
) -> Release:
    """Register the components of a folder and the environment that serves `image`.

    The same content is the same version, so that nothing is registered twice: `pipeline.yml`
    with a folder for each of its steps, and the environment that the steps run in.
    """

    def register(kind: str, name: str, version: str, asset: Any) -> None:
        operations = getattr(client, kind)
        if not _is_there(operations, name, version):
            with ml_errors(f"register the {kind.rstrip('s')} {name}:{version}"):
                operations.create_or_update(asset)

    return Release(
        component=_pipeline(register, folder),
        environment=_serving_environment(client, image, port),
    )


def expected_component(folder: Path) -> str:
    """Name and version of the pipeline that registering this folder comes to; nothing is sent."""
    # First imported, since that sets what is told.
    import azure.ai.ml  # noqa: F401

    quieten()
    return _pipeline(lambda *_: None, folder)


def _training_environment(register: Register, folder: Path) -> str:
    """Name and version of the environment that the steps run in."""
    from azure.ai.ml import load_environment

    environment = load_environment(folder / TRAINING_ENVIRONMENT)
    name = str(environment.name)
    version = _version(environment.image, environment.conda_file)
    environment.version = version
    register("environments", name, version, environment)
    return f"{name}:{version}"


def _pipeline(register: Register, folder: Path) -> str:
    """Name and version of the pipeline, over registered versions of its steps."""
    from azure.ai.ml import load_component

    environment = _training_environment(register, folder)
    pipeline: Any = load_component(folder / PIPELINE)
    steps = sorted(pipeline.jobs)
    registered = {step: _step(register, folder / step, environment) for step in steps}
    chosen = [{f"jobs.{step}.component": f"azureml:{name}"} for step, name in registered.items()]
    version = _version((folder / PIPELINE).read_text(), registered)
    return _component(register, folder / PIPELINE, version, chosen)


def _step(register: Register, folder: Path, environment: str) -> str:
    version = _version(environment, _content(folder))
    chosen = [{"environment": f"azureml:{environment}"}]
    return _component(register, folder / "component.yml", version, chosen)


def _component(register: Register, path: Path, version: str, chosen: list[dict[str, str]]) -> str:
    """Name and version of the component, registered unless it is there."""
    from azure.ai.ml import load_component

    component = load_component(path, params_override=[*chosen, {"version": version}])
    name = str(component.name)
    register("components", name, version, component)
    return f"{name}:{version}"


def _serving_environment(client: MLClient, image: str, port: int) -> int:
    """Version of the environment of the image: a number, since deployments are named by it."""
    from azure.ai.ml.entities import Environment

    routes = {"liveness": "/health/live", "readiness": "/health/ready", "scoring": "/score"}
    inference = {f"{name}_route": {"port": port, "path": path} for name, path in routes.items()}
    digest = _version(image, inference)
    known = _numbered(client)
    for former in known:
        if (former.tags or {}).get(DIGEST_TAG) == digest:
            return int(former.version)
    # As numbers: as texts 9 would come after 10.
    version = max((int(former.version) for former in known), default=0) + 1
    environment = Environment(
        name=SERVING_ENVIRONMENT,
        version=str(version),
        image=image,
        inference_config=inference,
        tags={DIGEST_TAG: digest},
    )
    with ml_errors(f"register the environment {SERVING_ENVIRONMENT}:{version}"):
        client.environments.create_or_update(environment)
    return version


def _numbered(client: MLClient) -> list[Any]:
    """The registered versions of the serving environment that are numbers."""
    try:
        with ml_errors(f"list the environments {SERVING_ENVIRONMENT}"):
            versions = list(client.environments.list(name=SERVING_ENVIRONMENT))
    except NotFoundError:
        return []
    return [environment for environment in versions if str(environment.version).isdecimal()]


def _is_there(operations: Any, name: str, version: str) -> bool:
    try:
        with ml_errors(f"read {name}:{version}"):
            operations.get(name, version=version)
    except NotFoundError:
        return False
    return True


def _content(folder: Path) -> list[tuple[str, str]]:
    """Path and digest of every file of a folder, but what Python leaves there."""
    return [
        (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]


def _version(*parts: object) -> str:
    """A version that stands for a content."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_LENGTH]
