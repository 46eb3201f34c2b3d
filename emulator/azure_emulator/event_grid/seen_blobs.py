"""The blobs of watched containers as they were listed last, durable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Database


@dataclass(frozen=True, slots=True)
class SeenBlob:
    """A blob as it was when the container was last listed; `api` is the call that wrote it."""

    path: str
    etag: str
    size: int
    content_type: str
    blob_type: str
    api: str = "PutBlob"


class SeenBlobs:
    """What is known of each container, so that only differences raise events."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, container: str) -> dict[str, SeenBlob]:
        """Return the blobs of a container as they were seen last, by path."""
        rows = self._db.query(
            "SELECT path, etag, size, content_type, blob_type FROM blobs WHERE container = ?",
            (container,),
        )
        return {row[0]: SeenBlob(*row) for row in rows}

    def save(self, container: str, changed: Iterable[SeenBlob], removed: Iterable[str]) -> None:
        """Note what changed in a container since it was seen last."""
        with self._db.transaction():
            self._db.run_many(
                "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (container, blob.path, blob.etag, blob.size, blob.content_type, blob.blob_type)
                    for blob in changed
                ],
            )
            self._db.run_many(
                "DELETE FROM blobs WHERE container = ? AND path = ?",
                [(container, path) for path in removed],
            )
