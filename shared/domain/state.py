"""The desired state of one model: all that Noon remembers, one row of a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from shared.domain.events import Order
from shared.domain.policy import Serving

STATE_SCHEMA = 1

Asker = Literal["training", "rollout"]
"""For what something was ordered outside."""


class Phase(StrEnum):
    """Where a rollout stands."""

    PENDING = "pending"
    """A version was promoted; the model and the endpoint are being made ready."""
    PROVISIONING = "provisioning"
    """A deployment was ordered and gets no traffic."""
    SMOKE = "smoke"
    """The deployment stands; recorded rows are sent to it by header."""
    CANARY = "canary"
    """The deployment gets a share of the traffic."""
    SUCCEEDED = "succeeded"
    """The deployment has all traffic."""
    ROLLED_BACK = "rolled_back"
    """The deployment was given up; the champion keeps all traffic."""
    ABORTED = "aborted"
    """An operator or a newer version ended it."""

    ended: bool
    """Nothing more will happen to it."""

    def __init__(self, value: str) -> None:
        self.ended = value in {"succeeded", "rolled_back", "aborted"}


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What is rolled out: a new image goes the same careful way as a new model."""

    version: int
    environment: int
    """Version of the serving environment."""

    @property
    def deployment(self) -> str:
        """The deployment's name, such as `v12-e3`."""
        return deployment_name(self.version, self.environment)


def deployment_name(version: int, environment: int) -> str:
    """The name of the deployment that serves a model version with an image, such as `v12-e3`."""
    return f"v{version}-e{environment}"


@dataclass(frozen=True, slots=True)
class ManifestRef:
    """The data that a training is pinned to."""

    data_version: str
    """Digest of the list of files, in hexadecimal."""
    path: str
    """Of the manifest, in the container of runs."""
    files: int
    size: int
    """Bytes of all files together."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Leave to judge one challenger without comparing it with the champion."""

    order_id: str
    champion: int
    """The version that can no longer be compared with; of another champion it says nothing."""
    words: str
    """Who gave it, and why."""


@dataclass(frozen=True, slots=True)
class Training:
    """The one training in flight: a job of this name is wanted."""

    job: str
    cause: str
    """`slot`, `data` or `order`."""
    because: str
    stamp: str
    """The part of the job's name that says which slot, landing or order."""
    attempt: int
    planned_at: datetime
    manifest: ManifestRef
    previous: ManifestRef | None
    """What was trained before; the wish goes back to it when this data is refused."""
    spec_path: str
    component: str
    """Name and version of the pipeline component, `noon_retrain:1a2b…`."""
    champion: int | None = None
    anchor: int | None = None
    slot: str | None = None
    giving_up: str = ""
    """Why the job was cancelled, if it was."""
    accepted: Acceptance | None = None
    """Its challenger is not compared with the champion."""


@dataclass(frozen=True, slots=True)
class Score:
    """What the gate saw of a promoted version."""

    metric: str
    higher_is_better: bool
    value: float
    low: float | None
    """Lower end of the interval of the difference to what it was compared with."""
    high: float | None
    compared_with: str
    """`champion 3` or `baseline prior`."""
    trained_rows: int
    landed_rows: int
    holdout_rows: int


@dataclass(frozen=True, slots=True)
class Version:
    """A promoted model version."""

    number: int
    job: str
    promoted_at: datetime
    score: Score
    accepted: str = ""
    """Who let it take its predecessor's place uncompared, and why; none before it is an anchor."""


@dataclass(frozen=True, slots=True)
class Champion:
    """The version that answers callers."""

    version: Version
    environment: int
    since: datetime

    @property
    def subject(self) -> Subject:
        """The version and the image that serve it."""
        return Subject(self.version.number, self.environment)

    @property
    def deployment(self) -> str:
        """The deployment that answers callers, such as `v12-e3`."""
        return deployment_name(self.version.number, self.environment)


@dataclass(frozen=True, slots=True)
class Warm:
    """A deployment without traffic that goes when its time is over."""

    deployment: str
    until: datetime
    version: Version | None = None
    """Of a former champion, kept for an instant return; None for one that was given up."""
    environment: int = 0


@dataclass(frozen=True, slots=True)
class Rollout:
    """A promoted version on its way to all traffic."""

    version: Version
    environment: int
    phase: Phase
    started_at: datetime
    entered_at: datetime
    """When the present phase began."""
    reason: str = ""
    step: int = 0
    """Index of the canary step."""
    steps: tuple[int, ...] = ()
    """The shares of its canary steps: a change of the policy is for the next rollout."""
    soaking_since: datetime | None = None
    """When the step's traffic read back as it was written."""
    paused: bool = False
    instant: bool = False
    """A return to a warm version: all traffic at once, nothing to soak."""
    failed_checks: int = 0
    usual_ms: float | None = None
    """The champion's latency in an earlier step."""
    alone: str = ""
    """Who said, and why, that the canary is judged by itself, since the champion is sick."""
    going_back: str = ""
    """Why the traffic goes back to the champion; the rollout ends when that reads back."""
    ending: Phase = Phase.ROLLED_BACK
    """How it is to end when it is going back."""

    @property
    def subject(self) -> Subject:
        """The version and the image that are rolled out."""
        return Subject(self.version.number, self.environment)

    @property
    def deployment(self) -> str:
        """The deployment that is rolled out, such as `v12-e3`."""
        return deployment_name(self.version.number, self.environment)


@dataclass(frozen=True, slots=True)
class Address:
    """Where callers' rows go: what the prediction proxy needs to know."""

    scoring_uri: str
    version: int
    deployment: str
    serving: Serving = "managed_endpoint"
    """What answers there; each kind takes tokens of its own audience."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A landed file that is left out of trainings until it is replaced."""

    path: str
    etag: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModelState:
    """Everything that is wished and remembered for one model."""

    model: str
    created_at: datetime
    next_due_at: datetime
    schema: int = STATE_SCHEMA
    last_slot_at: datetime | None = None
    """The newest slot that was given a job or skipped."""
    last_slot: str = ""
    """The latest key: in another time zone the same local time comes again, as the same slot."""
    landing_first_at: datetime | None = None
    """Start of the open quiet period."""
    landing_last_at: datetime | None = None
    listed_at: datetime | None = None
    waiting_order: Order | None = None
    accepting: Acceptance | None = None
    """For the next challenger that can be judged."""
    training: Training | None = None
    trained_at: datetime | None = None
    """When the last training was planned."""
    manifest: ManifestRef | None = None
    """The data of the last training."""
    last_version: int = 0
    """The highest version number ever given out."""
    champion: Champion | None = None
    former: tuple[Version, ...] = ()
    """Versions that were champion, newest first."""
    rollout: Rollout | None = None
    warm: Warm | None = None
    address: Address | None = None
    quarantine: tuple[Quarantined, ...] = ()
    order_refused: str = ""
    """The service's words when it refused the last action for good."""
    refused_to: Asker | Literal[""] = ""
    """Whose action that was; the other one goes on."""
    last_refusal: str = ""
    """What was last turned down, for people."""
    refused_in_a_row: int = 0
    """Verdicts of the gate since the last that let a challenger pass."""
    champion_seen: float | None = None
    """The champion's metric on the newest holdout; None until it is scored again."""

    @property
    def champion_loss(self) -> float | None:
        """How much worse the champion does on the newest holdout than when it was promoted.

        Both values are of different rows, so that some of it is chance; below zero it does better.
        """
        if self.champion is None or self.champion_seen is None:
            return None
        score = self.champion.version.score
        loss = score.value - self.champion_seen
        return loss if score.higher_is_better else -loss
