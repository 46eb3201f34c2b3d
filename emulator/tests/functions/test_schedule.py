"""When timers are due."""

from datetime import UTC, datetime, timedelta

import pytest
from azure_emulator.functions.errors import SettingError
from azure_emulator.functions.schedule import parse_schedule
from azure_emulator.functions.timers import TimerStatus, check_past_due

MONDAY = datetime(2026, 11, 23, 16, 5, 56, 700_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("* * * * * *", "2026-11-23T16:05:57"),
        ("*/5 * * * * *", "2026-11-23T16:06:00"),
        ("0 */5 * * * *", "2026-11-23T16:10:00"),
        ("*/5 * * * *", "2026-11-23T16:10:00"),
        ("0 0 12 * * *", "2026-11-24T12:00:00"),
        ("0 30 9-17/4 * * *", "2026-11-23T17:30:00"),
        ("0 0,10 17 * * Mon-Fri", "2026-11-23T17:00:00"),
        ("0 0 0 * * SUN", "2026-11-29T00:00:00"),
        ("0 0 0 1 jan *", "2027-01-01T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 13 * 5", "2027-08-13T00:00:00"),
        ("30 5 16 * * 1", "2026-11-30T16:05:30"),
        ("0 0 8/6 * * *", "2026-11-23T20:00:00"),
    ],
)
def test_the_next_instant_of_a_schedule(text: str, due: str) -> None:
    """Seconds come first; both the day of the month and the day of the week must fit."""
    expected = datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert parse_schedule(text).next_after(MONDAY) == expected


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "60 * * * * *", "* * * 0 * *", "* * * * 13 *", "* * * * * 7", "*/0 * * * * *",
     "5-3 * * * * *", "a * * * * *", "1, * * * * *", "1/ * * * * *", "00:05:00"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    """With the expression in the message."""
    with pytest.raises(SettingError, match="schedule"):
        parse_schedule(text)


def test_a_schedule_that_is_never_due_is_refused() -> None:
    """There is no 31st of February."""
    with pytest.raises(SettingError, match="never due"):
        parse_schedule("0 0 0 31 2 *").next_after(MONDAY)


NOON = parse_schedule("0 0 12 * * *")
DUE = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_new_timer_waits_for_its_next_slot() -> None:
    """What was due before anyone knew the timer is not caught up."""
    status, past_due = check_past_due(None, NOON, DUE - timedelta(hours=1))
    assert (status.next_at, past_due) == (DUE, False)


@pytest.mark.parametrize(("minutes", "late"), [(-1, False), (0, False), (1, True)])
def test_a_slot_missed_while_no_host_was_up_is_past_due(minutes: int, late: bool) -> None:
    """The stored next slot lies in the past."""
    stored = TimerStatus(NOON.text, DUE - timedelta(days=1), DUE, DUE - timedelta(days=1))
    status, past_due = check_past_due(stored, NOON, DUE + timedelta(minutes=minutes))
    assert (status.next_at, past_due) == (DUE, late)


def test_a_changed_schedule_counts_from_the_last_run() -> None:
    """A slot of the new schedule since then is past due."""
    last = DUE - timedelta(days=1)
    hourly = parse_schedule("0 0 * * * *")
    stored = TimerStatus(NOON.text, last, DUE, last)
    status, past_due = check_past_due(stored, hourly, DUE - timedelta(hours=5))
    assert (status.next_at, past_due) == (last + timedelta(hours=1), True)
