"""From typed rows to what a graph reads: 32-bit numbers side by side, and texts."""

from __future__ import annotations

import operator
import struct
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from backend.rows import Row

NAN = float("nan")

COLUMNS_FROM_ROWS = 8
"""So many rows are encoded column by column in numpy, fewer by themselves: measured."""


class Lookup(dict[str | None, float]):
    """A category's code; one that the training never saw has the code of a missing number."""

    def __missing__(self, _: str | None) -> float:
        return NAN


class Encoded(NamedTuple):
    """Rows as a graph reads them."""

    rows: int
    numbers: bytes
    """Row after row of float32; NaN where a number is missing."""
    texts: list[tuple[str, ...]]
    """Row after row, "" where a category is missing; empty where look-ups made them numbers."""


class Encoder:
    """Encodes rows whose cells are numbers first and categories after them."""

    def __init__(self, numbers: int, categories: int, lookups: Sequence[Lookup] = ()) -> None:
        self._numbers = numbers
        self._categories = categories
        self._lookups = lookups
        self._width = numbers + len(lookups)
        # "<" because only then a number that float32 cannot hold is refused, not infinite.
        self._pack = struct.Struct(f"<{self._width}f").pack

    def encode(self, rows: Sequence[Row]) -> Encoded:
        """All rows; raises OverflowError when a number is too large for 32 bits."""
        if len(rows) >= COLUMNS_FROM_ROWS:
            return self._by_column(rows)
        numbers = b"".join([self.packed(row) for row in rows])
        return Encoded(
            len(rows), numbers, [self._texts(row) for row in rows] if self._tells else []
        )

    def packed(self, row: Row) -> bytes:
        """The numbers and codes of one row."""
        cells = msgspec.structs.astuple(row)
        split = self._numbers
        return self._pack(
            *[NAN if cell is None else cell for cell in cells[:split]],
            *map(operator.getitem, self._lookups, cells[split:]),
        )

    def as_array(self, numbers: bytes) -> npt.NDArray[np.float32]:
        """Encoded numbers as the array that they are; nothing is copied."""
        return np.frombuffer(numbers, np.float32).reshape(-1, self._width)

    def texts_array(self, texts: list[tuple[str, ...]]) -> npt.NDArray[np.object_]:
        """Encoded texts as an array."""
        array = np.empty((len(texts), self._categories), np.object_)
        array[:] = texts
        return array

    @property
    def _tells(self) -> bool:
        return self._categories > 0 and not self._lookups

    def _texts(self, row: Row) -> tuple[str, ...]:
        return tuple([cell or "" for cell in msgspec.structs.astuple(row)[self._numbers :]])

    def _by_column(self, rows: Sequence[Row]) -> Encoded:
        columns = list(zip(*map(msgspec.structs.astuple, rows), strict=True))
        wide = np.empty((self._width, len(rows)), np.float64)
        for index in range(self._numbers):
            wide[index] = columns[index]  # None becomes NaN
        for index, lookup in enumerate(self._lookups, self._numbers):
            wide[index] = list(map(lookup.__getitem__, columns[index]))
        with np.errstate(over="ignore"):
            narrow = np.ascontiguousarray(wide.T, np.float32)
        if np.isinf(narrow).any():
            raise OverflowError("a number is too large for 32 bits")
        texts = [self._texts(row) for row in rows] if self._tells else []
        return Encoded(len(rows), narrow.tobytes(), texts)
