"""How events travel: lost, late, twice, in another order, or as they should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Protocol

from shared.application import intake
from shared.application.plane import ControlPlane
from simulation.faults import CrashError, Faults, survivable

TRIES_MAX = 5


class Sky(Protocol):
    """What the delivery of events needs of the world."""

    random: Random
    faults: Faults
    plane: ControlPlane
    calm: bool

    def now(self) -> datetime:
        """The time."""

    def later(self, delay: timedelta, what: Callable[[], None]) -> None:
        """Let something happen after a while."""

    def note(self, text: object) -> None:
        """A line of the trace."""


class Events:
    """Event Grid, at its worst."""

    def __init__(self, sky: Sky) -> None:
        self._sky = sky
        self._numbers = count()
        self._newest = -1
        self.deaf_until = datetime.min.replace(tzinfo=UTC)
        """Until then every event is lost, as behind a subscription that names a wrong function."""

    def deliver(self, raw: dict[str, Any]) -> None:
        """Take an event; it arrives or not."""
        sky, number = self._sky, next(self._numbers)
        dice = 1.0 if sky.calm else sky.random.random()
        if dice < 0.08 or (not sky.calm and sky.now() < self.deaf_until):
            sky.note(f"event lost: {raw['id']}")
            sky.faults.counts["event_lost"] += 1
            return
        late = timedelta(minutes=sky.random.expovariate(0.2)) if dice < 0.2 else timedelta(0)
        copies = 2 if 0.2 <= dice < 0.3 else 1
        sky.faults.counts["event_late"] += bool(late)
        sky.faults.counts["event_doubled"] += copies - 1
        for _ in range(copies):
            sky.later(late, lambda: self._arrive(raw, number, 0))

    def _arrive(self, raw: dict[str, Any], number: int, before: int) -> None:
        self._sky.faults.counts["event_reordered"] += number < self._newest
        self._newest = max(self._newest, number)
        try:
            intake.receive(self._sky.plane, raw)
        except (Exception, CrashError) as error:
            if not survivable(error):
                raise
            if before + 1 < TRIES_MAX:
                again = timedelta(seconds=10)
                self._sky.later(again, lambda: self._arrive(raw, number, before + 1))
