"""Registers what training and serving need in Azure ML, versioned by content."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shared.adapters.azure_ml import ml_errors
from shared.domain.errors import SettingsError
from shared.domain.facts import Release

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

SERVING_PORT = 8080
PIPELINE = "pipeline.yml"
TRAINING_ENVIRONMENT = "environment/noon-training.yml"
STEPS = ("prepare", "train", "evaluate")
VERSION_LENGTH = 16


def register_components(
    client: MLClient, folder: Path, *, image: str, port: int = SERVING_PORT
) -> Release:
    """Register environments, steps and pipeline of a folder; the same content is registered once.

    `image` is what serves, and `port` where it listens.
    """
    environment = _training_environment(client, folder)
    steps = {name: _step(client, folder / name, environment) for name in _steps(folder)}
    return Release(
        component=_pipeline(client, folder / PIPELINE, steps),
        environment=_serving_environment(client, image, port),
    )


def _steps(folder: Path) -> list[str]:
    names = sorted(path.parent.name for path in folder.glob("*/component.yml"))
    if not names:
        raise SettingsError(f"{folder} holds no components: no folder of it has a component.yml")
    return names


def _training_environment(client: MLClient, folder: Path) -> str:
    """Name and version of the environment that the steps run in."""
    from azure.ai.ml import load_environment

    environment = load_environment(folder / TRAINING_ENVIRONMENT)
    parts = [str(environment.image), str(environment.conda_file)]
    environment.version = _digest(part.encode() for part in parts)
    name = f"{environment.name}:{environment.version}"
    with ml_errors(f"register the environment {name}"):
        if not _is_there(client.environments, environment.name, environment.version):
            client.environments.create_or_update(environment)
    return name
