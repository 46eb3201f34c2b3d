"""The end of a rollout, told in the repository: one issue for each model, a comment for each end.

An issue, since whoever wants to hear of a model subscribes to it once, and since a rollout belongs
to a model and its data; no commit brought it about.
"""

from __future__ import annotations

from shared.application.issues import AT_WORK_SECONDS, lease_of
from shared.application.outside import Outside
from shared.application.wording import marker_of, plain
from shared.domain import chain_keys as keys
from shared.domain.announcements import ended_deployment, rollout_ended, version_of
from shared.domain.decision import Decision, Json, Kind, public_words
from shared.domain.errors import BusyError
from shared.outlets import IssueDraft, IssueTracker

REPORT_LABEL = "noon:rollouts"
CHECKS_READ = 24


def report(outside: Outside, tracker: IssueTracker, ended: Decision) -> int:
    """Tell the end of a rollout once; gives the number of the issue that has it."""
    marker = marker_of("rollouts", outside.plane.workspace, ended.model)
    with outside.plane.ports.lease.hold(lease_of(marker)) as lease:
        if lease is None:
            raise BusyError(f"another rollout of {ended.model} is told", AT_WORK_SECONDS)
        number = tracker.find(marker, REPORT_LABEL)
        if number is None:
            number = tracker.create(_draft(outside, ended.model, marker))
        text = report_text(outside, ended)
        tracker.say(number, marker_of(marker, ended.id), text, ended.at)
        return number


def report_text(outside: Outside, ended: Decision) -> str:
    """What came of the rollout, by the numbers of the gate and of the checks."""
    deployment, phase = ended_deployment(ended), rollout_ended(ended)
    assert phase is not None, "a rollout ended"
    version, log = version_of(deployment), outside.plane.ports.decisions
    key = keys.version_key(version)
    born = log.about(ended.model, keys.begun(key), 1, ended.at)
    turns = log.about(ended.model, keys.turned(key), CHECKS_READ, ended.at)
    turned = [each for each in turns if each.kind is Kind.REFUSED and each.id != ended.id][-1:]
    said = [reason for each in (*turned, ended) for reason in each.reasons]
    reasons = "; ".join(public_words(each) for each in said if each.code != "nothing_due")
    parts = [
        f"**{deployment} {phase.value.replace('_', ' ')}**: {plain(reasons)}",
        *(_difference(each) for each in born),
        _checks([each for each in turns if "check" in each.facts], deployment),
        f"Behind it: {outside.links.why(f'{ended.model}:{version}', ended.model)}",
    ]
    return "\n\n".join(part for part in parts if part)


def _draft(outside: Outside, model: str, marker: str) -> IssueDraft:
    body = (
        f"Every rollout of the model {model} ends in a comment here: subscribe to hear of it. "
        f"Noon keeps this issue. Installation: `{outside.plane.workspace}`\n\n{marker}"
    )
    return IssueDraft(marker, f"Rollouts of {model}", body, (REPORT_LABEL, f"noon:{model}"[:50]))


def _difference(born: Decision) -> str:
    """What the gate saw when the version passed it."""
    facts = born.facts
    difference = facts.get("difference")
    if not isinstance(difference, list):
        return ""
    low, mean, high = (_number(value) for value in difference)
    champion = facts.get("champion")
    against = "the baseline" if champion is None else f"the champion's {_number(champion)}"
    return (
        f"{facts.get('metric')} {_number(facts.get('challenger'))} against {against} on "
        f"{facts.get('holdout_rows')} held-out rows: difference {mean} [{low}, {high}]"
    )


def _checks(checks: list[Decision], deployment: str) -> str:
    """A table of what the checks counted, oldest first."""
    if not checks:
        return ""
    lines = ["| at | traffic | check | canary | champion |", "|---|---|---|---|---|"]
    for check in checks:
        counts = check.facts.get("counts")
        seen = counts if isinstance(counts, dict) else {}
        others = [name for name in sorted(seen) if name != deployment]
        canary, champion = _counted(seen.get(deployment)), [_counted(seen[name]) for name in others]
        lines.append(
            f"| {check.at:%H:%M}Z | {check.facts.get('step')} % | {check.facts['check']} "
            f"| {canary} | {', '.join(champion) or 'none'} |"
        )
    return "\n".join(lines)


def _counted(counts: Json) -> str:
    if not isinstance(counts, dict):
        return "none"
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in counts.items())


def _number(value: Json) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
