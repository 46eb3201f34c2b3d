"""Checks the values of a whole table with pandera and traces each bad one to file and line."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pinned import Problem

if TYPE_CHECKING:
    from csv_table import Columns, Table

# float32, which the exported model computes in, holds every integer up to here and not above:
# identifiers or epoch seconds as features would be rounded into one another without a word.
FLOAT32_INTEGERS = 2**24
FLOAT32_MAX = float(np.finfo(np.float32).max)
# A longer text is no category but prose, and would blow up the exported model.
CATEGORY_CHARACTERS_MAX = 128
NAMED_PROBLEMS = 10
# How other programs write a value that they do not have; as a class it would be learnt.
NO_VALUE = {"", "na", "nan", "null"}


def problems_of_values(table: Table, columns: Columns) -> list[Problem]:
    """Every rule that a column breaks, with file, line and value of the first rows that do."""
    # A category's length is judged on its distinct values, everything else row by row.
    frame = pd.DataFrame({name: table.columns[name] for name in columns.required}, copy=False)
    try:
        _schema(columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return _problems(errors.failure_cases, table)
    return []


def _schema(columns: Columns) -> pa.DataFrameSchema:
    """The rules for the columns that a file must have."""
    rules = {name: _number_column() for name in columns.numbers}
    rules |= {name: pa.Column(checks=_category()) for name in columns.categories}
    rules[columns.time] = pa.Column(
        checks=pa.Check(_is_iso_8601, error="is not a date or time in ISO 8601")
    )
    rules[columns.target] = pa.Column(
        nullable=True, checks=pa.Check(_is_given, error="has no value, but it is the target")
    )
    return pa.DataFrameSchema(rules, strict=True)


def _number_column() -> pa.Column:
    return pa.Column(
        float,
        nullable=True,
        checks=[
            pa.Check(lambda column: column.abs() <= FLOAT32_MAX, error="is too large for float32"),
            pa.Check(
                _float32_holds_integers,
                error=f"has integers above {FLOAT32_INTEGERS}, which float32 rounds: "
                "subtract an offset, split it, or make it a category or an identifier",
            ),
        ],
    )


def _category() -> pa.Check:
    return pa.Check(
        lambda column: column.str.len() <= CATEGORY_CHARACTERS_MAX,
        error=f"is longer than {CATEGORY_CHARACTERS_MAX} characters, so it is no category",
    )


def _float32_holds_integers(column: pd.Series[Any]) -> bool:
    """Whether a column of whole numbers stays within what float32 tells apart."""
    values = column.to_numpy()
    values = values[np.isfinite(values)]
    whole = bool((values == np.round(values)).all())
    return not whole or bool((np.abs(values) <= FLOAT32_INTEGERS).all())


def _is_given(column: pd.Series[Any]) -> pd.Series[Any]:
    """Which cells hold a value."""
    return column.notna() & ~column.astype(str).str.lower().isin(NO_VALUE)


def _is_iso_8601(column: pd.Series[Any]) -> pd.Series[Any]:
    """Which cells are a date or a time; each distinct text is parsed once."""
    return column.map({text: _parses(text) for text in column.unique()}).astype(bool)


def _parses(text: str) -> bool:
    # Python also takes 20130101 and 2013-W01-1, whose first ten characters are no day.
    try:
        return datetime.fromisoformat(text).date().isoformat() == text[:10]
    except ValueError:
        return False


def _problems(cases: pd.DataFrame, table: Table) -> list[Problem]:
    """Failure cases of pandera as problems of files."""
    problems = []
    for column, rule, value, row in zip(
        cases["column"], cases["check"], cases["failure_case"], cases["index"], strict=True
    ):
        if pd.isna(row):  # the column as a whole
            problems.append(Problem(None, f"column {column!r} {rule}"))
            continue
        file = bisect_right(table.starts, int(row)) - 1
        line = int(row) - table.starts[file] + 2
        shown = f": {str(value)[:40]!r}" if value == value and value != "" else ""
        problems.append(Problem(table.files[file], f"line {line}, column {column!r} {rule}{shown}"))
    rest = len(problems) - NAMED_PROBLEMS
    if rest > 0:
        problems = [*problems[:NAMED_PROBLEMS], Problem(None, f"and {rest} more like these")]
    return problems
