"""Turns what people have, a line of JSON or a CSV file, into rows for a prediction."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, TextIO

from noon.failures import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Row = dict[str, Any]


def row_of_json(text: str) -> Row:
    """Read one row; raises UsageError that says what is wrong."""
    try:
        row = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--row is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise UsageError('--row must be one JSON object such as {"origin": "JFK"}')
    return row


def csv_chunks(
    file: TextIO, name: str, kinds: Mapping[str, str], chunk_rows: int
) -> Iterator[list[Row]]:
    """Read the features of a CSV file's rows, so many rows at a time.

    `kinds` says for each feature whether it is a number or a category; without any, every column
    is sent and what looks like a number is one. Raises UsageError with file and line.
    """
    reader = csv.reader(file)
    try:
        header = next(reader, None)
        if not header:
            raise UsageError(f"{name} is empty: the first line must name the columns")
        columns = _columns(header, name, kinds)
        chunk: list[Row] = []
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                raise UsageError(
                    f"{name}, line {reader.line_num}: {len(fields)} fields, the header names "
                    f"{len(header)}"
                )
            chunk.append(_row(fields, columns, f"{name}, line {reader.line_num}"))
            if len(chunk) == chunk_rows:
                yield chunk
                chunk = []
        if chunk:
            yield chunk
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{name} is not a CSV file in UTF-8: {error}") from None


def _columns(header: list[str], name: str, kinds: Mapping[str, str]) -> list[tuple[int, str, str]]:
    """Position, name and kind of each column to send."""
    twice = {column for column in header if header.count(column) > 1}
    if twice:
        raise UsageError(f"{name}: the column {min(twice)!r} appears twice")
    missing = [feature for feature in kinds if feature not in header]
    if missing:
        raise UsageError(f"{name} lacks columns of the model: {', '.join(missing)}")
    wanted = kinds or dict.fromkeys(header, "unknown")
    return [(header.index(column), column, kind) for column, kind in wanted.items()]


def _row(fields: list[str], columns: list[tuple[int, str, str]], place: str) -> Row:
    return {name: _value(fields[at], kind, name, place) for at, name, kind in columns}


def _value(text: str, kind: str, column: str, place: str) -> str | float | None:
    if text == "":
        return None
    if kind == "category":
        return text
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number - number == 0:  # neither a nan nor infinite: JSON has no words for these
        return number
    if kind == "number":
        raise UsageError(f"{place}, column {column!r}: {text!r} is not a number")
    return text
