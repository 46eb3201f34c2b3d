"""Keeps a deployment's container alive: starts it again when it died or hangs."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextlib import suppress
from signal import SIGCONT, SIGTSTP, SIGUSR2
from typing import TYPE_CHECKING

from ...operations import OperationFailedError

if TYPE_CHECKING:
    from ...settings import Pace
    from .containers import Container

log = logging.getLogger("azure_emulator")
PAUSE_SECONDS_MAX = 300.0
"""As in Kubernetes, and so is the time after which a container counts as recovered."""
RECOVERED_SECONDS = 600.0


class KeptContainer:
    """One container with its restarts, and the faults of processes that can be chosen."""

    def __init__(self, container: Container, pace: Pace) -> None:
        self.container = container
        self.restarts = 0
        self._pace = pace
        self._deaths = 0
        self._down_until = 0.0
        self._down_changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.TimerHandle | None = None

    @property
    def state(self) -> str:
        """Say whether it runs: 'running', 'paused' or 'down'."""
        if not self.container.ready:
            return "down"
        return "paused" if self.container.paused else "running"

    async def start(self) -> None:
        """Start it, return when it is ready, and keep it alive from then on."""
        await self.container.start()
        self._task = asyncio.create_task(self._keep())

    async def retire(self) -> None:
        """Let the requests under way end, then stop it."""
        await self.container.drained()
        await self.stop()

    async def stop(self) -> None:
        """Stop it for good."""
        if self._wake:
            self._wake.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.container.stop()

    def kill(self, down_seconds: float | None = 0.0) -> None:
        """Kill its processes; it stays down for so long at least, for ever with None."""
        self._down_until = math.inf if down_seconds is None else time.monotonic() + down_seconds
        self._down_changed.set()
        self.container.ready = False
        self.container.signal(SIGUSR2)

    def pause(self, seconds: float | None = None) -> None:
        """Freeze its processes, for so long or until `resume`: requests hang."""
        self.container.paused = True
        self.container.signal(SIGTSTP)
        if seconds is not None:
            self._wake = asyncio.get_running_loop().call_later(seconds, self.resume)

    def resume(self) -> None:
        """Let frozen processes go on."""
        if self._wake:
            self._wake.cancel()
        self.container.paused = False
        self.container.signal(SIGCONT)

    async def _keep(self) -> None:
        while True:
            started_at = time.monotonic()
            probing = asyncio.create_task(self._probe())
            try:
                await self.container.ended()
            finally:
                probing.cancel()
            if time.monotonic() - started_at > RECOVERED_SECONDS:
                self._deaths = 0
            await self._pause_after_death()
            self.restarts += 1
            log.warning("container at %s is started again", self.container.spec.log.parent.name)
            with suppress(OperationFailedError):
                await self.container.start()

    async def _pause_after_death(self) -> None:
        pause = min(self._pace.restart_seconds * 2**self._deaths, PAUSE_SECONDS_MAX)
        self._deaths += 1
        await asyncio.sleep(pause)
        while (left := self._down_until - time.monotonic()) > 0:
            self._down_changed.clear()
            with suppress(TimeoutError):
                timeout = None if math.isinf(left) else left
                await asyncio.wait_for(self._down_changed.wait(), timeout)

    async def _probe(self) -> None:
        """Kill a container that does not answer its liveness probe any more."""
        probe, failures = self.container.spec.liveness, 0
        await asyncio.sleep(probe.initial_delay_seconds)
        while failures < probe.failure_threshold:
            await asyncio.sleep(probe.period_seconds)
            alive = await self.container.answers(probe.route, probe.timeout_seconds)
            failures = 0 if alive else failures + 1
        self.kill()
