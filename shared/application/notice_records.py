"""The one decision that a notice ends in: the same row at every attempt and delivery."""

from __future__ import annotations

from shared.application.plane import NOBODY
from shared.application.records import keys_of_event
from shared.domain.alerts import Alert
from shared.domain.decision import Decision, Json, Kind, Reason
from shared.domain.notices import AlertNotice, Notice


def record_of(notice: Notice, kind: Kind, *reasons: Reason, outcome: str = "done") -> Decision:
    """What became of it."""
    if isinstance(notice, AlertNotice):
        alert = notice.alert
        return Decision(
            notice.decision,
            alert.model or NOBODY,
            notice.received_at,
            cause_of(alert),
            kind,
            reasons,
            outcome=outcome,
            about=keys_of_event(alert.alert_id),
            facts=_facts(alert),
        )
    # Beside the events that belong to no model: of a model what it decided is shown, not its echo.
    return Decision(
        f"{notice.decision}-told",
        NOBODY,
        notice.decided_at,
        f"tell {notice.decision}",
        kind,
        reasons or (Reason("nobody_told", "neither a topic nor a repository is set"),),
        outcome=outcome,
        about=keys_of_event(notice.decision),
    )


def cause_of(alert: Alert) -> str:
    """An alert in a few words."""
    return f"alert {alert.rule} {alert.condition.value}"


def _facts(alert: Alert) -> dict[str, Json]:
    return {
        "rule": alert.rule,
        "condition": alert.condition.value,
        "severity": alert.severity,
        "fired_at": alert.fired_at.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
        "numbers": list(alert.numbers),
    }
