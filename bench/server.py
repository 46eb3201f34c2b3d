"""One server as a process: started, asked until it answers rightly, measured, stopped."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.places import BenchError

START_SECONDS = 120.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02
STATE, PARENT, SESSION = 0, 1, 3
"""Fields of /proc/PID/stat, counted from the one after the name."""

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A process and its children, by the session that they share."""

    command: list[str]
    environment: dict[str, str]
    folder: Path
    log: Path
    counted: Path | None = None
    """Holds the id of the one process of it that is measured; None: all are."""
    process: subprocess.Popen[bytes] = field(init=False)
    started: float = field(init=False)

    def start(self) -> None:
        """Start it; `ready` says when it answers."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.started = time.perf_counter()
        with self.log.open("wb") as log:
            try:
                self.process = subprocess.Popen(  # noqa: S603 - our own commands
                    self.command,
                    env=self.environment,
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise BenchError(f"cannot be started: {error}") from None

    def ready(self, asked: Callable[[], bool]) -> float:
        """Seconds from start until `asked` was content; raises BenchError with the log's end."""
        while time.perf_counter() - self.started < START_SECONDS:
            if self.process.poll() is not None:
                raise BenchError(f"ended at its start: {self._last_words()}")
            if asked():
                return time.perf_counter() - self.started
            time.sleep(POLL_SECONDS)
        raise BenchError(f"does not answer within {START_SECONDS:g} s: {self._last_words()}")

    def cpu_seconds(self) -> float:
        """What it and its living children have used so far."""
        return sum(sum(map(int, fields[11:13])) for fields in self._measured()) / TICKS

    def megabytes(self) -> float:
        """What it and its children hold in memory; pages that they share count once for each."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(int(fields[21]) for fields in self._measured()) * page / 1e6

    def stop(self) -> None:
        """End it and all that it started."""
        # Known now: whose parent has gone cannot be told from others any more.
        begun = self._session()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        for child in {*begun, *self._session()}:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.wait()

    def _measured(self) -> list[list[str]]:
        stats = self._stats()
        if self.counted is None:
            return stats
        only = self.counted.read_text()
        return [fields for fields in stats if fields[-1] == only]

    def _session(self) -> list[int]:
        return [int(fields[-1]) for fields in self._stats()]

    def _stats(self) -> list[list[str]]:
        """The fields of /proc/PID/stat after the name, and its id, of each process it began.

        Those of its session, and their children that made a session of their own.
        """
        left = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                left[path.parent.name] = [*fields, path.parent.name]
        found: dict[str, list[str]] = {}
        while found_now := {
            pid: fields
            for pid, fields in left.items()
            if fields[SESSION] == str(self.process.pid) or fields[PARENT] in found
        }:
            found |= found_now
            left = {pid: fields for pid, fields in left.items() if pid not in found}
        return [fields for fields in found.values() if fields[STATE] != "Z"]

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(line.strip() for line in lines[-2:])[-300:] or "it said nothing"


def ask(port: int, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """One POST; status 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
