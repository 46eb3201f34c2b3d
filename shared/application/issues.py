"""One issue for each alert rule and model: opened, brought up to date, closed.

The row of a rule and a model is written last. A process that dies before that leaves the notice to
be delivered again, which finds the same row, decides the same, and finds by the marker what the
one before it made.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.application.notice_records import record_of
from shared.application.outside import Links, Outside
from shared.application.wording import asked_of, marker_of, plain
from shared.domain.alerts import Alert, AlertRuling, rule_alert
from shared.domain.decision import Decision, Kind, Reason, public_words
from shared.domain.errors import BusyError
from shared.domain.notices import AlertNotice
from shared.outlets import IssueDraft, IssueTracker

ALERT_LABEL = "noon:alert"
LOOK_BACK = timedelta(days=7)
DECISIONS_READ = 60
DECISIONS_SHOWN = 3
AT_WORK_SECONDS = 15
"""So soon another worker is done with an issue."""


def settle(outside: Outside, notice: AlertNotice) -> Decision | None:
    """See to a word of an alert; gives its decision, None if it was seen to before."""
    alert, ports = notice.alert, outside.plane.ports
    marker = marker_of("alert", outside.plane.workspace, alert.rule, alert.model)
    with ports.lease.hold(lease_of(marker)) as lease:
        if lease is None:
            raise BusyError(f"another word of {alert.rule} is seen to", AT_WORK_SECONDS)
        row, etag = outside.alerts.load(alert.rule, alert.model)
        if row is not None and row.decision == notice.decision:
            return None
        ruling = rule_alert(row, alert)
        issue, shown = _show(outside, notice, ruling, marker)
        record = record_of(notice, ruling.kind, ruling.reason, *shown)
        ports.decisions.append(record)
        if ruling.row != row:
            known = replace(ruling.row, issue=issue, decision=notice.decision)
            outside.alerts.save(alert.rule, alert.model, known, etag)
        return record


def lease_of(marker: str) -> str:
    """The lease that keeps two workers from one issue; no model is called so."""
    return f"_issue-{marker[len('<!-- noon:') : -len(' -->')]}"


def _show(
    outside: Outside, notice: AlertNotice, ruling: AlertRuling, marker: str
) -> tuple[int, tuple[Reason, ...]]:
    """Make the issue what it should be; gives its number, 0 for none, and what was done."""
    tracker = outside.tracker
    if not ruling.wish:
        return ruling.row.issue, ()
    if tracker is None:
        reason = Reason("no_tracker", "no repository is set, so it is recorded and nothing more")
        return ruling.row.issue, (reason,)
    is_open = ruling.wish == "open"
    draft = _draft(outside, notice, ruling, marker)
    number = _changed(tracker, ruling.row.issue, draft, is_open=is_open)
    if number:
        word = marker_of(marker, notice.alert.alert_id, notice.alert.condition)
        tracker.say(number, word, plain(ruling.reason.text), notice.received_at)
        return number, (Reason("issue", f"issue {number} is {'open' if is_open else 'closed'}"),)
    if not is_open:
        return 0, (Reason("no_issue", "no issue was open"),)
    number = tracker.create(draft)
    return number, (Reason("issue", f"issue {number} was opened"),)


def _changed(tracker: IssueTracker, known: int, draft: IssueDraft, *, is_open: bool) -> int:
    """The number of the issue that was there and is now as it should be; 0 if none was."""
    if known and tracker.change(known, draft, is_open=is_open):
        return known
    # Perhaps it was made, and the answer or the row was lost.
    found = tracker.find(draft.marker, ALERT_LABEL)
    if found is not None and tracker.change(found, draft, is_open=is_open):
        return found
    return 0


def _draft(outside: Outside, notice: AlertNotice, ruling: AlertRuling, marker: str) -> IssueDraft:
    alert, row = notice.alert, ruling.row
    whom = alert.model or outside.plane.workspace.rpartition("/")[2]
    state = f"**Firing** since {row.fired_at:%Y-%m-%d %H:%M}Z"
    if row.resolved_at is not None:
        state = f"**Resolved** at {row.resolved_at:%Y-%m-%d %H:%M}Z, fired {row.fired_at:%H:%M}Z"
    parts = [
        f"{state}, {plain(alert.severity)}. {plain(alert.description)}",
        "\n".join(f"- {plain(number, 300)}" for number in alert.numbers),
        outside.links.runbook(alert.rule),
        f"Behind it: {outside.links.why(f'event:{alert.alert_id}', alert.model)}",
        _newest(outside, alert),
        "\n".join(f"- [rows behind the numbers]({link})" for link in alert.links),
        f"Noon keeps this issue: it closes it when the alert is resolved, and opens it again "
        f"when the rule fires. Installation: `{outside.plane.workspace}`",
        marker,
    ]
    labels = (ALERT_LABEL, f"noon:{whom}"[:50])
    body = "\n\n".join(part for part in parts if part)
    return IssueDraft(marker, f"{plain(alert.rule)}: {whom}", body, labels)


def _newest(outside: Outside, alert: Alert) -> str:
    """What was decided last about the model, for the first look."""
    if not alert.model:
        return ""
    ports = outside.plane.ports
    since = ports.clock.now() - LOOK_BACK
    read = ports.decisions.since(alert.model, since, DECISIONS_READ)
    told = [each for each in read if each.kind in (Kind.ACTED, Kind.REFUSED, Kind.FAILED)]
    told = [each for each in told if not each.cause.startswith("alert ")]
    lines = [_line(outside.links, each) for each in told]
    return "\n".join(["Newest decisions:", *lines[-DECISIONS_SHOWN:]]) if lines else ""


def _line(links: Links, decision: Decision) -> str:
    asked = asked_of(decision)
    words = plain("; ".join(map(public_words, decision.reasons)), 300)
    look = f" ({links.why(asked, decision.model)})" if asked else ""
    return f"- {decision.at:%Y-%m-%d %H:%M}Z {decision.kind.value}: {words}{look}"
