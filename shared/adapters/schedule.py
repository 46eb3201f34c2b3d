"""Due times of cron expressions in time zones with daylight saving."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from shared.domain.errors import MalformedError, SettingsError
from shared.domain.facts import Overtaken, Slot, SlotFacts

BACK = timedelta(days=400)
"""So far back the newest due slot is looked for: a yearly schedule has one."""
COUNTED_MAX = 10_000
"""Slots that are counted one by one: the minutes of a week, the hours of a year."""
EACH_MAX = 90
"""Up to so many are named one by one."""
KEY = "%Y%m%dt%H%M"
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
NEAR = timedelta(days=2)
"""No zone changes its offset twice within this time."""


class CronSlots:
    """Slots of five-field cron expressions, read as local time.

    A local time that does not exist moves to the next instant that does; one that exists twice
    is the first. So a later local time is never an earlier instant.
    """

    def around(self, schedule: str, time_zone: str, now: datetime) -> SlotFacts:
        """The newest due slot and the next one; raises SettingsError on a bad cron or zone."""
        zone = zone_of(time_zone)
        local = _local(now, zone)
        # Just after a clock was turned back, local times ahead of it have been already.
        latest = max(local, _local(now - NEAR, zone) + NEAR)
        newest = None
        for time in _times(schedule, latest + MINUTE, reverse=True):
            if time < local - BACK:
                break
            if _instant(time, zone) <= now:
                newest = time
                break
        following = _times(schedule, newest or local - NEAR, reverse=False)
        coming = next((time for time in following if _instant(time, zone) > now), None)
        return SlotFacts(_slot(newest, zone), _slot(coming, zone))

    def named(self, key: str, time_zone: str) -> Slot:
        """The slot of a key; raises MalformedError for what is none."""
        try:
            time = datetime.strptime(key, KEY)  # noqa: DTZ007 - local time
        except ValueError:
            raise MalformedError(f"{key!r} is no slot, such as 20261123t1200") from None
        return _slot_at(time, zone_of(time_zone))

    def between(
        self, schedule: str, time_zone: str, after: datetime, newest: Slot
    ) -> Overtaken | None:
        """The slots due after an instant that `newest` has overtaken; None if there is none.

        They are looked for 400 days back, and no more than 10,000 are counted.
        """
        zone, end = zone_of(time_zone), datetime.strptime(newest.key, KEY)  # noqa: DTZ007 - local time
        after = max(after, newest.due_at - BACK)
        passed: list[datetime] = []
        for time in _times(schedule, end, reverse=True):
            if _instant(time, zone) <= after or len(passed) > COUNTED_MAX:
                break
            passed.append(time)
        if not passed:
            return None
        first, last = passed[-1], passed[0]
        counted = len(passed) <= COUNTED_MAX
        if not counted:
            forward = _times(schedule, _local(after, zone) - MINUTE, reverse=False)
            first = next(time for time in forward if _instant(time, zone) > after)
        each = tuple(_slot_at(time, zone) for time in reversed(passed))
        return Overtaken(
            _slot_at(first, zone),
            _slot_at(last, zone),
            min(len(passed), COUNTED_MAX),
            counted,
            each if len(each) <= EACH_MAX else (),
        )


def zone_of(time_zone: str) -> ZoneInfo:
    """The time zone of an IANA name; raises SettingsError."""
    try:
        return ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(
            f"time zone {time_zone!r} is unknown; use an IANA name such as Europe/Berlin"
        ) from error


def _times(schedule: str, start: datetime, *, reverse: bool) -> Iterator[datetime]:
    """Local times of the schedule before or after `start`, nearest first."""
    if len(schedule.split()) != 5:
        raise SettingsError(
            f"schedule {schedule!r} must have five fields: minute hour day month weekday"
        )
    try:
        return CronSim(schedule, start, reverse=reverse)
    except CronSimError as error:
        raise SettingsError(f"schedule {schedule!r}: {error}") from error


def _slot(time: datetime | None, zone: ZoneInfo) -> Slot | None:
    return _slot_at(time, zone) if time else None


def _slot_at(time: datetime, zone: ZoneInfo) -> Slot:
    return Slot(time.strftime(KEY), _instant(time, zone))


def _instant(time: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock shows the time, or has jumped over it."""
    early, late = sorted(time.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if _local(early, zone) == time:
        return early
    # The clock jumped over it: find the second of the jump between the two readings.
    while late - early > SECOND:
        middle = early + (late - early) // SECOND // 2 * SECOND
        if _local(middle, zone) < time:
            early = middle
        else:
            late = middle
    return late


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
