"""ISO 8601 durations, in which probes and request settings are written."""

from __future__ import annotations

import re

DURATION = re.compile(
    r"P(?=.)(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


class DurationError(ValueError):
    """The text is not a duration."""


def seconds(duration: str) -> float:
    """Read a duration.

    >>> seconds("PT1M30.5S")
    90.5
    """
    match = DURATION.fullmatch(duration)
    if match is None:
        raise DurationError(f"'{duration}' is not a duration as PT5S is.")
    parts = {name: float(value or 0) for name, value in match.groupdict().items()}
    hours = parts["days"] * 24 + parts["hours"]
    return (hours * 60 + parts["minutes"]) * 60 + parts["seconds"]
