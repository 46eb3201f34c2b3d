"""Landed files and run files in memory."""

from __future__ import annotations

import base64
import hashlib
from bisect import bisect_left, insort

from shared.domain.actions import PinnedFile

LAST = "\U0010ffff"
"""Sorts behind every character of a path."""


class MemoryLandingZone:
    """Landed files by path."""

    def __init__(self) -> None:
        self._files: dict[str, PinnedFile] = {}
        self._paths: list[str] = []
        """Sorted, so that one model's files are found among those of a thousand."""
        self._writes = 0

    def put(self, path: str, content: bytes) -> PinnedFile:
        """Let a file land, or replace it under a new etag."""
        self._writes += 1
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        md5 = base64.b64encode(digest).decode()
        if path not in self._files:
            insort(self._paths, path)
        self._files[path] = PinnedFile(path, len(content), md5, f"0x{self._writes:016X}")
        return self._files[path]

    def forget(self, path: str) -> None:
        """Let a file go, as a rule for old files does."""
        if self._files.pop(path, None) is not None:
            self._paths.pop(bisect_left(self._paths, path))

    def list(self, prefix: str) -> tuple[PinnedFile, ...]:
        """Every file below the prefix, sorted by path."""
        return tuple(self._files[path] for path in _below(self._paths, prefix))


def _below(paths: list[str], prefix: str) -> list[str]:
    """Those of the sorted paths that begin so."""
    return paths[bisect_left(paths, prefix) : bisect_left(paths, f"{prefix}{LAST}")]


class MemoryRunFiles:
    """Run files by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._paths: list[str] = []
        """Sorted, so that one job's files are found among those of years."""

    def read(self, path: str) -> bytes | None:
        """The whole file, or None."""
        return self.files.get(path)

    def write_once(self, path: str, content: bytes) -> None:
        """Write it unless it is there."""
        if path not in self.files:
            self.files[path] = content
            insort(self._paths, path)

    def forget(self, path: str) -> None:
        """Let a file go, as somebody who clears away does."""
        if self.files.pop(path, None) is not None:
            self._paths.pop(bisect_left(self._paths, path))

    def below(self, folder: str) -> list[tuple[str, bytes]]:
        """Path and content of every file whose path begins so, sorted."""
        return [(path, self.files[path]) for path in _below(self._paths, folder)]
