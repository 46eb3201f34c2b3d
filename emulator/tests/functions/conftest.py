"""Real Functions hosts for the tests."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure_emulator.testing import (
    Azurite,
    LocalProcess,
    free_port,
    listening,
    start_azurite,
    wait_until,
)

APPS = Path(__file__).parent / "apps"
PACKAGES = Path(__file__).parents[2]


@dataclass
class RunningHost:
    """A Functions host as a process of its own."""

    home: Path
    port: int
    process: LocalProcess
    records: Path

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> dict[str, Any]:
        """Return the keys that the host made."""
        keys: dict[str, Any] = json.loads((self.home / "keys.json").read_text())
        return keys

    @property
    def master(self) -> dict[str, str]:
        """Return the header that opens everything."""
        return {"x-functions-key": self.keys["master"]}

    def noted(self, function: str | None = None) -> list[dict[str, Any]]:
        """Return what the app's functions left behind."""
        lines = self.records.read_text().splitlines() if self.records.exists() else []
        facts = [json.loads(line) for line in lines]
        return [fact for fact in facts if function in (None, fact.get("function"))]

    def invocations(self, function: str) -> list[dict[str, Any]]:
        """Return how the runs of a function went."""
        answer = httpx.get(f"{self.url}/_emulator/invocations", params={"function": function})
        runs: list[dict[str, Any]] = answer.json()["value"]
        return runs


StartHost = Callable[..., RunningHost]


def functions_command(home: Path, app: Path, port: int) -> list[str]:
    """Return the command that starts a host."""
    command = [sys.executable, "-m", "azure_emulator.functions", "--home", str(home)]
    return [*command, "--app", str(app), "--port", str(port)]


def _start(
    stack: ExitStack,
    home: Path,
    app: str | Path,
    *options: str,
    port: int | None = None,
    **extra: str,
) -> RunningHost:
    home.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    records = home / "records.jsonl"
    environment = {
        **os.environ,
        "PYTHONPATH": str(PACKAGES),
        "RECORDS": str(records),
        "CONTAINER_NAME": "somewhere",
        **extra,
    }
    command = [*functions_command(home, APPS / app, port), *options]
    process = LocalProcess(command, home / "host.log", environment)
    stack.callback(process.close)
    process.wait_ready(lambda: listening(port))
    return RunningHost(home, port, process, records)


@pytest.fixture(scope="module")
def web_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """Give a host that runs the app `web`."""
    home = tmp_path_factory.mktemp("web")
    os.mkfifo(home / "meeting")
    with ExitStack() as stack:
        yield _start(stack, home, "web", MEETING=str(home / "meeting"))


@pytest.fixture
def start_functions_host(tmp_path: Path) -> Iterator[StartHost]:
    """Give a function that starts hosts with the test's own home folder."""
    with ExitStack() as stack:

        def start(
            app: str | Path,
            *options: str,
            home: Path = tmp_path,
            port: int | None = None,
            **extra: str,
        ) -> RunningHost:
            return _start(stack, home, app, *options, port=port, **extra)

        yield start


@pytest.fixture
def bare_host(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """Give a host of the app `web` that nobody kills when it does not stop: process, URL, FIFO."""
    port, fifo = free_port(), tmp_path / "fifo"
    os.mkfifo(fifo)
    command = functions_command(tmp_path, APPS / "web", port)
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES), "MEETING": str(fifo)}
    with (tmp_path / "host.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: listening(port) or process.poll() is not None, what="the host")
        yield process, f"http://127.0.0.1:{port}", fifo
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def functions_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Give a real storage emulator."""
    with start_azurite(tmp_path_factory.mktemp("storage")) as azurite:
        yield azurite
