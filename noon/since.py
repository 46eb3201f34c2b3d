"""Instants as people write them on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from noon.failures import UsageError

UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def instant(text: str, now: datetime) -> datetime:
    """`90min`, `2h` or `7d` before now, or a day or time in UTC; raises UsageError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)", text.strip())
    try:
        if match:
            return now - timedelta(**{UNITS[match[2]]: float(match[1])})
        told = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since {text!r} is neither a span such as 90min, 2h or 7d nor an instant such as "
            "2026-11-23 or 2026-11-23T12:00"
        ) from None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
