"""What one model is and what is allowed for it: the content of models/<name>.toml as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Task = Literal["classification", "regression"]
HandChanged = Literal["restore", "adopt"]
Serving = Literal["managed_endpoint", "container"]

LOOKS_PER_AGE = 10
"""What waits for others, a job or a pause, is looked at when it is older by one part in so many."""


def next_look_in(age: timedelta, poll: timedelta, longest: timedelta) -> timedelta:
    """When to look again at what is so old: ever more seldom, within these bounds."""
    return max(poll, min(longest, age / LOOKS_PER_AGE))


@dataclass(frozen=True, slots=True)
class RetrainingPolicy:
    """When a model is trained."""

    schedule: str
    """Five-field cron in the model's own time zone."""
    time_zone: str
    quiet: timedelta
    """New data must have stopped coming for this long."""
    longest_wait: timedelta
    """Training starts after this long even if data keeps coming."""
    minimum_interval: timedelta
    """Between two trainings caused by data."""
    catch_up: timedelta
    """A missed slot older than this is skipped."""
    training_max: timedelta
    """A job still running after this is cancelled."""
    attempts_max: int
    listing_every: timedelta = timedelta(hours=1)
    """The landing container is listed this often even if no event says so."""
    poll: timedelta = timedelta(minutes=1)
    """How often a running job is looked at when no event comes; an old one rarer."""

    @property
    def landing_bucket(self) -> timedelta:
        """Landings received within one bucket share one row."""
        return min(timedelta(minutes=1), max(timedelta(seconds=1), self.quiet))


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """What a challenger must show; differences are in units of the metric."""

    holdout_rows_min: int
    margin: float
    """A challenger may be worse by this much and still count as equal."""
    refresh_after: timedelta
    """An equal challenger replaces a champion older than this."""
    slice_margin: float
    slice_rows_min: int
    champion_floor: float
    """The champion must beat the baseline by this much, else the holdout is suspect.

    For the same reason a challenger must, or it could never be replaced once it ruled.
    """
    parity_flips_per_million_max: float
    parity_difference_max: float
    latency_ms_p95_max: float


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """How a promoted version gets its traffic."""

    steps: tuple[int, ...]
    """Per cent of the traffic, step by step; the last is 100."""
    soak: timedelta
    """A step is judged over at least this long."""
    requests_min: int
    """A step is judged on at least this many answers of the canary."""
    no_data_max: timedelta
    """A step that has soaked and is still not judged after this is given up."""
    provisioning_max: timedelta
    smoke_rows: int
    keep_warm: timedelta
    """The former champion's deployment stays for this long after the switch."""
    instance_type: str
    instance_count: int
    error_rate_max: float = 0.02
    """Failures per request."""
    latency_ratio_max: float = 1.5
    """The canary's 95th percentile over the champion's."""
    latency_slack_ms: float = 5.0
    """Added to the limit: a few milliseconds more are no illness."""
    failed_checks_allowed: int = 0
    hand_changed: HandChanged = "restore"
    """What happens when somebody else changes the traffic."""
    bucket: timedelta = timedelta(seconds=10)
    """Width of the health window's buckets."""
    poll: timedelta = timedelta(minutes=1)
    """How often Azure ML is looked at while an operation runs or a step soaks."""

    @property
    def lag(self) -> timedelta:
        """Buckets younger than this are not read: some process may still be counting."""
        return 3 * self.bucket


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model file, checked."""

    name: str
    title: str
    task: Task
    serving: Serving
    prefix: str
    """Landings below this path of the landing container belong to the model."""
    training_spec: Mapping[str, object] = field(hash=False)
    """What the training components are told: columns, target, holdout, parameters."""
    retraining: RetrainingPolicy
    gate: GatePolicy
    rollout: RolloutPolicy
