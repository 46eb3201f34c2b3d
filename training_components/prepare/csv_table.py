"""Reads CSV files into typed columns and says by line and column what cannot be read.

The csv module and not pandas: it keeps apart what pandas would smooth over (a row with a field too
many or too few, the text NA, an empty file), and is as fast for files of this size.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from pinned import Problem

# A file with a thousand bad cells needs a few of them named, not all.
NAMED_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table by what they are for."""

    time: str
    target: str
    task: str
    categories: tuple[str, ...]
    numbers: tuple[str, ...]
    identifiers: tuple[str, ...]

    @classmethod
    def of(cls, spec: dict[str, Any]) -> Columns:
        """The columns that a specification asks for."""
        kinds = spec["features"]
        return cls(
            time=spec["time_column"],
            target=spec["target"],
            task=spec["task"],
            categories=tuple(name for name, kind in kinds.items() if kind == "category"),
            numbers=tuple(name for name, kind in kinds.items() if kind == "number"),
            identifiers=tuple(spec.get("identifiers", ())),
        )

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that every file must have."""
        return (self.time, self.target, *self.categories, *self.numbers)

    @property
    def numeric(self) -> tuple[str, ...]:
        """The columns that are read as numbers."""
        return self.numbers if self.task == "classification" else (*self.numbers, self.target)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length, and where each row came from: files[i] begins at row starts[i]."""

    columns: dict[str, Any]
    files: tuple[str, ...]
    starts: tuple[int, ...]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


def read_table(path: str, content: bytes, columns: Columns) -> Table | list[Problem]:
    """One file as a table, or what is wrong with it."""
    rows = _rows(content, columns)
    if isinstance(rows, str):
        return [Problem(path, rows)]
    header, body = rows[0], rows[1:]
    reasons = _ragged(header, body)
    if reasons:
        return [Problem(path, reason) for reason in reasons]
    values: dict[str, Any] = {}
    for name, cells in zip(header, zip(*body, strict=True), strict=True):
        if name in columns.numeric:
            values[name], bad = _numbers(name, cells)
            reasons.extend(bad)
        else:
            values[name] = cells
    if reasons:
        return [Problem(path, reason) for reason in _few(reasons)]
    return Table(values, (path,), (0,))


def join(tables: list[Table]) -> Table:
    """The tables below one another; identifiers that a file does not have are empty there."""
    names = sorted({name for table in tables for name in table.columns})
    starts = np.cumsum([0, *(len(table) for table in tables)])
    columns: dict[str, Any] = {}
    for name in names:
        parts = [table.columns.get(name, ("",) * len(table)) for table in tables]
        if isinstance(parts[0], np.ndarray):
            columns[name] = np.concatenate(parts)
        else:
            columns[name] = np.array([cell for part in parts for cell in part], dtype=str)
    files = tuple(table.files[0] for table in tables)
    return Table(columns, files, tuple(int(start) for start in starts[:-1]))


def _rows(content: bytes, columns: Columns) -> list[list[str]] | str:
    """Header and rows of a file whose columns are the right ones, or the reason why not."""
    if not content.strip():
        return "empty: the file has no content"
    if b"\0" in content:
        return "not a CSV file: it holds NUL bytes"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return f"not a CSV file: byte {error.start} is not UTF-8"
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        return f"not a CSV file: {error}"
    while len(rows) > 1 and not rows[-1]:  # blank lines at the end hold no data
        rows.pop()
    return _wrong_header(rows[0], columns) or (
        rows if len(rows) > 1 else "empty: a header and no rows"
    )


def _wrong_header(header: list[str], columns: Columns) -> str | None:
    """What is wrong with the first line of a file, if anything."""
    allowed = {*columns.required, *columns.identifiers}
    if not allowed.intersection(header):
        return "not a CSV file of this table: its first line names none of the columns"
    doubled = sorted({name for name in header if header.count(name) > 1})
    missing = sorted(set(columns.required).difference(header))
    extra = sorted(set(header).difference(allowed))
    reasons = [
        f"{what} columns: {', '.join(map(repr, names))}"
        for what, names in (("missing", missing), ("extra", extra), ("doubled", doubled))
        if names
    ]
    return "; ".join(reasons) or None


def _ragged(header: list[str], body: list[list[str]]) -> list[str]:
    """The lines with more or fewer fields than the header; a quoted line break starts none."""
    return _few(
        [
            f"line {line}: {len(row)} fields, the header has {len(header)}"
            for line, row in enumerate(body, start=2)
            if len(row) != len(header)
        ]
    )


def _numbers(name: str, cells: tuple[str, ...]) -> tuple[Any, list[str]]:
    """The cells as float64 with NaN for an empty one, and the cells that are no number."""
    values = np.empty(len(cells))
    bad = []
    for index, cell in enumerate(cells):
        values[index] = value = _number(cell)
        if cell and not math.isfinite(value):
            bad.append(f"line {index + 2}, column {name!r}: {cell[:40]!r} is not a number")
    return values, bad


def _number(cell: str) -> float:
    """The number that a cell holds, NaN when it holds none."""
    # float() would also take 1_000, which no other program does.
    if not cell or "_" in cell:
        return math.nan
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _few(reasons: list[str]) -> list[str]:
    """The first reasons, and how many more there are."""
    rest = len(reasons) - NAMED_PROBLEMS
    return reasons if rest <= 0 else [*reasons[:NAMED_PROBLEMS], f"and {rest} more like these"]
