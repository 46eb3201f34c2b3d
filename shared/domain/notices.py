"""What travels through the queue of notices: something that is to be told outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.domain.alerts import Alert
from shared.domain.announcements import found_under
from shared.domain.decision import Decision

NOTICE_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class DecisionNotice:
    """A decision that concerns others; the decision itself is read from the log."""

    model: str
    decision: str
    key: str
    """Under which the log finds it."""
    decided_at: datetime
    attempt: int = 0
    """How often it was tried before."""


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """A word of an alert rule, as it came in."""

    alert: Alert
    decision: str
    """Id of the decision that it ends in, however often the notice is delivered."""
    received_at: datetime
    attempt: int = 0


Notice = DecisionNotice | AlertNotice


def notice_of(decision: Decision) -> DecisionNotice:
    """The notice that tells of a recorded decision."""
    return DecisionNotice(decision.model, decision.id, found_under(decision), decision.at)
