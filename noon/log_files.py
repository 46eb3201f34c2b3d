"""The logs of the local stack's processes: their ends, and what is added."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHUNK = 1_000_000
TROUBLE = re.compile(r"\b(ERROR|CRITICAL|FATAL|WARNING|Traceback|Exception|Error|failed)\b")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def is_trouble(line: str) -> bool:
    """Whether a line tells that something went wrong."""
    return TROUBLE.search(line) is not None


@dataclass
class LogFile:
    """One log, read from its end on; a log that is begun anew is read from its beginning."""

    path: Path
    _read_to: int = 0
    _inode: int = 0
    _rest: bytes = field(default=b"")

    @property
    def name(self) -> str:
        """Of the process."""
        return self.path.stem

    def last(self, most: int, *, trouble: bool) -> list[str]:
        """Its last lines, or the last of those that tell of trouble."""
        with self.path.open("rb") as file:
            self._inode = os.fstat(file.fileno()).st_ino
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - CHUNK))
            content = file.read()
        self._read_to = size
        lines = [_text(line) for line in content.splitlines()]
        return [line for line in lines if not trouble or is_trouble(line)][-most:]

    def added(self) -> Iterator[str]:
        """The whole lines that were added since the last look."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return
        if found.st_ino != self._inode or found.st_size < self._read_to:
            self._inode, self._read_to, self._rest = found.st_ino, 0, b""
        with self.path.open("rb") as file:
            file.seek(self._read_to)
            content = file.read(CHUNK)
        self._read_to += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        yield from map(_text, lines)


def _text(line: bytes) -> str:
    return COLOUR.sub("", line.decode(errors="replace").rstrip("\r\n"))
