"""What becomes of the training in flight, as a table over the job's states."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.actions import CancelJob, SubmitJob
from shared.domain.decision import Kind, Step
from shared.domain.facts import Facts, JobFacts, JobStatus, Problem, Release
from shared.domain.state import ManifestRef, ModelState, Phase, Quarantined
from shared.domain.training_job import QUARANTINE_MAX, follow
from tests.builders import (
    MANIFEST,
    NOON,
    against,
    champion,
    facts,
    keys,
    metrics_text,
    minutes,
    rollout,
    spec,
    state,
    training,
)
from tests.domain.told import Told, step_in_full

JOB = "flights-slot-20261123t1200-a1"
TOLD = Told("training_job")
LATER = NOON + minutes(1)
EARLIER = ManifestRef("d0", "noon/manifests/flights/d0.json", 1, 100)
STUCK = NOON + timedelta(hours=7)


def job(status: JobStatus, message: str = "") -> JobFacts:
    """The job of the training in flight."""
    return JobFacts(JOB, status, message)


def followed(row: str, before: ModelState, seen: Facts, now: datetime = LATER) -> Step:
    """What follows, checked against what is told of it."""
    step = follow(before, seen, spec(), now)
    TOLD.check(row, step_in_full(before, step, now))
    return step


def test_running_job_is_left_alone() -> None:
    """A job that runs is looked at again after a while."""
    before = state(training=training())
    step = followed("running", before, facts(before, job=job(JobStatus.RUNNING)))
    assert (step.kind, step.actions, step.state) == (Kind.HELD, (), before)
    assert step.due_at == LATER + minutes(1)


@pytest.mark.parametrize(
    ("age", "wait"), [(1, 1), (10, 1), (60, 6), (300, 30), (350, 10), (359.5, 1)]
)
def test_older_job_is_looked_at_more_rarely(age: float, wait: float) -> None:
    """Every tenth of its age, when its time is over at the latest, and never without a pause."""
    before = state(training=training())
    now = before.training.planned_at + minutes(age) if before.training else NOON
    step = follow(before, facts(before, job=job(JobStatus.RUNNING)), spec(), now)
    assert step.due_at == now + minutes(wait)


def test_missing_job_is_submitted_again() -> None:
    """The wish was saved; if the order was lost, the next pass repeats it."""
    before = state(training=training())
    step = followed("missing", before, facts(before))
    assert step.actions == (SubmitJob(training()),)
    assert step.state == before


def test_job_that_cannot_be_submitted_is_given_up() -> None:
    """After the time limit a wish that never became a job is dropped with a reason."""
    before = state(training=training())
    step = followed("not_submitted", before, facts(before), STUCK)
    assert step.state.training is None
    assert [reason.code for reason in step.reasons] == ["not_submitted"]
    assert "could not be submitted" in step.state.last_refusal


def test_stuck_job_is_cancelled_and_not_tried_again() -> None:
    """A job beyond its time limit is cancelled; its end is not a reason for an attempt."""
    before = state(training=training())
    step = followed("stuck", before, facts(before, job=job(JobStatus.RUNNING)), STUCK)
    assert step.actions == (CancelJob(JOB),)
    ended = followed(
        "stuck_ended",
        step.state,
        facts(step.state, job=job(JobStatus.CANCELED)),
        STUCK + minutes(1),
    )
    assert ended.state.training is None
    assert ended.actions == ()
    assert "runs longer" in ended.state.last_refusal


def test_failed_job_gets_another_attempt_under_another_name() -> None:
    """A name that failed can never be used again."""
    before = state(training=training())
    step = followed(
        "another_attempt", before, facts(before, job=job(JobStatus.FAILED, "node lost"))
    )
    wish = step.state.training
    assert wish is not None
    assert (wish.job, wish.attempt) == ("flights-slot-20261123t1200-a2", 2)
    assert step.actions == (SubmitJob(wish),)
    assert "node lost" in step.reasons[0].text


@pytest.mark.parametrize(
    ("status", "attempt", "code"),
    [
        (JobStatus.FAILED, 2, "job_failed"),
        (JobStatus.CANCELED, 1, "job_canceled"),
    ],
)
def test_job_is_given_up(status: JobStatus, attempt: int, code: str) -> None:
    """The last attempt, or a hand that cancelled, ends the training; the champion stays."""
    before = state(training=training(attempt=attempt), champion=champion(1))
    step = followed(code, before, facts(before, job=job(status)))
    assert (step.kind, step.actions) == (Kind.FAILED, ())
    assert [reason.code for reason in step.reasons] == [code]
    assert step.state.champion == champion(1)


def test_refused_data_is_quarantined_by_name() -> None:
    """Files that `prepare` refused are named and left out; the wish goes back to before."""
    before = state(training=training(previous=None), manifest=MANIFEST)
    problems = (Problem("flights/b", "truncated: 10 bytes"), Problem(None, "too few days"))
    seen = facts(before, job=job(JobStatus.FAILED), problems=problems, pinned=keys("a", "b"))
    step = followed("data_refused", before, seen)
    assert step.kind is Kind.REFUSED
    assert [reason.text for reason in step.reasons] == [
        "flights/b: truncated: 10 bytes",
        "the data: too few days",
    ]
    assert step.state.quarantine == (Quarantined("flights/b", "0xb", "truncated: 10 bytes"),)
    assert (step.state.training, step.state.manifest, step.state.listed_at) == (None, None, None)
    assert "flights/b" in step.state.last_refusal


def test_an_order_that_was_refused_is_not_repeated() -> None:
    """The service's own words end the training."""
    words = "could not submit: quota"
    before = state(training=training(), order_refused=words)
    step = followed("order_refused", before, facts(before))
    assert step.state.training is None


@pytest.mark.parametrize(
    ("count", "told", "named", "more"),
    [
        (3, 3, 3, ""),
        (4, 4, 3, " and 1 more"),
        (20, 20, 3, " and 17 more"),
        (21, 20, 3, " and 18 more"),
    ],
)
def test_many_problems_are_told_shortly(count: int, told: int, named: int, more: str) -> None:
    """A decision holds twenty reasons at most, what people read on the status names three."""
    names = [f"{number:02}" for number in range(count)]
    before = state(training=training(previous=EARLIER), manifest=MANIFEST)
    problems = tuple(Problem(f"flights/{name}", "empty") for name in names)
    seen = facts(before, job=job(JobStatus.FAILED), problems=problems, pinned=keys(*names))
    step = follow(before, seen, spec(), LATER)
    assert len(step.reasons) == told
    shown = "; ".join(f"flights/{name}: empty" for name in names[:named])
    assert step.state.last_refusal == f"{JOB} refused its data: {shown}{more}"
    assert len(step.state.quarantine) == count
    assert step.state.manifest == EARLIER


def test_a_problem_with_a_file_that_was_not_pinned_quarantines_nothing() -> None:
    """Without its etag a file could never come back, so it is named and left alone."""
    before = state(training=training())
    problems = (Problem("flights/other", "who is that?"),)
    seen = facts(before, job=job(JobStatus.FAILED), problems=problems, pinned=keys("a"))
    step = follow(before, seen, spec(), LATER)
    assert step.state.quarantine == ()
    assert [reason.code for reason in step.reasons] == ["data_refused"]


def test_quarantine_is_bounded() -> None:
    """The state is one table row: the list of refused files keeps the newest."""
    names = [f"{number:03}" for number in range(QUARANTINE_MAX + 5)]
    before = state(training=training())
    problems = tuple(Problem(f"flights/{name}", "empty") for name in names)
    seen = facts(before, job=job(JobStatus.FAILED), problems=problems, pinned=keys(*names))
    step = follow(before, seen, spec(), LATER)
    assert len(step.state.quarantine) == QUARANTINE_MAX
    assert step.state.quarantine[-1].path == f"flights/{names[-1]}"
    assert "and 102 more" in step.state.last_refusal


def test_promotion_gives_out_the_next_number() -> None:
    """A promoted challenger gets a number in the saved state before anything is registered."""
    before = state(training=training(), last_version=9)
    seen = facts(before, job=job(JobStatus.COMPLETED), metrics=metrics_text())
    step = followed("promoted", before, seen)
    wish = step.state.rollout
    assert wish is not None
    assert (wish.deployment, wish.phase) == ("v10-e1", Phase.PENDING)
    assert (step.state.last_version, step.state.training) == (10, None)
    assert wish.version.job == JOB
    assert "version:10" in step.about
    assert step.facts["challenger"] == 0.75


def test_a_version_is_served_by_the_first_image_while_none_is_registered() -> None:
    """Images are numbered from one; a newer one is a rollout of its own, once it is known."""
    before = state(training=training())
    seen = facts(before, job=job(JobStatus.COMPLETED), metrics=metrics_text(), release=None)
    wish = follow(before, seen, spec(), LATER).state.rollout
    assert wish is not None
    assert wish.environment == 1


def test_newer_version_supersedes_a_rollout() -> None:
    """A version promoted in mid-rollout takes the older one's place, and says so."""
    before = state(training=training(), last_version=2, rollout=rollout(Phase.SMOKE))
    seen = facts(
        before,
        job=job(JobStatus.COMPLETED),
        metrics=metrics_text(),
        release=Release("noon_retrain:abc", 4),
    )
    step = followed("supersedes", before, seen)
    assert step.state.rollout is not None
    assert step.state.rollout.deployment == "v3-e4"
    assert "supersedes" in [reason.code for reason in step.reasons]


TURNED_DOWN: list[tuple[str, str | None, str]] = [
    ("retained", metrics_text(**against(1, 0.8, -0.05, -0.07, -0.03)), "retained: roc_auc 0.7500"),
    (
        "retained_for_two_reasons",
        metrics_text(**against(1, 0.8, -0.05, -0.07, -0.03), sample_rows=0),
        "retained: roc_auc 0.7500 is worse, paired difference to champion 1: "
        "-0.0500 [-0.0700, -0.0300]; the model answered no sample row",
    ),
    ("halted", None, "halted: metrics.json is missing"),
]


@pytest.mark.parametrize(
    ("name", "text", "words"), TURNED_DOWN, ids=[row[0] for row in TURNED_DOWN]
)
def test_turned_down_challenger_leaves_no_version(name: str, text: str | None, words: str) -> None:
    """Only what is promoted gets a number; what is refused is told to people."""
    before = state(training=training(champion=1), champion=champion(1), last_version=1)
    seen = facts(before, job=job(JobStatus.COMPLETED), metrics=text)
    step = followed(name, before, seen)
    assert step.kind is Kind.REFUSED
    remembered = {"last_refusal": step.state.last_refusal, "refused_in_a_row": 1}
    seen_again = {} if text is None else {"champion_seen": 0.8}
    assert step.state == replace(before, training=None, **remembered, **seen_again)
    assert step.state.last_refusal.startswith(words)


def test_refusals_are_counted_until_one_passes() -> None:
    """Three in a row are worth an alert; a promotion begins anew."""
    now = state(training=training(champion=1), champion=champion(1, 0.9), last_version=1)
    worse = metrics_text(**against(1, 0.8, -0.05, -0.07, -0.03))
    for count in (1, 2, 3):
        now = follow(
            now, facts(now, job=job(JobStatus.COMPLETED), metrics=worse), spec(), LATER
        ).state
        assert now.refused_in_a_row == count
        now = replace(now, training=training(champion=1))
    better = metrics_text(**against(1, 0.6, 0.15, 0.1, 0.2))
    now = follow(now, facts(now, job=job(JobStatus.COMPLETED), metrics=better), spec(), LATER).state
    assert (now.last_version, now.refused_in_a_row) == (2, 0)


@pytest.mark.parametrize(
    ("higher", "seen", "loss"), [(True, 0.8, 0.1), (True, 0.95, -0.05), (False, 0.8, -0.1)]
)
def test_loss_is_how_much_worse_the_champion_does_now(
    higher: bool, seen: float, loss: float
) -> None:
    """In the metric's own direction, against the holdout on which it was promoted."""
    ruling = champion(1, 0.9)
    score = replace(ruling.version.score, higher_is_better=higher)
    ruling = replace(ruling, version=replace(ruling.version, score=score))
    known = state(champion=ruling, champion_seen=seen)
    assert known.champion_loss == pytest.approx(loss)
    assert state(champion=ruling).champion_loss is None
    assert state(champion_seen=0.8).champion_loss is None


def test_every_end_of_a_job_is_found_by_its_name() -> None:
    """Whatever becomes of a job, the decision is filed under it."""
    seen: list[dict[str, Any]] = [
        {"job": job(JobStatus.RUNNING)},
        {"job": None},
        {"job": job(JobStatus.FAILED)},
        {"job": job(JobStatus.COMPLETED), "metrics": metrics_text()},
    ]
    before = state(training=training())
    for case in seen:
        assert f"job:{JOB}" in follow(before, facts(before, **case), spec(), LATER).about


def test_every_row_is_told_in_full() -> None:
    """Nothing is told of rows that are gone."""
    ends = ["job_failed", "job_canceled", "data_refused", "not_submitted", "order_refused"]
    goes_on = ["running", "missing", "stuck", "stuck_ended", "another_attempt"]
    TOLD.check_rows([*goes_on, *ends, *(row[0] for row in TURNED_DOWN), "promoted", "supersedes"])
