"""What every HealthWindow keeps to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.azure_health import AzureTableHealthWindow
from shared.adapters.azure_tables import AzureTable
from shared.domain.health import BOUNDS, Counts, HealthRow
from shared.ports import HealthWindow

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BUCKET = timedelta(seconds=10)
HOUR = timedelta(hours=1)
FULL = Counts(7, 2, 1, tuple(range(BOUNDS)))


def counted(
    counts: Counts, at: datetime = NOON, deployment: str = "v2-e1", process: str = "p1"
) -> HealthRow:
    """What a process counted in the bucket that begins then."""
    return HealthRow(deployment, process, at, counts)


def test_nobody_counted(health_window: HealthWindow) -> None:
    """A window in which nothing was counted has no deployments."""
    assert health_window.read("flights", NOON, NOON + HOUR) == {}
    health_window.write("flights", [])
    assert health_window.read("flights", NOON, NOON + HOUR) == {}


def test_counts_come_back_as_they_were(health_window: HealthWindow) -> None:
    """Every number survives, however many answers a bucket holds, or none that was timed."""
    many = Counts(2**31 - 1, 2**30, 2**29, (2**40,) * BOUNDS)
    rows = [counted(FULL), counted(many, deployment="v1-e1"), counted(Counts(1, 1), NOON, "-")]
    health_window.write("flights", rows)
    seen = health_window.read("flights", NOON, NOON + HOUR)
    assert seen == {"v2-e1": FULL, "v1-e1": many, "-": Counts(1, 1)}


def test_same_row_again_replaces_itself(health_window: HealthWindow) -> None:
    """Counts of a bucket grow by being written again; a repeated write changes nothing."""
    for requests in (1, 5, 5, 9, 9):
        health_window.write("flights", [counted(Counts(requests, 0, 0, (requests,)))])
    seen = health_window.read("flights", NOON, NOON + HOUR)
    assert seen == {"v2-e1": Counts(9, 0, 0, (9,))}


def test_processes_and_buckets_add_up(health_window: HealthWindow) -> None:
    """However many processes count the same deployment, none overwrites another."""
    for number in range(3):
        rows = [
            counted(Counts(10, number, 0, (0, 9)), NOON + bucket * BUCKET, process=f"p{number}")
            for bucket in range(4)
        ]
        health_window.write("flights", rows)
    seen = health_window.read("flights", NOON, NOON + HOUR)
    assert seen == {"v2-e1": Counts(120, 12, 0, (0, 108))}


def test_writers_at_the_same_time_lose_nothing(health_window: HealthWindow) -> None:
    """Processes that write into the same bucket at once do not get in each other's way."""

    def count(process: int) -> None:
        for requests in range(1, 11):
            row = counted(Counts(requests, 0, 0, (requests,)), process=f"p{process}")
            health_window.write("flights", [row])

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(count, range(8)))
    seen = health_window.read("flights", NOON, NOON + HOUR)
    assert seen == {"v2-e1": Counts(80, 0, 0, (80,))}


def test_window_begins_with_its_first_instant_and_ends_before_its_last(
    health_window: HealthWindow,
) -> None:
    """A bucket counts when it begins in the window: at its start yes, at its end no."""
    moment = timedelta(microseconds=1)
    for place, at in enumerate([NOON - moment, NOON, NOON + HOUR - moment, NOON + HOUR]):
        health_window.write("flights", [counted(Counts(10**place), at)])
    assert health_window.read("flights", NOON, NOON + HOUR)["v2-e1"].requests == 110
    assert health_window.read("flights", NOON, NOON) == {}
    assert health_window.read("flights", NOON + HOUR, NOON) == {}


def test_window_across_midnight_and_a_year(health_window: HealthWindow) -> None:
    """Time is ordered as time, over every border of the calendar."""
    turn = datetime(2027, 1, 1, tzinfo=UTC)
    for offset in (-BUCKET, timedelta(0), BUCKET):
        health_window.write("flights", [counted(Counts(1), turn + offset)])
    assert health_window.read("flights", turn - BUCKET, turn + BUCKET)["v2-e1"].requests == 2


def test_models_are_apart(health_window: HealthWindow) -> None:
    """One model's answers do not count for another, also where one's name begins the other's."""
    health_window.write("flights", [counted(Counts(1))])
    health_window.write("flights-eu", [counted(Counts(2))])
    assert health_window.read("flights", NOON, NOON + HOUR) == {"v2-e1": Counts(1)}
    assert health_window.read("flights-eu", NOON, NOON + HOUR) == {"v2-e1": Counts(2)}
    assert health_window.read("Flights", NOON, NOON + HOUR) == {}


ODD = ["-", "v1-e1", "V1-e1", "v1/e1", "v1\\e1#?", "v 1", "v=1", "vé1", "😀", "v1-e1-p1", "x" * 60]


@pytest.mark.parametrize("process", ["p1", "host/7:ä #?"])
def test_odd_names_are_kept_apart(health_window: HealthWindow, process: str) -> None:
    """Whatever a deployment or a process is called, its counts are found under that name."""
    rows = [counted(Counts(place + 1), NOON, name, process) for place, name in enumerate(ODD)]
    health_window.write("flights", rows)
    seen = health_window.read("flights", NOON, NOON + HOUR)
    assert seen == {name: Counts(place + 1) for place, name in enumerate(ODD)}


def test_names_that_read_the_same_when_joined_are_kept_apart(health_window: HealthWindow) -> None:
    """A deployment `a-b` of process `c` is not deployment `a` of process `b-c`."""
    health_window.write("flights", [counted(Counts(1), NOON, "a-b", "c")])
    health_window.write("flights", [counted(Counts(2), NOON, "a", "b-c")])
    seen = health_window.read("flights", NOON, NOON + HOUR)
    assert seen == {"a-b": Counts(1), "a": Counts(2)}


def test_hundreds_of_rows_are_written_and_read(health_window: HealthWindow) -> None:
    """More rows than one transaction takes are all kept, in one call."""
    rows = [
        counted(Counts(1, 0, 0, (1,)), NOON + number * BUCKET, f"v{number % 2}-e1")
        for number in range(350)
    ]
    health_window.write("flights", rows)
    half = Counts(175, 0, 0, (175,))
    assert health_window.read("flights", NOON, NOON + HOUR) == {"v0-e1": half, "v1-e1": half}


def test_window_is_one_request_however_many_counted(azure_table: AzureTable, requests_sent) -> None:
    """Reading asks the table once; a write asks once for each hundred rows."""
    window = AzureTableHealthWindow(azure_table)
    rows = [
        counted(FULL, NOON + bucket * BUCKET, f"v{version}-e1", f"p{process}")
        for bucket in range(60)
        for version in (1, 2)
        for process in range(5)
    ]
    with requests_sent() as sent:
        window.write("flights", rows)
    assert sent == ["POST table"] * 6
    with requests_sent() as sent:
        seen = window.read("flights", NOON, NOON + HOUR)
    assert sent == ["GET table"]
    assert seen["v2-e1"].requests == 300 * FULL.requests
    with requests_sent() as sent:
        window.write("flights", [])
    assert sent == []
