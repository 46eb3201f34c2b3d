"""Watches containers by listing them, and raises what a storage account would raise."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from .event import Event, key_of
from .seen_blobs import SeenBlob

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .chosen import Chosen
    from .database import Database
    from .journal import Journal
    from .ports import Clock, Storage
    from .seen_blobs import SeenBlobs
    from .subscription import Subscription
    from .subscriptions import Subscriptions

LOG = logging.getLogger("azure_emulator.event_grid")
CREATED = "Microsoft.Storage.BlobCreated"
DELETED = "Microsoft.Storage.BlobDeleted"
_SUBJECT = "/blobServices/default/containers/"
_NEVER_WATCHED = ("$", "azure-webjobs", "azureml", "insights")
# Listing a large container must not eat a core: rest four times as long as it took.
_REST_FACTOR = 4.0


class Grid(Protocol):
    """What the watcher needs of Event Grid."""

    chosen: Chosen
    journal: Journal
    subscriptions: Subscriptions

    def accept(self, event: Event) -> None:
        """Keep an event durably."""


class BlobWatcher:
    """Compares containers with what was seen before; differences become events."""

    def __init__(
        self,
        database: Database,
        seen: SeenBlobs,
        storage: Storage,
        clock: Clock,
        watch_seconds: float,
        grid: Grid,
    ) -> None:
        self._database = database
        self._seen = seen
        self._storage = storage
        self._clock = clock
        self._watch_seconds = watch_seconds
        self._grid = grid
        self._looking = threading.Lock()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await asyncio.to_thread(self.look)
            except Exception as error:  # storage may be away for a while
                LOG.warning("Blobs cannot be listed: %s", str(error).partition("\n")[0])
            took = asyncio.get_running_loop().time() - started
            rest = timedelta(seconds=max(self._watch_seconds, took * _REST_FACTOR))
            await self._clock.sleep_until(self._clock.now() + rest)

    def look(self) -> None:
        """Raise an event for every blob that changed since the last look."""
        with self._looking:
            watching = self._watching(self._grid.subscriptions.all())
            if not watching:
                return
            topic = watching[0].scope
            for container in self._containers(watching):
                self._compare(container, topic)

    def begin(self, old: Sequence[Subscription], new: Sequence[Subscription]) -> None:
        """Take what lies now in containers that become watched as known: it raises nothing."""
        with self._looking:
            before = set(self._containers(self._watching(old))) if old else set()
            for container in self._containers(self._watching(new)):
                if container not in before:
                    present = self._list(container)
                    gone = set(self._seen.of(container)) - set(present)
                    self._seen.save(container, present.values(), gone)

    def is_own(self, scope: str) -> bool:
        """Tell whether a scope is the storage account that is watched."""
        provider = f"/providers/microsoft.storage/storageaccounts/{self._storage.account.lower()}"
        return f"/{key_of(scope)}".endswith(provider)

    def _watching(self, subscriptions: Iterable[Subscription]) -> list[Subscription]:
        return [each for each in subscriptions if self.is_own(each.scope)]

    def _containers(self, watching: Sequence[Subscription]) -> list[str]:
        if not watching:
            return []
        dead = {each.dead_letter_container for each in watching}
        names = [str(each.name) for each in self._storage.service.list_containers()]
        prefixes = [each.filter.begins_with.lower() for each in watching]
        return [
            name
            for name in names
            if not name.startswith(_NEVER_WATCHED)
            and name not in dead
            and any(_may_match(name, prefix) for prefix in prefixes)
        ]

    def _list(self, container: str) -> dict[str, SeenBlob]:
        blobs = self._storage.container(container).list_blobs(include=["copy"])
        return {
            str(blob.name): SeenBlob(
                path=str(blob.name),
                etag=str(blob.etag).strip('"'),
                size=int(blob.size or 0),
                content_type=str(blob.content_settings.content_type or ""),
                blob_type=str(getattr(blob.blob_type, "value", blob.blob_type)),
                api=_api(blob),
            )
            for blob in blobs
        }

    def _compare(self, container: str, topic: str) -> None:
        seen = self._seen.of(container)
        present = self._list(container)
        changed = [
            blob
            for path, blob in present.items()
            if path not in seen or seen[path].etag != blob.etag
        ]
        removed = [blob for path, blob in seen.items() if path not in present]
        if not changed and not removed:
            return
        # In one transaction: a restart neither loses a change nor raises it again.
        with self._database.transaction():
            for blob in changed:
                self._raise(topic, container, CREATED, blob)
            for blob in removed:
                self._raise(topic, container, DELETED, blob)
            self._seen.save(container, changed, [blob.path for blob in removed])

    def _raise(self, topic: str, container: str, type_name: str, blob: SeenBlob) -> None:
        if type_name == DELETED:
            self._raise_one(topic, container, type_name, blob, "DeleteBlob")
        elif not self._grid.chosen.hierarchical:
            self._raise_one(topic, container, type_name, blob, blob.api)
        else:
            # Such an account tells of the empty file first, and once more when it is whole.
            self._raise_one(topic, container, type_name, replace(blob, size=0), "CreateFile")
            self._raise_one(topic, container, type_name, blob, "FlushWithClose")

    def _raise_one(
        self, topic: str, container: str, type_name: str, blob: SeenBlob, api: str
    ) -> None:
        request = str(uuid.uuid4())
        data: dict[str, Any] = {
            "api": api,
            "clientRequestId": str(uuid.uuid4()),
            "requestId": request,
            "eTag": blob.etag,
            "contentType": blob.content_type,
            "contentLength": blob.size,
            "blobType": blob.blob_type,
            "url": f"{self._storage.blob_url}/{container}/{quote(blob.path)}",
            "sequencer": self._grid.journal.next_sequencer(),
            "storageDiagnostics": {"batchId": str(uuid.uuid4())},
        }
        subject = f"{_SUBJECT}{container}/blobs/{blob.path}"
        self._grid.accept(Event(request, topic, type_name, subject, data, self._clock.now()))


def _api(blob: Any) -> str:
    """Guess which call wrote a blob: a list does not say.

    Only Put Blob makes the service compute an MD5; Put Block List keeps one that it is given.
    """
    if blob.copy.id:
        return "CopyBlob"
    is_block_blob = str(getattr(blob.blob_type, "value", blob.blob_type)) == "BlockBlob"
    return "PutBlob" if blob.content_settings.content_md5 or not is_block_blob else "PutBlockList"


def _may_match(container: str, prefix: str) -> bool:
    """Tell whether a subject of the container can begin with the prefix."""
    start = f"{_SUBJECT}{container}/blobs/".lower()
    return start.startswith(prefix) or prefix.startswith(start)
