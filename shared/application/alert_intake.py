"""Alerts as they come in over HTTP: read, put on the queue of notices, and answered at once."""

from __future__ import annotations

import json

from shared.application.outside import Outside
from shared.application.plane import NOBODY
from shared.application.problems import Answer, problem
from shared.application.records import keys_of_event, new_id
from shared.domain.alerts import Alert
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.errors import MalformedError, NoonError
from shared.domain.notices import AlertNotice

BODY_MAX = 256 * 1024
"""Bytes; Azure Monitor sends less."""


def receive_alert(outside: Outside, body: bytes) -> Answer:
    """202 with the id of the decision that the alert will end in, or a problem that says why not.

    What can never be understood is refused and recorded, and what cannot be stored now is answered
    with 503, after which Azure Monitor sends it again.
    """
    try:
        if len(body) > BODY_MAX:
            text = f"the body has {len(body)} bytes, at most {BODY_MAX} are read"
            return _refused(outside, 413, "alert too large", text)
        try:
            alert = outside.read_alert(body)
        except MalformedError as error:
            return _refused(outside, 422, "not an alert", str(error))
        return _taken_in(outside, alert)
    except NoonError as error:
        return problem(503, "cannot take it in now", str(error), retry_after="30")


def _taken_in(outside: Outside, alert: Alert) -> Answer:
    now = outside.plane.ports.clock.now()
    decision = new_id(now)
    if alert.model and alert.model not in outside.plane.models:
        known = ", ".join(sorted(outside.plane.models))
        text = f"the alert is about the model {alert.model!r}; known are {known}"
        reason, about = Reason("alert_unknown_model", text), keys_of_event(alert.alert_id)
        cause = f"alert {alert.rule} {alert.condition.value}"
        outside.plane.ports.decisions.append(
            Decision(decision, NOBODY, now, cause, Kind.IGNORED, (reason,), about=about)
        )
    else:
        outside.notices.send(AlertNotice(alert, decision, now))
    return Answer(202, json.dumps({"decision": decision, "alert": alert.alert_id}).encode())


def _refused(outside: Outside, status: int, title: str, why: str) -> Answer:
    """Nobody sends it again: what remains of it is this record."""
    now = outside.plane.ports.clock.now()
    reason = Reason("alert_refused", why)
    decision = Decision(new_id(now), NOBODY, now, "alert", Kind.REFUSED, (reason,))
    outside.plane.ports.decisions.append(decision)
    return problem(status, title, why)
