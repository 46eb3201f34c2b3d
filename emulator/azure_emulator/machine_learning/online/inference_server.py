"""Finds Microsoft's inference server, which runs scoring scripts."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

PACKAGE = "azureml-inference-server-http"
COMMAND = "azmlinfsrv"
LAUNCHER = Path(__file__).with_name("inference_launcher.py")
PATHS = "import sys, json; print(json.dumps([sys.version_info[:2], sys.path[1:]]))"


class InferenceServer:
    """The server of an environment of its own, or of the chosen Python."""

    def __init__(self, chosen: Path | None, python: Path) -> None:
        self._chosen = chosen
        self._python = python

    @property
    def missing(self) -> str:
        """Give what to do when there is no server, '' when there is one."""
        if self._interpreter():
            return ""
        if self._chosen:
            return f"There is no {COMMAND} at {self._chosen}."
        return (
            f"{COMMAND} is not installed: pip install {PACKAGE} (best into an environment of its"
            f" own), and start the emulator with --inference-server PATH/{COMMAND}."
        )

    def command(self, script: Path, workers: int) -> list[str]:
        """Give the command that serves a scoring script at `{port}` of the loopback interface."""
        command = [str(self._interpreter()), str(LAUNCHER), _paths(self._python)]
        command += ["--entry_script", str(script), "--port", "{port}"]
        return command + (["--worker_count", str(workers)] if workers > 1 else [])

    def _interpreter(self) -> Path | None:
        if self._chosen:
            candidates = [self._chosen]
        else:
            found = shutil.which(COMMAND)
            candidates = [self._python.with_name(COMMAND), *([Path(found)] if found else [])]
        for candidate in candidates:
            python = candidate.with_name("python")
            if os.access(candidate, os.X_OK) and os.access(python, os.X_OK):
                return python
        return None


@cache
def _paths(python: Path) -> str:
    """Give, as JSON, the version of a Python and where it finds packages."""
    command = [str(python), "-c", PATHS]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - the Python that `serve` was given
    return run.stdout.strip()
