"""Small tables of made-up flights, with what a drill spoils in them.

Whether a flight is late depends on wind, rain, hour and origin; `chance` has no meaning at all.
"""

from __future__ import annotations

import csv
import io
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

FIRST_DAY = date(2026, 10, 26)
DAYS = 28
HELD_OUT = 7
ORIGINS = ("EWR", "JFK", "LGA")
WEIGHTS = (45, 40, 15)
RUINED = "LGA"
COLUMNS = ("scheduled_at", "origin", "wind", "hour", "rain", "chance", "late")


@dataclass(frozen=True, slots=True)
class Spoilt:
    """What is wrong with a dataset."""

    shuffled: bool = False
    """The labels are dealt out anew by lot, on all days as after a join that went wrong."""
    slice_turned: bool = False
    """The labels of one origin are turned round on the days to train on."""
    newest_turned: bool = False
    """The labels of the newest days, the holdout, are turned round."""
    rows_a_day: int = 260


CLEAN = Spoilt()


@cache
def files_of(spoilt: Spoilt = CLEAN) -> Mapping[str, bytes]:
    """A CSV file for each day; the same dataset is the same bytes."""
    source = random.Random(12)  # noqa: S311 - made-up flights
    rows = [_row(source, number, spoilt.rows_a_day) for number in range(DAYS * spoilt.rows_a_day)]
    trained = rows[: (DAYS - HELD_OUT) * spoilt.rows_a_day]
    held_out = rows[len(trained) :]
    if spoilt.shuffled:
        labels = [row["late"] for row in rows]
        source.shuffle(labels)
        for row, label in zip(rows, labels, strict=True):
            row["late"] = label
    for row in trained if spoilt.slice_turned else ():
        if row["origin"] == RUINED:
            row["late"] = not row["late"]
    for row in held_out if spoilt.newest_turned else ():
        row["late"] = not row["late"]
    return {
        f"{FIRST_DAY + timedelta(days=day)}.csv": _csv(
            rows[day * spoilt.rows_a_day : (day + 1) * spoilt.rows_a_day]
        )
        for day in range(DAYS)
    }


def _row(source: random.Random, number: int, a_day: int) -> dict[str, object]:
    day = FIRST_DAY + timedelta(days=number // a_day)
    origin = source.choices(ORIGINS, WEIGHTS)[0]
    wind, rain, hour = source.gauss(0, 1), source.gauss(0, 1), source.uniform(-1, 1)
    logit = 1.2 * wind + 0.9 * rain + 0.6 * hour - 0.8 + (0.4 if origin == "EWR" else 0)
    return {
        "scheduled_at": f"{day}T{6 + int(8 * (hour + 1)):02}:00:00+00:00",
        "origin": origin,
        "wind": round(wind, 4),
        "hour": round(hour, 4),
        "rain": round(rain, 4),
        "chance": f"{source.gauss(0, 1):.4f}",
        "late": source.random() < 1 / (1 + math.exp(-logit)),
    }


def _csv(rows: list[dict[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
