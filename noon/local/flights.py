"""Two flights to ask about: one that should be on time and one that may well not be."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from noon.models import feature_kinds
from noon.rows import Row, csv_chunks

if TYPE_CHECKING:
    from datetime import date

MODEL = "flights"
DAYS = 7
ROWS_MAX = 1_000_000
EVENING = 17 * 60
"""Minutes after midnight."""


def easy_and_hard(last: date) -> dict[str, Row]:
    """Give two real flights of the week that ends with `last`, as rows for a prediction.

    `easy` leaves early in calm weather, `hard` in the evening hour with the worst sight.
    """
    from examples.flights import day_files

    kinds = feature_kinds(MODEL)
    rows = [
        row
        for name, content in day_files(last - timedelta(days=DAYS - 1), last)
        for chunk in csv_chunks(io.StringIO(content.decode()), name, kinds, ROWS_MAX)
        for row in chunk
    ]
    evening = [row for row in rows if _number(row, "departure_minute") >= EVENING]
    return {
        "easy": min(rows, key=lambda row: (_trouble(row), _number(row, "departure_minute"))),
        "hard": max(evening or rows, key=_trouble),
    }


def _trouble(row: Row) -> tuple[float, float, float]:
    """How bad the weather is: rain or snow first, then sight, then wind."""
    return (
        _number(row, "precipitation_inches"),
        -_number(row, "visibility_miles"),
        _number(row, "wind_mph"),
    )


def _number(row: dict[str, Any], column: str) -> float:
    value = row[column]
    return 0.0 if value is None else float(value)
