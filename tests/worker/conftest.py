"""Function apps run by Microsoft's own worker library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure_emulator.testing import Azurite, Emulator, start_emulator

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PYTHON = ROOT / ".venv-worker" / "bin" / "python"


@dataclass
class Worker:
    """One function app and its settings; every call is a fresh worker process."""

    app: Path
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, *invocations: dict[str, Any]) -> dict[str, Any]:
        """Load the app, invoke, and give back what the worker answered."""
        order = {"root": str(self.app), "invocations": invocations}
        done = subprocess.run(
            [str(PYTHON), str(HERE / "drive_worker.py")],
            input=json.dumps(order),
            env={"PATH": os.environ["PATH"], **self.settings},
            cwd=HERE,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer


@pytest.fixture(scope="session")
def worker_environment() -> None:
    """Make .venv-worker when it is not there or not the newest."""
    subprocess.run([sys.executable, str(HERE / "setup_environment.py")], check=True)


@pytest.fixture(scope="session")
def make_worker() -> type[Worker]:
    """Give the class, since test modules cannot import a conftest."""
    return Worker


@pytest.fixture(scope="module")
def worker_emulator(azurite: Azurite, local_home: Path) -> Iterator[Emulator]:
    """Give identity, so that the app reaches storage as it does in Azure."""
    with start_emulator(local_home, azurite.blob_url) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def noon_settings(azurite: Azurite, worker_emulator: Emulator) -> dict[str, str]:
    """Give the sample's settings with the addresses of this session."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    here = {
        "NOON_MODELS_DIR": str(ROOT / "models"),
        "NOON_COMPONENTS_DIR": str(ROOT / "training_components"),
        "NOON_LANDING_URL": f"{azurite.blob_url}/landing",
        "NOON_RUNS_URL": f"{azurite.blob_url}/azureml-blobstore",
        "NOON_BLOB_URL": azurite.blob_url,
        "NOON_QUEUE_URL": azurite.queue_url,
        "NOON_TABLE_URL": azurite.table_url,
        "NOON_QUEUE_NAME": "worker-reconcile",
    }
    return {**sample, **here, **worker_emulator.environment}
