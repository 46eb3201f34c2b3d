"""A deployment's container, played by a local process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from signal import SIGTERM
from typing import TYPE_CHECKING

from ...operations import OperationFailedError
from ...ports import free_port
from ...supervisor import supervised

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

PROBE_SECONDS = 0.1
DRAIN_SECONDS = 0.02
READY_TIMEOUT_SECONDS = 2.0
START_SECONDS_MAX = 300.0


@dataclass(frozen=True, slots=True)
class LivenessProbe:
    """How a container that hangs is noticed."""

    route: str
    initial_delay_seconds: float
    period_seconds: float
    timeout_seconds: float
    failure_threshold: int


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What a deployment's container is to be."""

    command: list[str]
    variables: dict[str, str]
    log: Path
    cwd: Path | None
    scoring_route: str
    readiness_route: str
    liveness: LivenessProbe
    request_timeout_seconds: float
    concurrency: int
    start_seconds_max: float


@dataclass(slots=True)
class Container:
    """A process that answers HTTP at a port of this machine."""

    spec: ContainerSpec
    session: aiohttp.ClientSession
    port: int = 0
    in_flight: int = 0
    ready: bool = False
    paused: bool = False
    slots: asyncio.Semaphore = field(init=False)
    _process: asyncio.subprocess.Process | None = None

    def __post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.spec.concurrency)

    @property
    def url(self) -> str:
        """Give its base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Give the id of the process that holds it, None when it does not run."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def start(self) -> None:
        """Start the process and return when its readiness probe succeeds."""
        self.port, self.paused = free_port(), False
        self.spec.log.parent.mkdir(parents=True, exist_ok=True)
        command = [part.replace("{port}", str(self.port)) for part in self.spec.command]
        with self.spec.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *supervised(*command),
                env={**self.spec.variables, "PORT": str(self.port)},
                cwd=self.spec.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
            )
        try:
            await asyncio.wait_for(self._until_ready(), self.spec.start_seconds_max)
            self.ready = True
        except TimeoutError:
            await self.stop()
            raise OperationFailedError(
                f"User container has not become ready in {self.spec.start_seconds_max:.0f} s:"
                f" GET {self.spec.readiness_route} does not answer 200."
            ) from None
        except BaseException:
            await self.stop()
            raise

    async def drained(self) -> None:
        """Return when no request is under way, or when all of them have run out of time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.spec.request_timeout_seconds):
                while self.in_flight:
                    await asyncio.sleep(DRAIN_SECONDS)

    async def stop(self) -> None:
        """End the process."""
        self.ready = False
        if self._process and self._process.returncode is None:
            self.signal(SIGTERM)
            await self._process.wait()

    async def ended(self) -> None:
        """Return when the process is gone."""
        if self._process:
            await self._process.wait()
        self.ready = False

    def signal(self, number: int) -> None:
        """Tell the supervisor: SIGUSR2 kills, SIGTSTP freezes, SIGCONT lets go on."""
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def answers(self, route: str, timeout_seconds: float) -> bool:
        """Ask a probe's route; True on success."""
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self.session.get(self.url + route, timeout=timeout) as response:
                return response.status == 200
        return False

    async def _until_ready(self) -> None:
        while True:
            if self._process and self._process.returncode is not None:
                raise OperationFailedError(
                    "User container has crashed or terminated:"
                    f" exit code {self._process.returncode}. See the deployment's logs."
                )
            if await self.answers(self.spec.readiness_route, READY_TIMEOUT_SECONDS):
                return
            await asyncio.sleep(PROBE_SECONDS)
