"""That whatever comes in ends in one recorded decision, also when something unforeseen happens."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime

from shared.domain.decision import Decision, Kind, Reason
from shared.ports import DecisionLog


class OnceRecorded:
    """Appends to a log, and knows whether anything was kept."""

    def __init__(self, log: DecisionLog) -> None:
        self._log = log
        self._tried: Decision | None = None
        self._kept = False

    def append(self, decision: Decision) -> None:
        """Keep it."""
        self._tried = decision
        self._log.append(decision)
        self._kept = True

    def since(self, model: str, since: datetime, most: int) -> list[Decision]:
        """As the log has it."""
        return self._log.since(model, since, most)

    def about(
        self, model: str, key: str, most: int, until: datetime | None = None
    ) -> list[Decision]:
        """As the log has it."""
        return self._log.about(model, key, most, until)

    def expire(self, model: str, before: datetime, most: int) -> int:
        """As the log does it."""
        return self._log.expire(model, before, most)

    def claim_expiry(self, day: str) -> bool:
        """As the log does it."""
        return self._log.claim_expiry(day)

    def make_up(self, decision: Decision) -> Decision | None:
        """After an error: the decision that was kept, else this one if it can be kept now.

        One that could not be kept is tried once more, the same id being one row. An error here
        would hide the one that matters.
        """
        if not self._kept:
            with suppress(Exception):
                self.append(self._tried or decision)
        return self._tried if self._kept else None


def failed(now: datetime, model: str, cause: str, error: Exception) -> Decision:
    """The record of an attempt that ended in an error which nobody foresaw."""
    text = will_retry(error)
    reason = Reason("failed", text)
    return Decision(new_id(now), model, now, cause, Kind.FAILED, (reason,), outcome=text)


def will_retry(error: Exception) -> str:
    """The error in words, as an outcome."""
    return f"{type(error).__name__}: {error}; will be tried again"


def new_id(now: datetime) -> str:
    """The id of a decision that is taken now."""
    return f"{now:%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:8]}"
