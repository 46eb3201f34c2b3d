"""Versions, runs and rollouts of one model, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from function_app.api.base import Count, Reason, Sent, Share
from function_app.api.fleet import Slot, Warm
from shared.domain.events import Verb
from shared.domain.health import Outcome
from shared.domain.state import Phase


class Difference(Sent):
    """A paired bootstrap interval of a difference; above zero the challenger is better."""

    low: float
    mean: float
    high: float
    compared_with: Literal["champion", "baseline"]


class Lineage(Sent):
    """Where a model comes from."""

    job: str
    studio_url: str
    """The job's page in Azure ML studio; against the emulator it leads nowhere."""
    data_version: str | None
    code_commit: str | None
    """Null where the job left no model folder, and beyond the newest ten."""


class Version(Sent):
    """A challenger that the gate judged, and what became of it."""

    version: int | None
    """Only what is promoted has a number."""
    role: Literal["champion", "rolling_out", "former", "given_up", "refused"]
    """`given_up`: promoted, and then rolled back or aborted before it had all traffic."""
    judged_at: datetime
    verdict: Literal["promote", "retain", "halt"]
    reasons: list[Reason]
    """Every rule that it broke, or why it passed."""
    value: float | None
    """The metric on the holdout; null where nothing could be concluded."""
    difference: Difference | None
    champion_value: float | None
    """The champion of then, on the same holdout."""
    anchor_value: float | None
    baseline_value: float | None
    holdout_rows: Count | None
    holdout_digest: str | None
    lineage: Lineage
    decision_id: str


class Versions(Sent):
    """What the gate judged, newest first: champion, challengers, former and refused ones."""

    model: str
    metric: str
    higher_is_better: bool | None
    """Null until a version was promoted."""
    champion: int | None
    versions: list[Version]
    more: bool
    """There are older ones than these."""


class SlotEntry(Sent):
    """A slot and what it ended in."""

    key: str
    due_at: datetime
    state: Literal["trained", "caught_up", "skipped", "missed", "waiting"]
    """`caught_up`: trained more than ten minutes late. `skipped`: too late, or no data. `missed`:
    a newer slot took its place. `waiting`: due, and not dealt with yet."""
    dealt_at: datetime | None
    late_seconds: float | None
    job: str | None
    why: str | None
    """Of a slot that got no job."""
    decision_id: str | None


class SlotsMissed(Sent):
    """Very many slots that were overtaken at once; they are not listed one by one."""

    first: str
    last: str
    count: Count
    decision_id: str


class LandingEntry(Sent):
    """Data landed, as it was taken in."""

    at: datetime
    last_at: datetime
    """Nothing that was taken in here landed later."""
    minutes: Count
    """Rows that were taken in, each for the landings of one minute at the most."""
    decision_id: str


class JobEntry(Sent):
    """A training job."""

    job: str
    cause: Literal["slot", "data", "order"]
    because: str | None
    attempt: int
    state: Literal["running", "completed", "failed", "canceled", "data_refused", "given_up"]
    planned_at: datetime | None
    """Null where only its end is among the decisions that were read."""
    ended_at: datetime | None
    """When its end was taken in."""
    duration_seconds: float | None
    data_version: str | None
    files: Count | None
    bytes: Count | None
    verdict: Literal["promote", "retain", "halt"] | None
    version: int | None
    reasons: list[Reason]
    """How it ended."""
    studio_url: str
    decision_id: str
    """The decision that ended it, or that began it while it runs."""


class Runs(Sent):
    """What asked for trainings and what came of it, newest first."""

    model: str
    time_zone: str
    schedule: str
    next_slot: Slot | None
    slots: list[SlotEntry]
    slots_missed: list[SlotsMissed]
    landings: list[LandingEntry]
    jobs: list[JobEntry]
    since: datetime | None
    """Nothing older was read; null where nothing is older."""


class DeploymentNumbers(Sent):
    """What a check saw of one deployment since the step's traffic stood."""

    deployment: str
    requests: Count
    failures: Count
    topped_up: Count
    """Recorded rows that Noon sent itself, for want of callers; among the requests."""
    failure_rate: float
    latency_ms_p95: float


class Check(Sent):
    """A check of a canary step."""

    at: datetime
    outcome: Outcome
    share: Share
    """The canary's, of the step that was checked."""
    text: str
    deployments: list[DeploymentNumbers]
    decision_id: str


class Step(Sent):
    """A canary step."""

    share: Share
    state: Literal["done", "present", "to_come"]


class TrafficShare(Sent):
    """A deployment's share of the traffic."""

    deployment: str
    percent: Share


class Rollout(Sent):
    """A promoted version on its way to all traffic."""

    version: int
    environment: int
    deployment: str
    phase: Phase
    ended: bool
    started_at: datetime
    entered_at: datetime
    """When the phase began."""
    reason: str | None
    """Why it ended as it did."""
    steps: list[Step]
    """Empty where there are none: a container is switched, a return is at once."""
    soaking_since: datetime | None
    """When the step's traffic stood as it was wished; null while no step soaks."""
    soaks_until: datetime | None
    """The step is judged then at the earliest."""
    requests_min: Count
    """A step is judged on at least this many answers of the canary."""
    paused: bool
    instant: bool
    """A return to a warm version: all traffic at once."""
    going_back: str | None
    """Why the traffic goes back to the champion."""
    alone: str | None
    """Who said, and why, that the canary is judged by itself."""
    failed_checks: Count
    failed_checks_allowed: Count
    error_rate_max: float
    checks: list[Check]
    """The newest of this rollout, newest first."""


class OrderChoice(Sent):
    """Whether an order makes sense now."""

    verb: Verb
    possible: bool
    why_not: str | None


class RolloutEvent(Sent):
    """Something that changed in a rollout."""

    at: datetime
    version: int | None
    deployment: str
    kind: Literal["begun", "phase", "step", "order", "check_failed", "going_back", "ended", "other"]
    reasons: list[Reason]
    decision_id: str


class RolloutAnswer(Sent):
    """How the model's last rollout stands, as it was saved: no call to Azure ML is made."""

    model: str
    champion: str | None
    """The deployment that has the traffic, or gets it back."""
    rollout: Rollout | None
    """Null before the first."""
    traffic: list[TrafficShare]
    """The shares that are wished by the saved state; what answers callers may lag behind for as
    long as the endpoint takes to update. A container is named by its version's deployment."""
    warm: Warm | None
    orders: list[OrderChoice]
    """`train` and what can be asked of a rollout. Another order may come in between."""
    history: list[RolloutEvent]
    """Of this rollout and the ones before it, newest first."""
