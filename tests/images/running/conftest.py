"""Images that are run: for `make test-images`, which has built them, and for nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.backend.trained import trained_folder
from tests.images.running.containers import Podman, configuration

if not os.environ.get("NOON_TEST_IMAGES"):
    # They need root, podman, and images that were built just now.
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Podman:
    """podman as it runs on this machine."""
    folder = tmp_path_factory.mktemp("podman")
    return Podman({**os.environ, "CONTAINERS_CONF": str(configuration(folder))})


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that the training step wrote, readable by every user."""
    folder = trained_folder(tmp_path_factory.mktemp("trained") / "job")
    for path in (folder, *folder.parents):
        if path.owner() == folder.owner() and str(path).startswith("/tmp/"):
            path.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder
