"""What Slots keep to: cron as local time, whatever daylight saving does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.adapters.schedule import CronSlots
from shared.domain.errors import MalformedError, SettingsError
from shared.domain.facts import Overtaken, SlotFacts

BERLIN = "Europe/Berlin"
ZONES = [
    "UTC",
    BERLIN,
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Asuncion",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Pacific/Chatham",
]
SCHEDULES = [
    "0 12 * * *",
    "30 2 * * *",
    "0 0 * * *",
    "*/15 * * * *",
    "30 1 * * 0",
    "0 6 1 * *",
    "59 23 31 12 *",
]
INSTANTS = st.integers(1_000_000_000, 2_100_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
# Around the changes of 2026: where the cases are.
CHANGES = st.sampled_from(
    [
        datetime(2026, month, day, tzinfo=UTC)
        for month in (3, 4, 10, 11)
        for day in (1, 5, 8, 25, 29)
    ]
)
NOWS = INSTANTS | st.builds(
    lambda day, seconds: day + timedelta(seconds=seconds), CHANGES, st.integers(0, 86_400)
)


def around(now: str, schedule: str, zone: str = BERLIN) -> tuple[str, str, str, str]:
    """Keys and UTC times of the newest and the next slot."""
    facts = CronSlots().around(schedule, zone, datetime.fromisoformat(now))
    newest, coming = facts.newest, facts.next
    assert newest
    assert coming
    return newest.key, f"{newest.due_at:%d %H:%M}", coming.key, f"{coming.due_at:%d %H:%M}"


@pytest.mark.parametrize(
    ("now", "slots"),
    [
        ("2026-11-23T10:59:59Z", ("20261122t1200", "22 11:00", "20261123t1200", "23 11:00")),
        ("2026-11-23T11:00:00Z", ("20261123t1200", "23 11:00", "20261124t1200", "24 11:00")),
        ("2026-03-29T09:59:00Z", ("20260328t1200", "28 11:00", "20260329t1200", "29 10:00")),
        ("2026-10-25T10:30:00Z", ("20261024t1200", "24 10:00", "20261025t1200", "25 11:00")),
    ],
)
def test_noon_stays_noon(now: str, slots: tuple[str, ...]) -> None:
    """Noon is noon on the wall, in summer and in winter; at the very instant it is due."""
    assert around(now, "0 12 * * *") == slots


@pytest.mark.parametrize(
    ("now", "slots"),
    [
        # The clock jumps from 2 to 3 at 01:00 UTC.
        ("2026-03-29T00:59:59Z", ("20260328t0230", "28 01:30", "20260329t0230", "29 01:00")),
        ("2026-03-29T01:00:00Z", ("20260329t0230", "29 01:00", "20260330t0230", "30 00:30")),
    ],
)
def test_time_that_does_not_exist_moves_to_the_next_instant(
    now: str, slots: tuple[str, ...]
) -> None:
    """A slot in the hour that is jumped over is due at the jump, under its own name."""
    assert around(now, "30 2 * * *") == slots


@pytest.mark.parametrize(
    ("now", "slots"),
    [
        # The clock goes back from 3 to 2 at 01:00 UTC: 02:30 is at 00:30 and at 01:30.
        ("2026-10-25T00:29:59Z", ("20261024t0230", "24 00:30", "20261025t0230", "25 00:30")),
        ("2026-10-25T00:30:00Z", ("20261025t0230", "25 00:30", "20261026t0230", "26 01:30")),
        ("2026-10-25T01:10:00Z", ("20261025t0230", "25 00:30", "20261026t0230", "26 01:30")),
        ("2026-10-25T01:30:00Z", ("20261025t0230", "25 00:30", "20261026t0230", "26 01:30")),
    ],
)
def test_time_that_exists_twice_is_the_first(now: str, slots: tuple[str, ...]) -> None:
    """A slot in the hour that comes twice is due once."""
    assert around(now, "30 2 * * *") == slots


def test_day_that_does_not_exist_is_at_the_jump() -> None:
    """Samoa had no 30 December 2011: its noon is due when the 31st began."""
    slots = around("2011-12-30T10:00:00Z", "0 12 * * *", "Pacific/Apia")
    assert slots == ("20111230t1200", "30 10:00", "20111231t1200", "30 22:00")


def test_rare_schedules_have_their_slots() -> None:
    """A yearly slot is found from any day."""
    assert around("2026-12-31T00:00:00Z", "0 6 1 1 *")[0] == "20260101t0600"


def test_schedule_that_never_comes_has_no_slots() -> None:
    """A 29 February in a year without one is long ago, and comes again."""
    facts = CronSlots().around("0 12 29 2 *", "UTC", datetime(2026, 11, 23, tzinfo=UTC))
    assert facts.newest is None
    assert facts.next
    assert facts.next.key == "20280229t1200"


@settings(deadline=None)
@given(NOWS, st.sampled_from(SCHEDULES), st.sampled_from(ZONES))
@example(datetime(2026, 10, 25, 1, 10, tzinfo=UTC), "*/15 * * * *", BERLIN)
@example(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "*/15 * * * *", BERLIN)
def test_newest_is_due_and_next_is_not(now: datetime, schedule: str, zone: str) -> None:
    """Now lies between the newest slot and the next, and nothing lies between them."""
    facts = CronSlots().around(schedule, zone, now)
    assert facts.newest
    assert facts.next
    assert facts.newest.due_at <= now < facts.next.due_at
    for instant in (facts.newest.due_at, facts.next.due_at - timedelta(microseconds=1)):
        assert CronSlots().around(schedule, zone, instant) == facts


@settings(deadline=None)
@given(NOWS, st.sampled_from(SCHEDULES), st.sampled_from(ZONES))
def test_slot_is_what_its_key_says(now: datetime, schedule: str, zone: str) -> None:
    """On the wall it is the time of the key, unless that time does not exist."""
    slot = CronSlots().around(schedule, zone, now).newest
    assert slot
    named = datetime.strptime(slot.key, "%Y%m%dt%H%M")  # noqa: DTZ007 - a local time
    on_the_wall = slot.due_at.astimezone(ZoneInfo(zone))
    if on_the_wall.replace(tzinfo=None, fold=0) == named:
        assert on_the_wall.fold == 0
    else:
        before = (slot.due_at - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
        assert before.replace(tzinfo=None) < named < on_the_wall.replace(tzinfo=None)


@settings(deadline=None)
@given(st.sampled_from(ZONES), CHANGES)
def test_every_local_day_has_its_noon_once(zone: str, day: datetime) -> None:
    """However often one asks, three days have three noons with names of their own."""
    slots = set()
    for quarter in range(3 * 24 * 4):
        facts = CronSlots().around("0 12 * * *", zone, day + quarter * timedelta(minutes=15))
        assert isinstance(facts, SlotFacts)
        assert facts.newest
        slots.add((facts.newest.key, facts.newest.due_at))
    assert len({key for key, _ in slots}) == len(slots)
    assert len(slots) in (3, 4)


def overtaken(
    after: str, now: str, schedule: str = "0 12 * * *", zone: str = BERLIN
) -> Overtaken | None:
    """What the newest slot has overtaken since then."""
    newest = CronSlots().around(schedule, zone, datetime.fromisoformat(now)).newest
    assert newest
    return CronSlots().between(schedule, zone, datetime.fromisoformat(after), newest)


def test_slots_between_are_named_one_by_one() -> None:
    """Neither the one that was dealt with nor the newest is among them."""
    found = overtaken("2026-11-20T11:00:00Z", "2026-11-23T12:00:00Z")
    assert found
    assert [slot.key for slot in found.each] == ["20261121t1200", "20261122t1200"]
    assert (found.first, found.last) == (found.each[0], found.each[-1])
    assert (found.count, found.counted) == (2, True)
    assert found.first.due_at == datetime(2026, 11, 21, 11, tzinfo=UTC)
    assert overtaken("2026-11-22T11:00:00Z", "2026-11-23T12:00:00Z") is None
    before = overtaken("2026-11-22T10:59:59Z", "2026-11-23T12:00:00Z")
    assert before
    assert before.count == 1


def test_slots_that_fall_on_one_instant_are_all_named() -> None:
    """In the hour that is jumped over all are due at once; the last of them stands for them."""
    found = overtaken("2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z", "*/20 * * * *")
    assert found
    assert [slot.key[-4:] for slot in found.each] == ["0200", "0220", "0240"]


@pytest.mark.parametrize(("days", "each"), [(90, 89), (91, 90), (92, 0)])
def test_few_slots_are_named_and_many_are_counted(days: int, each: int) -> None:
    """Up to ninety are named; of more the first, the last and their number are known."""
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    found = overtaken((now - timedelta(days=days)).isoformat(), now.isoformat(), zone="UTC")
    assert found
    assert (found.count, len(found.each)) == (days - 1, each)
    assert found.last.key == "20261122t1200"
    assert found.first.due_at == now - timedelta(days=days - 1)


def test_counting_has_an_end() -> None:
    """A year of minutes is not counted through, and still its ends are known."""
    found = overtaken("2026-01-23T12:00:30Z", "2026-11-23T12:00:00Z", "* * * * *", "UTC")
    assert found
    assert (found.count, found.counted, found.each) == (10_000, False, ())
    assert (found.first.key, found.last.key) == ("20260123t1201", "20261123t1159")


def test_what_is_long_ago_is_not_looked_for() -> None:
    """Decisions are kept for about as long."""
    found = overtaken("2020-01-01T00:00:00Z", "2026-11-23T12:00:00Z", zone="UTC")
    assert found
    assert (found.first.key, found.count) == ("20251020t1200", 399)


@settings(deadline=None, max_examples=30)
@given(NOWS, st.sampled_from(SCHEDULES), st.sampled_from(ZONES), st.integers(1, 40))
def test_between_is_what_asking_each_time_would_find(
    now: datetime, schedule: str, zone: str, hours: int
) -> None:
    """Whoever looks all the time sees the same slots as who looks once, after a while."""
    slots, after = CronSlots(), now - timedelta(hours=hours)
    newest, seen = slots.around(schedule, zone, now).newest, []
    assert newest
    coming = slots.around(schedule, zone, after).next
    while coming and coming.due_at < newest.due_at:
        seen.append(coming)
        coming = slots.around(schedule, zone, coming.due_at).next
    found = slots.between(schedule, zone, after, newest)
    each = [slot for slot in found.each if slot.due_at < newest.due_at] if found else []
    # Of slots that fall on one instant only the last one is seen by looking.
    instants = {slot.due_at: slot for slot in each}
    assert found is None or found.count > 90 or list(instants.values()) == seen


@pytest.mark.parametrize(
    ("schedule", "zone", "named"),
    [
        ("0 0 12 * * *", "UTC", "five fields"),
        ("", "UTC", "five fields"),
        ("61 12 * * *", "UTC", "Bad minute"),
        ("0 12 31 2 *", "UTC", "Bad day-of-month"),
        ("0 12 * * *", "Europe/Berlim", "Europe/Berlim"),
        ("0 12 * * *", "", "IANA"),
        ("0 12 * * *", "../etc/passwd", "IANA"),
        ("0 12 * * *", "Europe", "IANA"),
    ],
)
def test_bad_schedule_or_zone_is_refused_by_name(schedule: str, zone: str, named: str) -> None:
    """What is wrong is said."""
    with pytest.raises(SettingsError, match=named):
        CronSlots().around(schedule, zone, datetime(2026, 11, 23, tzinfo=UTC))


def test_slot_is_found_again_by_its_key() -> None:
    """A key and a zone give the instant, also where a clock was put on or back."""
    slots = CronSlots()
    for zone, now in (
        ("America/New_York", "2026-03-08T23:00Z"),
        ("Europe/Berlin", "2026-11-01T12:00Z"),
    ):
        for schedule in ("30 2 * * *", "0 12 * * *"):
            newest = slots.around(schedule, zone, datetime.fromisoformat(now)).newest
            assert newest is not None
            assert slots.named(newest.key, zone) == newest
    with pytest.raises(MalformedError, match="is no slot"):
        slots.named("noon", "UTC")
