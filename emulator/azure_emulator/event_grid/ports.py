"""What Event Grid needs from the rest of the emulator."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
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


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        """Return at `moment`; looks now and then, since a machine's clock jumps."""
        while (seconds := (moment - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(seconds, 5.0))
