"""The stack's child processes: each in a process group of its own, with a log.

A supervisor stands between us and each of them, so that nothing outlives us even when we are
killed; see `supervised`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from signal import SIGUSR2
from typing import TYPE_CHECKING

from noon.failures import CommandError
from noon.home import ROOT
from noon.local.commands import supervised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.05
TAIL_LINES = 15
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Child:
    """One process of the stack; start it again after it ended as often as needed."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it; its output is added to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                supervised(*self.command),
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """Give the pid of its supervisor; 0 when it was never started."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Say whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Give how it ended; None while it runs or when it was never started."""
        return self._process.poll() if self._process else None

    def wait_ready(self, ready: Callable[[], bool], timeout_seconds: float = START_SECONDS) -> None:
        """Return when `ready` says so; raises CommandError when it ends or takes too long."""
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if self.exit_code is not None:
                raise CommandError(self.epitaph())
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{self.name} was not ready after {timeout_seconds:.0f} s; the end of "
                    f"{self.log}:\n{self.tail()}"
                )
            time.sleep(POLL_SECONDS)

    def epitaph(self) -> str:
        """Say how it ended, with the last lines of its log."""
        return (
            f"{self.name} ended by itself with exit code {self.exit_code}; the end of "
            f"{self.log}:\n{self.tail()}"
        )

    def tail(self) -> str:
        """Give the last lines of its log."""
        with suppress(OSError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])
        return ""

    def end(self) -> None:
        """Ask it to end, without waiting."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def join(self) -> None:
        """Wait for its end; one that does not obey is killed."""
        if not self._process:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it and what it started with SIGKILL, as a power cut would, and wait."""
        if self._process and self._process.poll() is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(SIGUSR2)
            self._process.wait(STOP_SECONDS)


class NoonCommand:
    """A command of ours that runs beside us against a stack.

    `told` gets each line that it says on stderr, from another thread.
    """

    def __init__(
        self,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._name = f"noon {' '.join(arguments)}"
        self._told = told
        self._last = ""
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            supervised(sys.executable, "-m", "noon", *arguments),
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def result(self) -> str:
        """Wait for its end and give its stdout; raises CommandError with its last words."""
        with self._process as process:
            try:
                assert process.stdout is not None
                output = process.stdout.read()
                process.wait()
                self._listener.join(STOP_SECONDS)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            words = self._last.removeprefix("noon: ") or f"exit code {process.returncode}"
            raise CommandError(f"{self._name} failed: {words}")
        return output

    def cancel(self) -> None:
        """End it, whether it is done or not."""
        with self._process as process:
            process.terminate()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            # The Azure libraries set colours even where nobody sees them.
            if text := _COLOUR.sub("", line).strip():
                self._last = text
                self._told(text)
