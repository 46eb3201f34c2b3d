"""Landed files and run files in memory."""

from __future__ import annotations

import base64
import hashlib

from shared.domain.actions import PinnedFile


class MemoryLandingZone:
    """Landed files by path."""

    def __init__(self) -> None:
        self._files: dict[str, PinnedFile] = {}
        self._writes = 0

    def put(self, path: str, content: bytes) -> PinnedFile:
        """Let a file land, or replace it under a new etag."""
        self._writes += 1
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        md5 = base64.b64encode(digest).decode()
        self._files[path] = PinnedFile(path, len(content), md5, f"0x{self._writes:016X}")
        return self._files[path]

    def forget(self, path: str) -> None:
        """Let a file go, as a rule for old files does."""
        self._files.pop(path, None)

    def list(self, prefix: str) -> tuple[PinnedFile, ...]:
        """Every file below the prefix, sorted by path."""
        return tuple(file for path, file in sorted(self._files.items()) if path.startswith(prefix))


class MemoryRunFiles:
    """Run files by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, path: str) -> bytes | None:
        """The whole file, or None."""
        return self.files.get(path)

    def write_once(self, path: str, content: bytes) -> None:
        """Write it unless it is there."""
        self.files.setdefault(path, content)
