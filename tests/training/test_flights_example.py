"""The landing files of the flights, and what a model may know of a flight."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import tomllib
from datetime import date, datetime
from pathlib import Path

import pytest

from examples import flights
from examples.flights import sources
from examples.flights.days import landing_row
from tests.training.steps import ROOT

# What an airline and its passengers know weeks before the departure.
KNOWN_AT_SCHEDULING = {
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
}
# What a forecast tells on the day before; the files hold the measurement in its place.
FORECAST = {
    "temperature_f",
    "humidity_percent",
    "wind_mph",
    "gust_mph",
    "precipitation_inches",
    "pressure_mbar",
    "visibility_miles",
}
KNOWN_ONLY_LATER = ("dep_time", "dep_delay", "arr_time", "air_time")


@pytest.fixture(scope="module")
def first_of_january() -> list[dict[str, str]]:
    """The landing file of one day as rows."""
    ((name, content),) = flights.day_files(date(2013, 1, 1), date(2013, 1, 1))
    assert name == "2013-01-01.csv"
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_features_are_known_before_departure() -> None:
    """No feature of the model, and no column beside the label, is known only after departure."""
    model = tomllib.loads((ROOT / "models" / "flights.toml").read_text(encoding="utf-8"))
    assert set(model["features"]) <= KNOWN_AT_SCHEDULING | FORECAST
    assert set(flights.COLUMNS) == KNOWN_AT_SCHEDULING | FORECAST | {model["data"]["target"]}


def test_what_happened_later_changes_only_the_label() -> None:
    """Another departure, arrival or time in the air changes no column, another delay the label."""
    tables = sources.weather(), sources.planes()
    day = date(2013, 1, 1)
    row = next(row for row in sources.flights(day, day) if row["arr_delay"] == "11")
    written = landing_row(row, *tables)
    assert landing_row({**row, **dict.fromkeys(KNOWN_ONLY_LATER, "999")}, *tables) == written
    late = landing_row({**row, "arr_delay": "16"}, *tables)
    assert late[:-1] == written[:-1]
    assert (written[-1], late[-1]) == ("false", "true")
    assert landing_row({**row, "arr_delay": "15"}, *tables)[-1] == "false"


def test_flights_that_never_arrived_are_left_out(first_of_january: list[dict[str, str]]) -> None:
    """842 flights were scheduled on New Year's Day; the 11 without an arrival have no label."""
    day = date(2013, 1, 1)
    scheduled = list(sources.flights(day, day))
    arrived = [row for row in scheduled if row["arr_delay"] != "NA"]
    assert (len(scheduled), len(arrived)) == (842, 831)
    assert len(first_of_january) == 831


def test_missing_weather_stays_missing(first_of_january: list[dict[str, str]]) -> None:
    """No value is made up: what the station did not report is an empty cell."""
    assert any(row["gust_mph"] == "" for row in first_of_january)
    assert all(row["origin"] and row["dest"] and row["late"] for row in first_of_january)
    assert not any("NA" in row.values() for row in first_of_january)


def test_scheduled_departure_is_the_local_time() -> None:
    """The time is the airport's clock with its offset, in summer another than in winter."""
    for day, offset in ((date(2013, 1, 15), "-05:00"), (date(2013, 7, 15), "-04:00")):
        ((_, content),) = flights.day_files(day, day)
        for row in csv.DictReader(io.StringIO(content.decode())):
            assert row["scheduled_at"].endswith(offset)
            at = datetime.fromisoformat(row["scheduled_at"])
            assert at.date() == day
            assert at.hour * 60 + at.minute == int(row["departure_minute"])
            assert at.isoweekday() == int(row["weekday"])


def test_command_writes_the_same_bytes_again(tmp_path: Path) -> None:
    """The files of a month are deterministic, and written in a few seconds."""
    command = [sys.executable, "-m", "examples.flights", "--from", "2013-01-01"]
    before = os.times()
    subprocess.run(
        [*command, "--to", "2013-01-31", "--out", tmp_path / "a"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert os.times().children_user - before.children_user < 20
    flights.write_days(date(2013, 1, 1), date(2013, 1, 31), tmp_path / "b")
    first, second = (sorted((tmp_path / name).iterdir()) for name in "ab")
    assert [path.name for path in first] == [f"2013-01-{day:02}.csv" for day in range(1, 32)]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_command_says_when_there_are_no_flights(tmp_path: Path) -> None:
    """A year without data is an error that names the days there are, not an empty folder."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "examples.flights", "--out", tmp_path),
            *("--from", "2014-01-01", "--to", "2014-01-02"),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "2013-01-01 to 2013-12-31" in done.stderr
