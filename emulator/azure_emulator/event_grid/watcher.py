"""Watches containers by listing them, and raises what a storage account would raise."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .event import Event, key_of
from .journal import SeenBlob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .journal import Journal
    from .ports import Clock, Storage
    from .subscription import Subscription

LOG = logging.getLogger("azure_emulator.event_grid")
CREATED = "Microsoft.Storage.BlobCreated"
DELETED = "Microsoft.Storage.BlobDeleted"
_SUBJECT = "/blobServices/default/containers/"
_NEVER_WATCHED = ("$", "azure-webjobs", "azureml", "insights")
# Listing a large container must not eat a core: rest four times as long as it took.
_REST_FACTOR = 4.0


class BlobWatcher:
    """Compares containers with what was seen before; differences become events."""

    def __init__(
        self,
        journal: Journal,
        storage: Storage,
        clock: Clock,
        watch_seconds: float,
        publish: Callable[[Event], None],
    ) -> None:
        self._journal = journal
        self._storage = storage
        self._clock = clock
        self._watch_seconds = watch_seconds
        self._publish = publish
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
            watching = self._watching(self._journal.subscriptions())
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
                    gone = set(self._journal.seen_blobs(container)) - set(present)
                    self._journal.save_blobs(container, present.values(), gone)

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
        blobs = self._storage.container(container).list_blobs()
        return {
            str(blob.name): SeenBlob(
                path=str(blob.name),
                etag=str(blob.etag).strip('"'),
                size=int(blob.size or 0),
                content_type=str(blob.content_settings.content_type or ""),
                blob_type=str(getattr(blob.blob_type, "value", blob.blob_type)),
            )
            for blob in blobs
        }

    def _compare(self, container: str, topic: str) -> None:
        seen = self._journal.seen_blobs(container)
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
        with self._journal.transaction():
            for blob in changed:
                self._raise(topic, container, CREATED, blob)
            for blob in removed:
                self._raise(topic, container, DELETED, blob)
            self._journal.save_blobs(container, changed, [blob.path for blob in removed])

    def _raise(self, topic: str, container: str, type_name: str, blob: SeenBlob) -> None:
        request = str(uuid.uuid4())
        data: dict[str, Any] = {
            "api": "PutBlob" if type_name == CREATED else "DeleteBlob",
            "clientRequestId": str(uuid.uuid4()),
            "requestId": request,
            "eTag": blob.etag,
            "contentType": blob.content_type,
            "contentLength": blob.size,
            "blobType": blob.blob_type,
            "url": f"{self._storage.blob_url}/{container}/{quote(blob.path)}",
            "sequencer": self._journal.next_sequencer(),
            "storageDiagnostics": {"batchId": str(uuid.uuid4())},
        }
        subject = f"{_SUBJECT}{container}/blobs/{blob.path}"
        self._publish(Event(request, topic, type_name, subject, data, self._clock.now()))


def _may_match(container: str, prefix: str) -> bool:
    """Tell whether a subject of the container can begin with the prefix."""
    start = f"{_SUBJECT}{container}/blobs/".lower()
    return start.startswith(prefix) or prefix.startswith(start)
