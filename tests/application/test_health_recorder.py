"""What one process counts of each deployment, and when it is written down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.application.health_recorder import HealthRecorder
from shared.domain.errors import UnavailableError
from shared.domain.health import Counts, HealthRow, bucket_of
from tests.builders import NOON

WIDTH = timedelta(seconds=10)


class Kept:
    """A window that keeps every row that it is given, or answers nobody."""

    def __init__(self) -> None:
        self.written: list[tuple[str, list[HealthRow]]] = []
        self.down = False

    def write(self, model: str, rows: Sequence[HealthRow]) -> None:
        """Keep them."""
        if self.down:
            raise UnavailableError("tables are down")
        self.written.append((model, list(rows)))

    def read(self, model: str, since: datetime, until: datetime) -> dict[str, Counts]:
        """Nobody asks."""
        raise AssertionError((model, since, until))


def recorder(window: Kept) -> HealthRecorder:
    """One for two models, of the process p7."""
    return HealthRecorder(window, "p7", {"flights": WIDTH, "diabetes": 2 * WIDTH})


def seconds(count: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(seconds=count)


def entries(*latencies_ms: float) -> tuple[int, ...]:
    """A histogram of these, as long as the slowest needs."""
    found = [0] * (1 + max(map(bucket_of, latencies_ms), default=-1))
    for latency in latencies_ms:
        found[bucket_of(latency)] += 1
    return tuple(found)


def test_row_says_who_counted_what_and_when() -> None:
    """Answers and failures by deployment and bucket; the latency of a failure says nothing."""
    window = Kept()
    counting = recorder(window)
    for at, failed, latency in ((0, False, 12.0), (9.9, True, 500.0), (10, False, 90.0)):
        counting.note("flights", "v1-e1", failed, latency, seconds(at))
    counting.note("flights", "v2-e1", False, 30.0, seconds(3))
    counting.note("diabetes", "v1-e1", False, 30.0, seconds(3))
    assert counting.write("flights", seconds(11)) == ""
    assert window.written == [
        (
            "flights",
            [
                HealthRow("v1-e1", "p7", NOON, Counts(2, 1, 0, entries(12.0))),
                HealthRow("v1-e1", "p7", seconds(10), Counts(1, 0, 0, entries(90.0))),
                HealthRow("v2-e1", "p7", NOON, Counts(1, 0, 0, entries(30.0))),
            ],
        )
    ]


def test_what_was_counted_last_is_not_left_behind() -> None:
    """When nobody asks any more it is written a bucket later, and then nothing waits."""
    window = Kept()
    counting = recorder(window)
    assert counting.seconds_left("flights", seconds(0)) is None
    counting.note("flights", "v1-e1", False, 1.0, seconds(5))
    assert counting.seconds_left("flights", seconds(8)) == 7.0
    assert counting.seconds_left("flights", seconds(15)) == 0.0
    assert counting.seconds_left("flights", seconds(15)) == 10.0
    window.down = True
    assert counting.write("flights", seconds(15)) == "tables are down"
    assert counting.seconds_left("flights", seconds(20)) == 5.0
    window.down = False
    counting.write("flights", seconds(25))
    assert counting.seconds_left("flights", seconds(40)) is None
    assert not counting.note("diabetes", "v1-e1", False, 1.0, seconds(50))
    assert counting.seconds_left("flights", seconds(90)) is None


def test_it_is_time_to_write_once_in_a_bucket() -> None:
    """The first answer begins the count, and each model has a pace of its own."""
    counting = recorder(Kept())
    due = [
        counting.note("flights", "v1-e1", False, 1.0, seconds(at)) for at in (5, 14.9, 15, 24, 25)
    ]
    assert due == [False, False, True, False, True]
    due = [counting.note("diabetes", "v1-e1", False, 1.0, seconds(at)) for at in (5, 15, 25)]
    assert due == [False, False, True]


def test_bucket_is_forgotten_when_nothing_more_can_come() -> None:
    """Two widths after its beginning, and only after it was written once more."""
    window = Kept()
    counting = recorder(window)
    counting.note("flights", "v1-e1", False, 1.0, seconds(0))
    counting.note("diabetes", "v1-e1", False, 1.0, seconds(0))
    for at in (19.9, 20, 30):
        counting.write("flights", seconds(at))
    assert [len(rows) for _, rows in window.written] == [1, 1, 0]
    counting.write("diabetes", seconds(30))
    assert len(window.written[-1][1]) == 1


def test_what_could_not_be_written_is_written_later() -> None:
    """The counts only grow, so that nothing is lost by an outage."""
    window = Kept()
    counting = recorder(window)
    counting.note("flights", "v1-e1", False, 1.0, seconds(0))
    window.down = True
    assert counting.write("flights", seconds(60)) == "tables are down"
    window.down = False
    counting.note("flights", "v1-e1", True, 1.0, seconds(61))
    assert counting.write("flights", seconds(61)) == ""
    ((_, rows),) = window.written
    assert [row.counts.requests for row in rows] == [1, 1]
