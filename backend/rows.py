"""From a request's body to typed rows, or to a refusal by row and column."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from backend.model_folder import ModelSchema
from backend.problems import CellErrors, Problem, bad_rows, shortened

Row = msgspec.Struct
"""One row: a field for each number, then one for each category."""

FLOAT32_MAX = float.fromhex("0x1.fffffep+127")
FLOAT32_LIMIT = float.fromhex("0x1.ffffffp+127")
"""From here on a number rounds to infinity; below, at most to the largest there is."""

_KINDS: dict[type, str] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class _NotJson:
    """Stands for NaN, Infinity or -Infinity, which many JSON writers let through."""

    literal: str


class RowReader:
    """Reads bodies for one model; the decoder is built once from the model's columns."""

    def __init__(self, schema: ModelSchema, rows_max: int) -> None:
        self._order = order = schema.names("number") + schema.names("category")
        self._kinds = {feature.name: feature.kind for feature in schema.features}
        self._rows_max = rows_max
        self._row = _row_type([(name, self._kinds[name]) for name in order])
        body = msgspec.defstruct("Body", [("rows", list[self._row])], forbid_unknown_fields=True)  # type: ignore[name-defined]
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(body).decode

    def read(self, body: bytes) -> list[Row] | Problem:
        """The body's rows, or everything that is wrong with them.

        A row has its numbers first, then its categories: a float, a text, or None for missing.
        """
        try:
            rows: list[Row] = self._decode(body).rows
        except (ValueError, RecursionError):
            # One mistake stops the fast decoder; the slow way finds and names them all.
            return self.explain(body)
        if not 0 < len(rows) <= self._rows_max:
            return self._row_count_problem(len(rows))
        return rows

    def check(self, rows: list[Any]) -> list[Row] | Problem:
        """The same for rows that are decoded already, however many there are."""
        errors = CellErrors()
        for index, row in enumerate(rows):
            self._check_row(index, row, errors)
        if errors.count:
            return bad_rows(errors)
        return [self._row(*[row[name] for name in self._order]) for row in rows]

    def explain(self, body: bytes) -> list[Row] | Problem:
        """What is wrong with a body that the fast decoder or the model's 32 bits refused."""
        document = _decoded(body)
        if isinstance(document, Problem):
            return document
        if not isinstance(document, dict):
            return Problem(422, "The body must be an object with rows", _got(document))
        unknown = [key for key in document if key != "rows"]
        if unknown:
            detail = f"{shortened(unknown[0])!r} is not known."
            return Problem(422, "The body must hold rows and nothing else", detail)
        if "rows" not in document:
            return Problem(422, "The body has no rows")
        rows = document["rows"]
        if not isinstance(rows, list):
            return Problem(422, "rows must be a list", _got(rows))
        if not 0 < len(rows) <= self._rows_max:
            return self._row_count_problem(len(rows))
        return self.check(rows)

    def _row_count_problem(self, count: int) -> Problem:
        if count == 0:
            return Problem(422, "rows is empty", "Send at least one row.")
        return Problem(413, "Too many rows", f"{count} rows; at most {self._rows_max} a request.")

    def _check_row(self, index: int, row: object, errors: CellErrors) -> None:
        if not isinstance(row, dict):
            errors.add(index, None, f"a row must be an object, not {_kind(row)}")
            return
        for name, kind in self._kinds.items():
            if name not in row:
                errors.add(index, name, "is missing; send null when the value is not known")
            elif reason := _CHECKS[kind](row[name]):
                errors.add(index, name, reason)
        for name in row:
            if name not in self._kinds:
                errors.add(index, name, "is not a column of this model")


def _row_type(columns: list[tuple[str, str]]) -> type[Row]:
    # Columns may have any name, fields must be identifiers: hence the renaming.
    types = {"number": float | None, "category": str | None}
    return msgspec.defstruct(
        "Row",
        [(f"column_{index}", types[kind]) for index, (_, kind) in enumerate(columns)],
        rename={f"column_{index}": name for index, (name, _) in enumerate(columns)},
        forbid_unknown_fields=True,
        gc=False,
    )


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError) as strict:
        # Python's own reader takes NaN, Infinity and numbers that fit no float, so that they
        # can be named by row and column; whatever else it lets through stays refused.
        wide = _WideReader()
        try:
            document = wide.read(body)
        except (ValueError, RecursionError):
            return _not_json(strict)
        return document if wide.noted else _not_json(strict)


def _not_json(error: Exception) -> Problem:
    return Problem(400, "The body is not JSON", shortened(str(error), 300))


class _WideReader:
    """Reads JSON and the numbers that JSON does not allow; says whether there were any."""

    def __init__(self) -> None:
        self.noted = False

    def read(self, body: bytes) -> object:
        return json.loads(body.decode(), parse_constant=self._constant, parse_float=self._float)

    def _constant(self, literal: str) -> _NotJson:
        self.noted = True
        return _NotJson(literal)

    def _float(self, text: str) -> float:
        value = float(text)
        self.noted = self.noted or math.isinf(value)
        return value


def _number_reason(value: object) -> str | None:
    if isinstance(value, _NotJson):
        return f"{value.literal} is not JSON; a missing number is null"
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"must be a number or null, not {_kind(value)}"
    # Compared, not converted: a whole number may be too large for any float.
    if not -FLOAT32_LIMIT < value < FLOAT32_LIMIT:
        return "is too large: the model calculates with 32-bit floating point numbers"
    return None


def _category_reason(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return None
    return f"must be a string or null, not {_kind(value)}"


def _kind(value: object) -> str:
    return value.literal if isinstance(value, _NotJson) else _KINDS[type(value)]


def _got(value: object) -> str:
    return f"Got {_kind(value)}."


_CHECKS: dict[str, Callable[[object], str | None]] = {
    "number": _number_reason,
    "category": _category_reason,
}
