"""One at a time over all hosts of an app: a blob lease, as the real host's listener locks."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor
    from typing import Any

    from azure.storage.blob import BlobClient, BlobLeaseClient, BlobServiceClient

T = TypeVar("T")
LOG = logging.getLogger("host.singleton")
CONTAINER = "azure-webjobs-hosts"
LEASE_SECONDS = 15
RENEWED_SECONDS = 5.0
ASKED_AGAIN_SECONDS = 5.0


class HostStorage:
    """Where hosts of one app keep what they must agree on."""

    def __init__(
        self, connect: Callable[[], BlobServiceClient], host_id: str, threads: Executor
    ) -> None:
        self._connect = connect
        self._host_id = host_id
        self._threads = threads
        self._service: BlobServiceClient | None = None

    async def io(self, work: Callable[[], T]) -> T:
        """Run a call to storage in a thread of the host."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def blob(self, folder: str, name: str) -> BlobClient:
        """Return the client of `folder`/HOST/`name`, whether the blob exists or not; blocks."""
        if self._service is None:
            self._service = self._connect()
        container = self._service.get_container_client(CONTAINER)
        return container.get_blob_client(f"{folder}/{self._host_id}/{name}")

    def make(self, blob: BlobClient) -> None:
        """Make an empty blob and its container, unless they are there; blocks."""
        assert self._service is not None
        with suppress(ResourceExistsError):
            self._service.create_container(CONTAINER)
        with suppress(ResourceExistsError):
            blob.upload_blob(b"", overwrite=False)


class Singleton:
    """Runs something in whichever host holds the lease; the others wait to take over.

    `owner` is the id of the lease: a host that is started again in the place of one that died
    has the same and goes on at once.
    """

    def __init__(self, storage: HostStorage, name: str, owner: str) -> None:
        self._storage = storage
        self._name = name
        self._owner = owner
        self.held = False

    async def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` whenever this host holds the lease, for ever; gives it up when cancelled."""
        while True:
            lease = await self._acquired()
            self.held = True
            working = asyncio.create_task(work())
            try:
                await self._keep(lease, working)
            finally:
                self.held = False
                if not working.done():
                    working.cancel()
                    await asyncio.wait([working])
                with suppress(AzureError):
                    await self._storage.io(lease.release)

    async def _acquired(self) -> BlobLeaseClient:
        said = ""
        while True:
            try:
                return await self._storage.io(self._acquire)
            except AzureError as error:
                reason = str(getattr(error, "error_code", None) or error).partition("\n")[0]
                if reason != said:
                    said = reason
                    LOG.info("%s waits for its lock: %s", self._name, reason)
            await asyncio.sleep(ASKED_AGAIN_SECONDS)

    def _acquire(self) -> BlobLeaseClient:
        blob = self._storage.blob("locks", f"{self._name}.Listener")
        try:
            return blob.acquire_lease(LEASE_SECONDS, self._owner)
        except ResourceNotFoundError:
            self._storage.make(blob)
            return blob.acquire_lease(LEASE_SECONDS, self._owner)

    async def _keep(self, lease: BlobLeaseClient, working: asyncio.Task[None]) -> None:
        renewed_at = time.monotonic()
        while not working.done():
            await asyncio.wait([working], timeout=RENEWED_SECONDS)
            if working.done():
                break
            try:
                await self._storage.io(lease.renew)
                renewed_at = time.monotonic()
            except ResourceExistsError:
                LOG.warning("%s lost its lock to another host", self._name)
                return
            except AzureError as error:
                if time.monotonic() - renewed_at > LEASE_SECONDS:
                    LOG.warning("%s lost its lock: %s", self._name, str(error).partition("\n")[0])
                    return
        failure = working.exception()
        if isinstance(failure, AzureError):
            LOG.warning("%s begins again: %s", self._name, str(failure).partition("\n")[0])
            await asyncio.sleep(ASKED_AGAIN_SECONDS)
        elif failure is not None:
            raise failure
