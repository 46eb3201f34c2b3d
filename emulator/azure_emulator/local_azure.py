"""Azurite and the emulator as one thing that is started, watched and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .azurite import ensure_azurite
from .environment import client_environment
from .home import KINDS, Running
from .mistakes import UserMistakeError
from .ports import free_port, is_free
from .testing import LocalProcess, start_azurite, start_emulator, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .home import Home

USUAL_PORTS = {"emulator": 8443, "blob": 10000, "queue": 10001, "table": 10002}
START_SECONDS = 300.0
"""For a detached start: it may have to install Azurite."""
LOOK_SECONDS = 0.5
PREFIX = "azure-emulator: "
"""Before a mistake's words on stderr."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for; None and missing mean as the last time, else as usual."""

    subscription: str | None = None
    resource_group: str | None = None
    workspace: str | None = None
    ports: dict[str, int] = field(default_factory=dict)
    serve: list[str] = field(default_factory=list)
    """Options of `serve` as they are given on a command line."""


def choose(wishes: Wishes, last: Running, say: Callable[[str], None]) -> Running:
    """Decide names and ports; raise UserMistakeError when a given port is taken."""
    ports: dict[str, int] = {}
    for kind in KINDS:
        given = wishes.ports.get(kind)
        if given and (not is_free(given) or given in ports.values()):
            option = "--port" if kind == "emulator" else f"--{kind}-port"
            raise UserMistakeError(
                f"port {given} is taken by another program; choose another with {option}, "
                "or 0 for any free one"
            )
        usual = last.ports.get(kind, USUAL_PORTS[kind])
        port = given or (usual if given is None and is_free(usual) else free_port())
        if given is None and port != usual and kind in last.ports:
            say(f"port {usual} of the last time is taken: {kind} moves to {port}")
        ports[kind] = port
    return Running(
        wishes.subscription or last.subscription,
        wishes.resource_group or last.resource_group,
        wishes.workspace or last.workspace,
        ports,
    )


def run(
    home: Home,
    wishes: Wishes,
    say: Callable[[str], None],
    ready: Callable[[Running], None],
) -> int:
    """Start both, call `ready`, stay until SIGTERM or SIGINT; give the exit code."""
    with home.held(), ExitStack() as running_parts:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        running = choose(wishes, home.remembered(), say)
        home.remember(running)
        ensure_azurite(say)
        parts = _start(home.path, running, wishes, say, running_parts)
        running_parts.callback(home.remember, _ended(running))
        running.pid = os.getpid()
        home.remember(running)
        ready(running)
        while not stop.wait(LOOK_SECONDS):
            for part in parts:
                if part.ended():
                    raise UserMistakeError(f"{part.log.stem} ended by itself:\n{part.last_words()}")
        say("stopping")
    return 0


def _start(
    home: Path, running: Running, wishes: Wishes, say: Callable[[str], None], until: ExitStack
) -> list[LocalProcess]:
    ports = running.ports
    try:
        say(f"starting Azurite at {ports['blob']}, {ports['queue']}, {ports['table']}")
        azurite = start_azurite(home, (ports["blob"], ports["queue"], ports["table"]))
        until.callback(azurite.close)
        say(f"starting the emulator at {running.url}")
        emulator = start_emulator(
            home,
            azurite.blob_url,
            computes=(),
            port=ports["emulator"],
            subscription=running.subscription,
            resource_group=running.resource_group,
            workspace=running.workspace,
            options=wishes.serve,
        )
        until.callback(emulator.close)
    except (RuntimeError, TimeoutError) as error:
        raise UserMistakeError(str(error)) from None
    return [azurite.process, emulator.process]


def _ended(running: Running) -> Running:
    return Running(running.subscription, running.resource_group, running.workspace, running.ports)


def start_detached(home: Home, arguments: list[str], say: Callable[[str], None]) -> Running:
    """Start `up` in a session of its own and return when it is ready."""
    if home.in_use():
        with home.held():  # says who is in the way
            pass
    log = home.path / "logs" / "up.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("wb")
    except OSError as error:
        message = f"{home.path} cannot be written: {error.strerror}; choose another with --home"
        raise UserMistakeError(message) from None
    with output:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "azure_emulator", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    say(f"starting in the background as process {process.pid}; its log is {log}")
    _wait(
        lambda: process.poll() is not None or home.running() is not None,
        START_SECONDS,
        f"the start in the background (its log is {log})",
    )
    if process.poll() is not None:
        words = log.read_text(errors="replace").strip().splitlines()
        told = [line.removeprefix(PREFIX) for line in words if not line.startswith("starting")]
        raise UserMistakeError("\n".join(told))
    return home.need_running()


def stop(home: Home, timeout_seconds: float = 60.0) -> bool:
    """End what runs in `home` and wait for it; False when nothing runs."""
    running = home.running()
    if running is None:
        return False
    os.kill(running.pid, signal.SIGTERM)
    _wait(lambda: not home.in_use(), timeout_seconds, f"the end of process {running.pid}")
    return True


def _wait(condition: Callable[[], bool], timeout_seconds: float, what: str) -> None:
    try:
        wait_until(condition, timeout_seconds=timeout_seconds, what=what)
    except TimeoutError as error:
        raise UserMistakeError(str(error)) from None


def shell_environment(home: Path, running: Running) -> dict[str, str]:
    """Give the variables for a shell: those of the SDKs, and past a proxy of the shell."""
    local = "127.0.0.1,localhost"
    known = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    merged = known if local in known else ",".join(filter(None, [known, local]))
    return {**client_environment(home, running.url), "NO_PROXY": merged, "no_proxy": merged}


def listening_places(running: Running) -> dict[str, str]:
    """Name the URLs of the control plane and of the storage services."""
    account = "https://127.0.0.1:{}/devstoreaccount1"
    storage = {kind: account.format(running.ports[kind]) for kind in KINDS if kind != "emulator"}
    return {"url": running.url, **storage}
