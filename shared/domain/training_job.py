"""What becomes of the training in flight: run, fail, be refused, or meet the gate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from shared.domain.actions import CancelJob, SubmitJob
from shared.domain.chain_keys import VERDICT
from shared.domain.comparison import judged
from shared.domain.decision import Json, Kind, Reason, Step
from shared.domain.facts import Facts, JobFacts, JobStatus
from shared.domain.metrics import Metrics
from shared.domain.policy import ModelSpec, next_look_in
from shared.domain.promotion import Halt, Promote, Retain, Verdict, judge, score_of
from shared.domain.retraining import next_attempt
from shared.domain.state import (
    ModelState,
    Phase,
    Quarantined,
    Rollout,
    Training,
    Version,
)

QUARANTINE_MAX = 100
"""The state is one table row; older entries go first, and their files are refused again."""


def follow(state: ModelState, facts: Facts, spec: ModelSpec, now: datetime) -> Step:
    """Look at the job and decide what comes next."""
    training = state.training
    assert training is not None, "there is a training in flight"
    about = (f"job:{training.job}",)
    job = facts.job
    late = now - training.planned_at > spec.retraining.training_max
    if job is None:
        return replace(_missing(state, training, late, spec, now), about=about)
    match job.status:
        case JobStatus.RUNNING:
            return replace(_running(state, training, late, spec, now), about=about)
        case JobStatus.COMPLETED if _goes_back(state):
            # Who is promoted now would take the place of a rollout whose canary has callers yet.
            text = f"{training.job} is judged when the traffic is the champion's again"
            due = now + spec.retraining.poll
            return Step(state, Kind.HELD, (Reason("way_back_first", text),), (), about, due_at=due)
        case JobStatus.COMPLETED:
            return _completed(state, training, facts, spec, now)
        case JobStatus.FAILED | JobStatus.CANCELED:
            return replace(_ended_badly(state, training, job, facts, spec, now), about=about)


def _goes_back(state: ModelState) -> bool:
    rollout = state.rollout
    return rollout is not None and not rollout.phase.ended and bool(rollout.going_back)


def _missing(
    state: ModelState, training: Training, late: bool, spec: ModelSpec, now: datetime
) -> Step:
    """The wish was saved, but the job is not there: the order was lost, or refused."""
    if state.order_refused:
        return _given_up(state, Reason("order_refused", state.order_refused), now)
    if late:
        text = f"{training.job} could not be submitted within {spec.retraining.training_max}"
        return _given_up(state, Reason("not_submitted", text), now)
    reason = Reason("submit", f"{training.job} is wanted and not there")
    due = now + spec.retraining.poll
    return Step(state, Kind.ACTED, (reason,), (SubmitJob(training),), due_at=due)


def _running(
    state: ModelState, training: Training, late: bool, spec: ModelSpec, now: datetime
) -> Step:
    due = now + spec.retraining.poll
    if not late:
        due = _next_look(training, spec, now)
        return Step(state, Kind.HELD, (Reason("running", f"{training.job} runs"),), due_at=due)
    reason = Reason("too_long", f"{training.job} runs longer than {spec.retraining.training_max}")
    state = replace(state, training=replace(training, giving_up=reason.text))
    return Step(state, Kind.FAILED, (reason,), (CancelJob(training.job),), due_at=due)


def _next_look(training: Training, spec: ModelSpec, now: datetime) -> datetime:
    """When to ask again for a job whose end is announced by an event, unless that is lost.

    The older the job, the rarer: an end without an event is found after a tenth of its length.
    """
    age, policy = now - training.planned_at, spec.retraining
    return now + next_look_in(age, policy.poll, policy.training_max - age)


def _ended_badly(
    state: ModelState,
    training: Training,
    job: JobFacts,
    facts: Facts,
    spec: ModelSpec,
    now: datetime,
) -> Step:
    if facts.problems:
        return _data_refused(state, training, facts, now)
    what = f"{training.job} {job.status.value}"
    text = training.giving_up or f"{what}: {job.message or 'the service gives no reason'}"
    if job.status is JobStatus.FAILED and training.attempt < spec.retraining.attempts_max:
        state = next_attempt(state, training, now)
        assert state.training is not None
        reason = Reason("retry", f"{text}; attempt {state.training.attempt} follows")
        due = now + spec.retraining.poll
        return Step(state, Kind.FAILED, (reason,), (SubmitJob(state.training),), due_at=due)
    return _given_up(state, Reason(f"job_{job.status.value}", text), now)


def _given_up(state: ModelState, reason: Reason, now: datetime) -> Step:
    state = replace(state, training=None, last_refusal=reason.text)
    return Step(state, Kind.FAILED, (reason,), due_at=now)


def _data_refused(state: ModelState, training: Training, facts: Facts, now: datetime) -> Step:
    """Leave the named files out until they are replaced; the others count as new again."""
    reasons = tuple(
        Reason("data_refused", f"{problem.path or 'the data'}: {problem.reason}")
        for problem in facts.problems
    )
    etags = dict(facts.pinned)
    bad = tuple(
        Quarantined(problem.path, etags[problem.path], problem.reason)
        for problem in facts.problems
        if problem.path is not None and problem.path in etags
    )
    shown = "; ".join(reason.text for reason in reasons[:3])
    more = f" and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    state = replace(
        state,
        training=None,
        manifest=training.previous,
        listed_at=None,
        quarantine=_newest((*state.quarantine, *bad)),
        last_refusal=f"{training.job} refused its data: {shown}{more}",
    )
    return Step(state, Kind.REFUSED, reasons[:20], due_at=now)


def _newest(entries: Iterable[Quarantined]) -> tuple[Quarantined, ...]:
    unique = {(entry.path, entry.etag): entry for entry in entries}
    return tuple(unique.values())[-QUARANTINE_MAX:]


def _completed(
    state: ModelState, training: Training, facts: Facts, spec: ModelSpec, now: datetime
) -> Step:
    verdict = judge(facts.metrics, training, state.champion, spec.gate, now, facts.holdout)
    about = (f"job:{training.job}", f"data:{training.manifest.data_version}", VERDICT)
    state = _after(replace(state, training=None), verdict)
    match verdict:
        case Promote(reasons, metrics):
            number = state.last_version + 1
            vouched = training.accepted.words if training.accepted else ""
            version = Version(number, training.job, now, score_of(metrics), vouched)
            state = judged(state, training)
            step = _promoted(state, version, reasons, about, facts, now)
            return replace(step, facts={"verdict": "promote", **_numbers(metrics)})
        case Retain(reasons, metrics):
            state = judged(state, training)
            step = _turned_down(state, "retained", reasons, about, now)
            return replace(step, facts={"verdict": "retain", **_numbers(metrics)})
        case Halt(reasons, _):
            step = _turned_down(state, "halted", reasons, about, now)
            return replace(step, facts={"verdict": "halt"})


def _after(state: ModelState, verdict: Verdict) -> ModelState:
    """What is counted of verdicts, and how the champion does on the newest rows."""
    passed = isinstance(verdict, Promote)
    state = replace(state, refused_in_a_row=0 if passed else state.refused_in_a_row + 1)
    champion, scored = state.champion, verdict.metrics and verdict.metrics.champion
    if champion is None or not scored or scored.version != champion.version.number:
        return state
    return replace(state, champion_seen=scored.value)


def _turned_down(
    state: ModelState,
    word: str,
    reasons: tuple[Reason, ...],
    about: tuple[str, ...],
    now: datetime,
) -> Step:
    text = "; ".join(reason.text for reason in reasons)
    state = replace(state, last_refusal=f"{word}: {text}")
    return Step(state, Kind.REFUSED, reasons, about=about, due_at=now)


def _numbers(metrics: Metrics) -> dict[str, Json]:
    """What the gate saw, for the decision log."""
    difference = metrics.versus_champion or metrics.versus_baseline
    return {
        "metric": metrics.metric,
        "challenger": metrics.challenger,
        "champion": metrics.champion.value if metrics.champion else None,
        "anchor": metrics.anchor.value if metrics.anchor else None,
        "baseline": metrics.baseline,
        "difference": [difference.low, difference.mean, difference.high],
        "holdout_rows": metrics.holdout_rows,
        "holdout_digest": metrics.holdout_digest,
    }


def _promoted(
    state: ModelState,
    version: Version,
    reasons: tuple[Reason, ...],
    about: tuple[str, ...],
    facts: Facts,
    now: datetime,
) -> Step:
    """Give out the number first, in the saved state; what follows can be repeated."""
    environment = facts.release.environment if facts.release else 1
    if state.rollout is not None and not state.rollout.phase.ended:
        old = state.rollout.deployment
        reasons = (*reasons, Reason("supersedes", f"takes the place of {old}, still rolling out"))
    rollout = Rollout(version, environment, Phase.PENDING, started_at=now, entered_at=now)
    state = replace(state, last_version=version.number, rollout=rollout)
    about = (*about, f"version:{version.number}")
    return Step(state, Kind.ACTED, reasons, about=about, due_at=now)
