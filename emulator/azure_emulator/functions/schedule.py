"""NCRONTAB: six fields, seconds first, always in UTC."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from azure_emulator.functions.errors import SettingError

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = (
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 6),
)
# The 29th of February can be eight years away (1896 to 1904, 2096 to 2104).
_YEARS_AHEAD_MAX = 9


@dataclass(frozen=True)
class Schedule:
    """When a timer is due."""

    text: str
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: datetime) -> datetime:
        """Return the first instant after `moment` at which the timer is due.

        A day must fit both the day of the month and the day of the week, unlike in Unix cron.
        """
        at = moment.replace(microsecond=0) + timedelta(seconds=1)
        limit = moment + timedelta(days=366 * _YEARS_AHEAD_MAX)
        while at < limit:
            if not self._day_fits(at):
                at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0, second=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at = at.replace(second=0) + timedelta(minutes=1)
            elif at.second not in self.seconds:
                at += timedelta(seconds=1)
            else:
                return at
        raise SettingError(f"the schedule {self.text!r} is never due")

    def _day_fits(self, at: datetime) -> bool:
        weekday = (at.weekday() + 1) % 7
        return at.month in self.months and at.day in self.days and weekday in self.weekdays


def parse_schedule(text: str) -> Schedule:
    """Read an NCRONTAB expression; five fields mean second 0."""
    fields = text.split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise SettingError(f"the schedule {text!r} must have six fields, seconds first")
    values = [
        _field(text, part, name, low, high)
        for part, (name, low, high) in zip(fields, _FIELDS, strict=True)
    ]
    return Schedule(text, *values)


def _field(text: str, part: str, name: str, low: int, high: int) -> frozenset[int]:
    values: set[int] = set()
    for item in part.split(","):
        span, _, step_text = item.partition("/")
        step = _number(text, step_text, name) if step_text else 1
        first_text, dash, last_text = span.partition("-")
        if span == "*":
            first, last = low, high
        else:
            first = _number(text, first_text, name)
            last = _number(text, last_text, name) if dash else (high if step_text else first)
        if step < 1 or not low <= first <= last <= high or item.endswith("/"):
            raise SettingError(f"the schedule {text!r}: bad {name} {item!r}")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, word: str, name: str) -> int:
    names = {"month": _MONTHS, "day of week": _DAYS}.get(name, ())
    for index, known in enumerate(names):
        if word[:3].upper() == known:
            return index + (name == "month")
    if not word.isascii() or not word.isdigit():
        raise SettingError(f"the schedule {text!r}: bad {name} {word!r}")
    return int(word)
