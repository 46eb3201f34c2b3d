"""Time that stands still."""

from __future__ import annotations

from datetime import datetime, timedelta


class MemoryClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: datetime) -> None:
        if now.utcoffset() != timedelta(0):
            raise ValueError(f"the clock needs UTC, not {now.isoformat()}")
        self._now = now

    def now(self) -> datetime:
        """The instant that was set."""
        return self._now

    def advance(self, step: timedelta) -> datetime:
        """Move on, never back, and give the new instant."""
        if step < timedelta(0):
            raise ValueError(f"time does not go back by {step}")
        self._now += step
        return self._now
