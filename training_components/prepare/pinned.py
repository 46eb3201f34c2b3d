"""Compares the files below the mounted landing folder with what the manifest pinned."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to refuse the data; path is None when it is not about a single file."""

    path: str | None
    reason: str

    def as_json(self) -> dict[str, str | None]:
        """The problem as an entry of problem.json."""
        return {"path": self.path, "reason": self.reason}


def read_pinned(entry: dict[str, Any], landing: Path) -> bytes | Problem:
    """The content of a file that is still what was pinned, otherwise what happened to it."""
    path = str(entry["path"])
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or PurePosixPath(path).is_absolute():
        return Problem(path, "not a path below the landing container")
    try:
        content = landing.joinpath(*parts).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return Problem(path, "missing: pinned by the manifest, but it does not exist any more")
    pinned_bytes = int(entry["size"])
    if len(content) < pinned_bytes:
        reason = f"truncated: {len(content)} bytes, the manifest says {pinned_bytes}"
        return Problem(path, reason)
    if len(content) > pinned_bytes:
        sizes = f"{len(content)} bytes, the manifest says {pinned_bytes}"
        return Problem(path, f"changed after it was pinned: {sizes}")
    # MD5 is what the storage service keeps for a blob; it guards against accidents, not attacks.
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    if entry.get("md5") and entry["md5"] != md5:
        sums = f"MD5 {md5}, the manifest says {entry['md5']}"
        return Problem(path, f"changed after it was pinned: {sums}")
    return content
