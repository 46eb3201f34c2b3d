"""The other end of the queue of notices: each is told outside, or comes back later.

A notice is delivered at least once and ends in one recorded decision. What is told twice by a
process that died in between is the same both times: events have the decision's id, issues and
comments a marker by which they are found before they are made.
"""

from __future__ import annotations

from dataclasses import replace

from shared.application.issues import settle
from shared.application.notice_records import record_of
from shared.application.outside import Outside
from shared.application.plane import NOBODY
from shared.application.records import new_id
from shared.application.reports import report
from shared.domain.announcements import announcements, rollout_ended
from shared.domain.chain_keys import event_key
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.errors import BusyError, MalformedError, NoonError, NotFoundError
from shared.domain.notices import AlertNotice, DecisionNotice, Notice

FIRST_DELAY_SECONDS = 30
DELAY_SECONDS_MAX = 3600
ATTEMPTS_MAX = 24
"""Of a notice, over most of a day; then it is poison, which an alert rule sees."""
SAME_INSTANT = 4
"""Decisions about one thing that may have been taken in the same instant."""


def take_notice(outside: Outside, text: str) -> Decision | None:
    """Tell what a notice says; gives the decision that it ended in, None if it had ended before.

    Raises what was tried too often, so that the platform puts it aside as poison.
    """
    try:
        notice = outside.read_notice(text)
    except MalformedError as error:
        return _unreadable(outside, error)
    try:
        if isinstance(notice, AlertNotice):
            return settle(outside, notice)
        return _tell(outside, notice)
    except NoonError as error:
        return _come_again(outside, notice, error)


def _unreadable(outside: Outside, error: MalformedError) -> Decision:
    now = outside.plane.ports.clock.now()
    reason = Reason("malformed", f"malformed notice: {error}")
    decision = Decision(new_id(now), NOBODY, now, "notice", Kind.IGNORED, (reason,))
    outside.plane.ports.decisions.append(decision)
    return decision


def _tell(outside: Outside, notice: DecisionNotice) -> Decision | None:
    """Publish the decision's events and report the end of its rollout."""
    log = outside.plane.ports.decisions
    told = log.about(NOBODY, event_key(notice.decision), 1)
    if told and told[0].outcome == "done":
        return None
    decision = _decision(outside, notice)
    reasons = []
    events = announcements(decision)
    if events and outside.publisher is not None:
        outside.publisher.publish(events)
        reasons += [Reason("published", f"{event.type} {event.event_id}") for event in events]
    if rollout_ended(decision) is not None and outside.tracker is not None:
        number = report(outside, outside.tracker, decision)
        reasons.append(Reason("reported", f"in issue {number}"))
    record = record_of(notice, Kind.ACTED, *reasons)
    log.append(record)
    return record


def _decision(outside: Outside, notice: DecisionNotice) -> Decision:
    found = outside.plane.ports.decisions.about(
        notice.model, notice.key, SAME_INSTANT, notice.decided_at
    )
    for decision in found:
        if decision.id == notice.decision:
            return decision
    raise NotFoundError(f"decision {notice.decision} is not kept under {notice.key}")


def _come_again(outside: Outside, notice: Notice, error: NoonError) -> Decision:
    """A copy comes later: no sooner than the outside asks, and ever more seldom."""
    last = notice.attempt + 1 >= ATTEMPTS_MAX
    asked = error.retry_after_seconds if isinstance(error, BusyError) else 0
    delay = max(asked, min(FIRST_DELAY_SECONDS * 2**notice.attempt, DELAY_SECONDS_MAX))
    then = "`noon replay --poison` shows it" if last else f"will be tried again in {delay} s"
    text = f"{type(error).__name__}: {error}; {then}"
    record = record_of(notice, Kind.FAILED, Reason("not_told", text), outcome=text)
    outside.plane.ports.decisions.append(record)
    if last:
        raise error
    outside.notices.send(replace(notice, attempt=notice.attempt + 1), delay)
    return record
