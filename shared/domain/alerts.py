"""Alerts that come back: what is known of a rule and a model, and what a further word changes.

Words of Azure Monitor are doubled, late and out of order. What is kept is the newest episode, which
is an alert from its firing to its resolution: of two episodes the one that fired later counts, and
what was resolved stays resolved. So any order of the same words ends in the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared.domain.decision import Kind, Reason


class Condition(StrEnum):
    """What an alert says."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One word of an alert rule about a model, or about the whole installation."""

    alert_id: str
    """Of the episode: firing and resolution share it."""
    rule: str
    condition: Condition
    fired_at: datetime
    resolved_at: datetime | None = None
    model: str = ""
    """Empty when the rule is not about one model."""
    severity: str = ""
    description: str = ""
    numbers: tuple[str, ...] = ()
    """What was measured and what it was compared with, in words."""
    links: tuple[str, ...] = ()
    """Where the rows behind the numbers are shown."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """The newest episode of a rule and a model, and the issue that stands for both."""

    alert_id: str
    fired_at: datetime
    resolved_at: datetime | None = None
    issue: int = 0
    """Its number in the tracker; 0 before there is one."""
    decision: str = ""
    """The decision that saw to the last word."""


Wish = Literal["open", "close", ""]
"""How the issue is to stand; empty: as it stands."""


@dataclass(frozen=True, slots=True)
class AlertRuling:
    """What a word of an alert comes to."""

    kind: Kind
    reason: Reason
    row: AlertRow
    wish: Wish = ""


def rule_alert(row: AlertRow | None, alert: Alert) -> AlertRuling:
    """What the word changes of what is known; the row is what is known afterwards."""
    if row is None:
        return _newer(None, alert)
    if row.alert_id == alert.alert_id:
        return _same(row, alert)
    if (alert.fired_at, alert.alert_id) > (row.fired_at, row.alert_id):
        return _newer(row, alert)
    text = f"{_named(alert)} is older than {row.alert_id}, which fired {_stamp(row.fired_at)}"
    return AlertRuling(Kind.IGNORED, Reason("alert_overtaken", text), row)


def _newer(row: AlertRow | None, alert: Alert) -> AlertRuling:
    """The first word of an episode that is newer than any other."""
    issue = row.issue if row else 0
    known = AlertRow(alert.alert_id, alert.fired_at, alert.resolved_at, issue)
    if alert.condition is Condition.FIRED:
        reason = Reason("alert_fired", f"{_named(alert)} fired {_stamp(alert.fired_at)}")
        return AlertRuling(Kind.ACTED, reason, known, "open")
    if row is not None and row.resolved_at is None:
        text = f"{_named(alert)} was resolved, and with it the older {row.alert_id}"
        return AlertRuling(Kind.ACTED, Reason("alert_resolved", text), known, "close")
    # Its firing may have made the issue and died before it could say so.
    text = f"{_named(alert)} was resolved before it was known to fire: nothing is to be open"
    return AlertRuling(Kind.IGNORED, Reason("alert_never_open", text), known, "close")


def _same(row: AlertRow, alert: Alert) -> AlertRuling:
    """A further word of the newest episode."""
    if alert.condition is Condition.RESOLVED and row.resolved_at is None:
        resolved = replace(row, resolved_at=alert.resolved_at)
        when = f" {_stamp(alert.resolved_at)}" if alert.resolved_at else ""
        reason = Reason("alert_resolved", f"{_named(alert)} was resolved{when}")
        return AlertRuling(Kind.ACTED, reason, resolved, "close")
    if alert.condition is Condition.FIRED and row.resolved_at is not None:
        text = f"{_named(alert)} fired, which is said late: it was resolved"
        return AlertRuling(Kind.DUPLICATE, Reason("alert_late", text), row)
    text = f"{_named(alert)} {alert.condition.value}, as decision {row.decision} knew already"
    return AlertRuling(Kind.DUPLICATE, Reason("alert_repeated", text), row)


def _named(alert: Alert) -> str:
    of = f" of {alert.model}" if alert.model else ""
    return f"alert {alert.alert_id} of the rule {alert.rule}{of}"


def _stamp(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}Z"
