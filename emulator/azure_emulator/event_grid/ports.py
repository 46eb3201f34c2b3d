"""What Event Grid needs from the rest of the emulator."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, ContainerClient


class Storage(Protocol):
    """The storage account whose blobs raise events and which keeps dead letters."""

    @property
    def blob_url(self) -> str:
        """Return the address of the account's blobs."""

    @property
    def account(self) -> str:
        """Return the account's name."""

    @property
    def service(self) -> BlobServiceClient:
        """Return a client of the whole account."""

    def container(self, name: str) -> ContainerClient:
        """Return a client of one container, whether it exists or not."""


class Clock(Protocol):
    """The present, and a way to wait for the future."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return when this clock shows `moment` or later."""

    def advance(self, seconds: float) -> None:
        """Put it forward; only from the event loop."""


class Fault(Protocol):
    """What an event or a delivery suffers on demand."""

    @property
    def status(self) -> int | None:
        """Return the answer that is given instead of a delivery."""

    @property
    def drop(self) -> str:
        """Return '', or 'before' (never happens) or 'after' (happens, nobody hears of it)."""

    @property
    def delay_seconds(self) -> float:
        """Return by how much it comes later."""

    @property
    def copies(self) -> int:
        """Return how often it happens."""


class Faults(Protocol):
    """The faults that were asked for."""

    def take(self, operation: str, resource: str = "") -> Fault | None:
        """Return the one that hits this operation, counting it down; None when none does."""


class SystemClock:
    """The clock of this machine, and whatever it was put forward since."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._moved: set[asyncio.Event] = set()

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the clock forward and wake who sleeps; only from the event loop."""
        self._ahead += timedelta(seconds=seconds)
        for moved in self._moved:
            moved.set()

    async def sleep_until(self, moment: datetime) -> None:
        """Return at `moment`; looks now and then, since a machine's clock jumps."""
        moved = asyncio.Event()
        self._moved.add(moved)
        try:
            while (seconds := (moment - self.now()).total_seconds()) > 0:
                moved.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(moved.wait(), min(seconds, 5.0))
        finally:
            self._moved.discard(moved)
