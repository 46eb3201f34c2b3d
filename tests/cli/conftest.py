"""The command line as its users start it: a process with arguments and an environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Cli = Callable[..., subprocess.CompletedProcess[str]]


def cli_environment(home: Path, **values: str) -> dict[str, str]:
    """The environment of a shell that knows nothing of Azure or of another stack."""
    foreign = ("NOON_", "AZURE_", "REQUESTS_CA_BUNDLE", "CONTAINER_NAME")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    path = os.pathsep.join([str(ROOT), str(ROOT / "emulator")])
    return {**kept, "PYTHONPATH": path, "NOON_HOME": str(home), **values}


@pytest.fixture
def cli_home(tmp_path: Path) -> Path:
    """The folder of a stack that was never started."""
    return tmp_path / "home"


@pytest.fixture
def noon_cli(cli_home: Path, tmp_path: Path) -> Cli:
    """Runs `noon` with arguments, from a folder that is not the checkout."""

    def run(
        *arguments: str, text: str = "", seconds: float = 60, **values: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "noon", *arguments],
            cwd=tmp_path,
            env=cli_environment(cli_home, **values),
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    return run
