"""The scoring container of the local stack: one process for all models that ask for one."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noon.models import served_by_containers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from noon.local.environment import Addresses

URL = "NOON_CONTAINER_URL"
POLL_SECONDS = 1
ANSWER_SECONDS = 5.0


def contained_models(settings: Mapping[str, str]) -> list[str]:
    """Give the models that need the stack's own container; none when another one is named."""
    return [] if settings.get(URL) else served_by_containers(Path(settings["NOON_MODELS_DIR"]))


def container_settings(addresses: Addresses) -> dict[str, str]:
    """Give the app's settings that lead to it: each model has a path of its own there."""
    return {URL: f"{addresses.container}/models/{{model}}"}


def container_command(addresses: Addresses) -> list[str]:
    """Give the command of the scoring service."""
    return [sys.executable, "-m", "backend", "--port", str(addresses.ports["container"])]


def container_environment(
    environment: Mapping[str, str], models: Sequence[str], release: Mapping[str, Any]
) -> dict[str, str]:
    """Give what makes it follow what is published for these models.

    It is the image of the released serving environment, and known by that one's version.
    """
    runs = environment["NOON_RUNS_URL"]
    return {
        **environment,
        "SCORING_SERVING_URL": " ".join(f"{runs}/noon/serving/{model}" for model in models),
        "SCORING_ENVIRONMENT_VERSION": str(release.get("environment", 1)),
        "SCORING_POLL_SECONDS": str(POLL_SECONDS),
        # Nobody but this machine can reach it.
        "SCORING_AUTH": "off",
    }


def container_ready(addresses: Addresses) -> bool:
    """Say whether it answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{addresses.container}/health/ready", timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
