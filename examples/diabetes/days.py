"""Writes scikit-learn's bundled diabetes data as landing files, as if patients came day by day.

The 442 patients of Efron, Hastie, Johnstone and Tibshirani, "Least Angle Regression" (2004). The
table has no time; the day is made up: ROWS_PER_DAY patients a day in the order of the table.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_DAY = date(2024, 1, 1)
ROWS_PER_DAY = 17  # 442 rows make 26 whole days
FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
COLUMNS = ("day", *FEATURES, "progression")


def _rows() -> list[list[str]]:
    """Every patient as values in the order of COLUMNS; sex stays the table's code 1 or 2."""
    # Imported here since it takes seconds, which who only asks for help should not wait.
    from sklearn.datasets import load_diabetes  # type: ignore[import-untyped]

    table = load_diabetes(scaled=False)
    sex = FEATURES.index("sex")
    rows = []
    for number, (values, target) in enumerate(zip(table.data, table.target, strict=True)):
        day = FIRST_DAY + timedelta(days=number // ROWS_PER_DAY)
        cells = [f"{value:g}" for value in values]
        cells[sex] = f"{values[sex]:.0f}"
        rows.append([day.isoformat(), *cells, f"{target:g}"])
    return rows


def day_files() -> Iterator[tuple[str, bytes]]:
    """Name and content of the landing file of every made-up day, in order."""
    by_day: dict[str, list[list[str]]] = {}
    for row in _rows():
        by_day.setdefault(row[0], []).append(row)
    for day, rows in by_day.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
        yield f"{day}.csv", text.getvalue().encode("utf-8")


def write_days(out: Path) -> list[Path]:
    """Writes all landing files to the folder out, which is made."""
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in day_files():
        path = out / name
        path.write_bytes(content)
        paths.append(path)
    return paths
