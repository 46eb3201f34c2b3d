"""Moves files between blobs and folders, for jobs and deployments."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from .uris import Place

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties

    from ..storage import StorageAccess

TRANSFERS_AT_ONCE = 8


class MissingDataError(Exception):
    """There is no blob where an input was said to be."""


class BlobFiles:
    """Downloads through a cache by etag; uploads folders. All calls block: use a thread."""

    def __init__(self, storage: StorageAccess, cache: Path) -> None:
        self._storage = storage
        self._cache = cache
        self._pool = ThreadPoolExecutor(TRANSFERS_AT_ONCE, "transfer")

    def download_file(self, place: Place, target: Path, *, link: bool = False) -> None:
        """Put one blob at `target`; `link` shares the cache's copy (for readers only)."""
        from azure.core.exceptions import ResourceNotFoundError

        client = self._storage.container(place.container).get_blob_client(place.path)
        try:
            blob = client.get_blob_properties()
        except ResourceNotFoundError:
            raise MissingDataError(f"There is no blob {place.container}/{place.path}.") from None
        self._fetch(place.container, blob, target, link)

    def download_folder(self, place: Place, target: Path, *, link: bool = False) -> int:
        """Put all blobs below the place under `target`; give how many there were."""
        prefix = place.path.strip("/") + "/" if place.path.strip("/") else ""
        target.mkdir(parents=True, exist_ok=True)
        container = self._storage.container(place.container)
        waiting = []
        for blob in container.list_blobs(name_starts_with=prefix):
            relative = str(blob.name)[len(prefix) :]
            if relative and not relative.endswith("/"):
                path = target / relative
                waiting.append(self._pool.submit(self._fetch, place.container, blob, path, link))
        for transfer in waiting:
            transfer.result()
        return len(waiting)

    def upload_folder(self, folder: Path, place: Place) -> int:
        """Upload all files below `folder` to the place; give how many there were."""
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        waiting = [
            self._pool.submit(
                self.upload_file, path, place.below(path.relative_to(folder).as_posix())
            )
            for path in files
        ]
        for transfer in waiting:
            transfer.result()
        return len(files)

    def upload_file(self, path: Path, place: Place) -> None:
        """Upload one file, over what was there."""
        client = self._storage.container(place.container).get_blob_client(place.path)
        with path.open("rb") as content:
            client.upload_blob(content, overwrite=True)

    def _fetch(self, container: str, blob: BlobProperties, target: Path, link: bool) -> None:
        digest = hashlib.sha256(f"{container}/{blob.name}/{blob.etag}".encode()).hexdigest()
        cached = self._cache / digest[:2] / digest
        if not cached.exists():
            cached.parent.mkdir(parents=True, exist_ok=True)
            part = cached.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
            client = self._storage.container(container).get_blob_client(str(blob.name))
            with part.open("wb") as content:
                client.download_blob().readinto(content)
            part.chmod(0o444)
            part.replace(cached)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if link:
            target.hardlink_to(cached)
        else:
            shutil.copyfile(cached, target)
