"""Moves files between blobs and folders, for jobs and deployments."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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

    def copy_code(self, place: Place, target: Path) -> None:
        """Put a code folder under `target`; code never changes, so it is downloaded once."""
        kept = self._cache / "code" / _digest(place.container, place.path)
        if not kept.is_dir():
            part = kept.with_name(f"{kept.name}.{os.getpid()}-{threading.get_ident()}")
            if not self.download_folder(place, part):
                self.download_file(place, part / place.name)
            with suppress(OSError):
                part.rename(kept)
            shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(kept, target, dirs_exist_ok=True)

    def upload_folder(self, folder: Path, place: Place) -> int:
        """Upload all files below `folder`, which nobody writes to any more, to the place."""
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        waiting = [
            self._pool.submit(
                self.upload_last, path, place.below(path.relative_to(folder).as_posix())
            )
            for path in files
        ]
        for transfer in waiting:
            transfer.result()
        return len(files)

    def upload_last(self, path: Path, place: Place) -> None:
        """Upload a file that nobody writes to any more: whoever reads it next has it here."""
        etag = self.upload_file(path, place)
        if path.is_symlink() or path.stat().st_nlink > 1:
            return  # also somebody else's file, who may change it
        cached = self._cached(place.container, place.path, etag)
        cached.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            cached.hardlink_to(path)
            cached.chmod(0o444)

    def upload_file(self, path: Path, place: Place) -> str:
        """Upload one file, over what was there; give its etag."""
        client = self._storage.container(place.container).get_blob_client(place.path)
        with path.open("rb") as content:
            return str(client.upload_blob(content, overwrite=True)["etag"])

    def _fetch(self, container: str, blob: BlobProperties, target: Path, link: bool) -> None:
        cached = self._cached(container, str(blob.name), str(blob.etag))
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

    def _cached(self, container: str, name: str, etag: str) -> Path:
        # Headers quote etags, lists do not.
        digest = _digest(container, name, etag.strip('"'))
        return self._cache / digest[:2] / digest


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
