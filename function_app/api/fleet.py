"""Models at a glance, and one model in full."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from function_app.api.base import Count, Decision, Sent, Share
from shared.domain.policy import HandChanged, Serving, Task
from shared.domain.state import Phase

Seconds = Annotated[float, Field(ge=0)]


class Score(Sent):
    """What the gate saw of a version when it promoted it."""

    metric: str
    higher_is_better: bool
    value: float
    """On the holdout."""
    low: float | None
    """Lower end of the interval of the difference to what it was compared with; above zero the
    version was better."""
    high: float | None
    compared_with: str
    """`champion 3` or `baseline prior`."""
    trained_rows: Count
    landed_rows: Count
    holdout_rows: Count


class Champion(Sent):
    """The version that answers callers."""

    version: int
    environment: int
    """Version of the serving environment."""
    deployment: str
    job: str
    since: datetime
    """Since when it has all traffic."""
    promoted_at: datetime
    """When it passed the gate: a champion's age is counted from here."""
    score: Score
    accepted: str | None
    """Who let it take its predecessor's place uncompared, and why; null where it was compared."""


class Training(Sent):
    """The one training in flight."""

    job: str
    cause: Literal["slot", "data", "order"]
    because: str
    attempt: int
    planned_at: datetime
    data_version: str
    files: Count
    cancelled: str | None
    """Why the job was told to stop, if it was."""
    studio_url: str
    """The job's page in Azure ML studio; against the emulator it leads nowhere."""


class RolloutBrief(Sent):
    """The model's last rollout in one line."""

    version: int
    deployment: str
    phase: Phase
    ended: bool
    share: Share
    """Of the traffic, as it is wished; what answers callers may lag behind."""
    paused: bool
    entered_at: datetime
    """When the phase began."""
    reason: str | None
    """Why it ended as it did, or why it goes back."""


class Slot(Sent):
    """A due time of the schedule."""

    key: str
    """Local date and time, `20261123t1200`."""
    due_at: datetime


class Slots(Sent):
    """The schedule around now."""

    last: Slot | None
    """The newest slot that was given a job or skipped."""
    owed: Slot | None
    """A slot that is due and waits."""
    next: Slot | None


class DeploymentHealth(Sent):
    """How one deployment answered within the window, as Noon's own proxy counted it."""

    deployment: str
    """`-` stands for answers that never came: whose they were is not known."""
    requests: Count
    failures: Count
    """5xx, time-outs and lost connections; a 4xx is the caller's."""
    failure_rate: float
    latency_ms_p95: float | None
    """Null while nothing was timed; the upper bound of a histogram's bucket."""


class ModelHealth(Sent):
    """Whether callers get their answers."""

    state: Literal["healthy", "failing", "no_data", "no_champion"]
    """`failing`: the champion's failures are above the policy's limit. `no_data`: nobody asked."""
    window_seconds: int
    """So long the window is; it ends a little before now, when all processes have counted."""
    deployments: list[DeploymentHealth]


class NextAction(Sent):
    """What will be done for the model next, and why that is not done now."""

    action: Literal[
        "give_up_rollout",
        "resume_rollout",
        "advance_rollout",
        "judge_challenger",
        "train",
        "retire_deployment",
        "look_at_model",
    ]
    """`resume_rollout` waits for an operator, all others come by themselves."""
    at: datetime | None
    """When, as far as that is known."""
    why_not_now: str
    """Such as `the next slot is 20261124t1200`, or the numbers of the newest check."""


class ModelBrief(Sent):
    """One model at a glance."""

    name: str
    title: str
    task: Task
    serving: Serving
    champion: Champion | None
    training: Training | None
    rollout: RolloutBrief | None
    """The last rollout, ended or not; null before the first."""
    slots: Slots
    health: ModelHealth
    next: NextAction
    last_refusal: str | None
    """What was last turned down."""
    decision: Decision | None
    """The newest decision that did more than to wait; null if none of the last ones did."""


class Fleet(Sent):
    """Every model of the control plane, by name."""

    models: list[ModelBrief]


class Column(Sent):
    """A column that the model learns from."""

    name: str
    kind: Literal["number", "category"]


class Quarantined(Sent):
    """A landed file that is left out of trainings until it is replaced."""

    path: str
    reason: str


class Data(Sent):
    """Where a model's data comes from, and what of it was trained."""

    prefix: str
    """Landing files are the blobs below this prefix of the landing container."""
    time_column: str
    target: str
    identifiers: list[str]
    features: list[Column]
    holdout_days: int
    metric: str
    slices: list[str]
    """Columns whose values the gate judges one by one."""
    data_version: str | None
    """Of the last training."""
    files: Count | None
    bytes: Count | None
    landed_first_at: datetime | None
    """Since when new data waits to be trained."""
    landed_last_at: datetime | None
    training_due_at: datetime | None
    """When it will be trained if nothing more lands."""
    quarantine: list[Quarantined]


class RetrainingPolicy(Sent):
    """When the model is trained."""

    schedule: str
    """Five-field cron."""
    time_zone: str
    quiet_seconds: Seconds
    longest_wait_seconds: Seconds
    minimum_interval_seconds: Seconds
    catch_up_seconds: Seconds
    training_seconds_max: Seconds
    attempts_max: int
    listing_seconds: Seconds


class GatePolicy(Sent):
    """What a challenger must show; differences are in units of the metric."""

    holdout_rows_min: int
    margin: float
    refresh_after_seconds: Seconds
    slice_margin: float
    slice_rows_min: int
    champion_floor: float
    parity_flips_per_million_max: float
    parity_difference_max: float
    latency_ms_p95_max: float


class RolloutPolicy(Sent):
    """How a promoted version gets its traffic."""

    steps: list[Share]
    soak_seconds: Seconds
    requests_min: int
    no_data_seconds_max: Seconds
    provisioning_seconds_max: Seconds
    keep_warm_seconds: Seconds
    error_rate_max: float
    latency_ratio_max: float
    latency_slack_ms: float
    failed_checks_allowed: int
    hand_changed: HandChanged


class Policy(Sent):
    """What the model's file allows; Git is where it changes."""

    retraining: RetrainingPolicy
    gate: GatePolicy
    rollout: RolloutPolicy


class Warm(Sent):
    """A deployment without traffic that goes when its time is over."""

    deployment: str
    version: int | None
    """Of a former champion, kept for an instant return; null for one that was given up."""
    until: datetime


class OrderWaiting(Sent):
    """An order for a training that waits for its turn."""

    order_id: str
    who: str
    because: str
    ordered_at: datetime


class ModelDetail(ModelBrief):
    """One model in full."""

    policy: Policy
    data: Data
    schema_path: str
    """Where the champion's schema is, such as `/api/models/flights/schema`."""
    warm: Warm | None
    accepting: str | None
    """That the next challenger is not compared with the champion, by whose leave."""
    waiting_order: OrderWaiting | None
    next_look_at: datetime | None
    """When the model is looked at again at the latest; null for one never seen."""
