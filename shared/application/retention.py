"""Old decisions go, so that the log does not grow for ever.

Nothing but people reads decisions: what was done is remembered in the state, so that a decision
that has gone is never taken again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from shared.domain.errors import NoonError
from shared.ports import Ports

DECISION_DAYS = 400
"""Kept so long unless the settings say otherwise: a year, and time to look back at it."""
TOGETHER = 500
"""Decisions that go in one tick; a tick is short. What is left goes with the next ones."""
PARTITIONS_A_TICK = 20


class Retention:
    """Once a day, over all processes, whatever is older than so many days is deleted."""

    def __init__(self, days: int = DECISION_DAYS) -> None:
        self._kept = timedelta(days=days)
        self._day = date.min
        self._left: list[str] = []
        """Partitions that this process has still to go through today."""

    def pass_over(self, ports: Ports, partitions: Iterable[str]) -> int:
        """Delete some of what is too old; gives how many decisions went.

        The first of all processes that asks on a day has it all to do, within its ticks of that
        day; what goes wrong is left to the next tick, or the next day.
        """
        now = ports.clock.now()
        try:
            if self._day != now.date():
                mine = ports.decisions.claim_expiry(f"{now:%Y%m%d}")
                self._day, self._left = now.date(), sorted(set(partitions)) if mine else []
            gone = 0
            for partition in self._left[:PARTITIONS_A_TICK]:
                room = TOGETHER - gone
                went = ports.decisions.expire(partition, now - self._kept, room)
                gone += went
                if went == room:
                    break
                self._left.remove(partition)
        except NoonError:
            return 0
        return gone
