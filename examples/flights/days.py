"""Joins departures with weather and planes, and writes one CSV file a day.

A flight that never arrived (cancelled, diverted) has no arrival delay and therefore no label: it is
left out. Weather is what was measured at the origin in the hour of the *scheduled* departure; it
stands in for the forecast that a real caller would have. Nothing that is known only after the
scheduled departure (actual times, delays, time in the air) is a column, except the label.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from examples.flights import sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATE_AFTER_MINUTES = 15

# Our names, with the unit last, for columns of the weather table.
WEATHER = {
    "temperature_f": "temp",
    "humidity_percent": "humid",
    "wind_mph": "wind_speed",
    "gust_mph": "wind_gust",
    "precipitation_inches": "precip",
    "pressure_mbar": "pressure",
    "visibility_miles": "visib",
}
COLUMNS = (
    "scheduled_at",
    "flight",
    "tailnum",
    "carrier",
    "origin",
    "dest",
    "maker",
    "built_year",
    "weekday",
    "departure_minute",
    "arrival_minute",
    "distance_miles",
    *WEATHER,
    "late",
)


def _minute_of_day(clock: str) -> int:
    """Minutes after midnight of a time written as 515 or 2359."""
    return int(clock) // 100 * 60 + int(clock) % 100


def _measured(value: str) -> str:
    """A measurement with two decimals at the most, empty where the station gave none."""
    return f"{round(float(value), 2):g}" if sources.known(value) else ""


def _scheduled_at(row: dict[str, str]) -> str:
    """The scheduled departure at the airport's clock with its UTC offset, in ISO 8601."""
    local = datetime(  # noqa: DTZ001 - the offset is what is computed here
        int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"])
    )
    utc = datetime.fromisoformat(row["time_hour"]).astimezone(UTC).replace(tzinfo=None)
    behind_hours = round((utc - local).total_seconds() / 3600)
    return f"{row['date']}T{int(row['hour']):02}:{int(row['minute']):02}:00-{behind_hours:02}:00"


def landing_row(
    row: dict[str, str],
    weather: dict[tuple[str, str], dict[str, str]],
    planes: dict[str, tuple[str, str]],
) -> list[str]:
    """One flight as values in the order of COLUMNS; only the label looks at what happened later."""
    report = weather.get((row["origin"], row["time_hour"]), {})
    tailnum = sources.known(row["tailnum"])
    scheduled_at = _scheduled_at(row)
    return [
        scheduled_at,
        row["flight"],
        tailnum,
        row["carrier"],
        row["origin"],
        row["dest"],
        *planes.get(tailnum, ("", "")),
        str(date.fromisoformat(row["date"]).isoweekday()),
        str(_minute_of_day(row["sched_dep_time"])),
        str(_minute_of_day(row["sched_arr_time"])),
        row["distance"],
        *(_measured(report.get(column, sources.MISSING)) for column in WEATHER.values()),
        "true" if float(row["arr_delay"]) > LATE_AFTER_MINUTES else "false",
    ]


def _csv_bytes(lines: list[list[str]]) -> bytes:
    """The lines as CSV with a header, sorted so that the bytes do not depend on the source."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(lines))
    return text.getvalue().encode("utf-8")


def day_files(first: date, last: date) -> Iterator[tuple[str, bytes]]:
    """Name and content of the landing file of every day first..last that has flights, in order."""
    if last < first:
        raise ValueError(f"the last day {last} is before the first day {first}")
    weather, planes = sources.weather(), sources.planes()
    by_day: dict[str, list[list[str]]] = {}
    for row in sources.flights(first, last):
        if row["arr_delay"] != sources.MISSING:
            by_day.setdefault(row["date"], []).append(landing_row(row, weather, planes))
    for day in sorted(by_day):
        yield f"{day}.csv", _csv_bytes(by_day[day])


def write_days(first: date, last: date, out: Path) -> list[Path]:
    """Writes the landing files of the days first..last to the folder out, which is made."""
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in day_files(first, last):
        path = out / name
        path.write_bytes(content)
        paths.append(path)
    return paths
