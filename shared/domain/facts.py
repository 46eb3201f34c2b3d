"""What was observed outside, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.actions import PinnedFile
from shared.domain.decision import Decision
from shared.domain.events import Landing, Order
from shared.domain.health import Counts
from shared.domain.state import ModelState, Subject


class JobStatus(StrEnum):
    """How a training job stands."""

    RUNNING = "running"
    """Anything that has not ended: queued, preparing, finalising."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A training job as Azure ML shows it."""

    name: str
    status: JobStatus
    message: str = ""
    """The service's own words on a failure."""
    url: str = ""
    """Of the job's page in the studio."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a landed file was refused by `prepare`."""

    path: str | None
    """None when the fault is not one file's."""
    reason: str


class ProvisioningState(StrEnum):
    """Of an endpoint or a deployment."""

    UPDATING = "updating"
    """Creating, updating or deleting: it accepts no write."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """A deployment as Azure ML shows it."""

    name: str
    state: ProvisioningState
    message: str = ""


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """An endpoint with its deployments as Azure ML shows it; traffic can be stale."""

    name: str
    state: ProvisioningState
    scoring_uri: str
    traffic: Mapping[str, int] = field(hash=False)
    deployments: Mapping[str, DeploymentFacts] = field(hash=False)

    @property
    def accepts_writes(self) -> bool:
        """No operation runs on the endpoint or on one of its deployments."""
        states = [self.state, *(d.state for d in self.deployments.values())]
        return ProvisioningState.UPDATING not in states


class Probe(StrEnum):
    """How a question to a deployment ended."""

    PASSED = "passed"
    FAILED = "failed"
    NO_DATA = "no_data"
    """Nothing was learned: the endpoint could not be reached, or there was nothing to ask."""


@dataclass(frozen=True, slots=True)
class SmokeFacts:
    """Recorded rows were sent to one deployment by header."""

    probe: Probe
    text: str


@dataclass(frozen=True, slots=True)
class Published:
    """A version of a model, as it is published for a container or as the container holds it."""

    version: int
    digest: str
    """Of the model folder."""


@dataclass(frozen=True, slots=True)
class ContainerSays:
    """What a scoring container says of itself."""

    environment: int
    """Version of the serving environment that it runs."""
    champion: Published | None = None
    """Answers callers."""
    challenger: Published | None = None
    """Answers only who asks for it by header."""
    refused: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Why it cannot serve what is published, by digest."""


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What is published for a model's container, and what the container makes of it."""

    scoring_uri: str
    champion: Published | None = None
    challenger: Published | None = None
    says: ContainerSays | None = None
    silence: str = "not asked"
    """Why the container says nothing, if it does not."""

    @property
    def accepts_writes(self) -> bool:
        """Whoever polls is never in the middle of an operation."""
        return True


@dataclass(frozen=True, slots=True)
class Slot:
    """A due time of a schedule."""

    key: str
    """Local date and time, `20261123t1200`: the same slot whenever it is computed."""
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Slots that were due one after the other, until a newer one took their place."""

    first: Slot
    last: Slot
    count: int
    counted: bool = True
    """False when there are more than were counted."""
    each: tuple[Slot, ...] = ()
    """All of them where they are few, else none."""


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """The schedule around now."""

    newest: Slot | None
    """The newest slot that is due."""
    next: Slot | None
    overtaken: Overtaken | None = None
    """Slots before the newest that had no turn; looked for only when the newest is owed."""


@dataclass(frozen=True, slots=True)
class Release:
    """What deployment registered last and new work is to use."""

    component: str
    """`noon_retrain:VERSION`."""
    environment: int
    """Version of the serving environment."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All rows of one model, read in one query."""

    state: ModelState | None
    etag: str
    landings: tuple[Landing, ...] = ()
    orders: tuple[Order, ...] = ()
    unsaid: tuple[Decision, ...] = ()
    """Decisions of the last passes that saved, the newest last: the log may miss some of them."""

    @property
    def last_decision(self) -> str:
        """Id of what the pass decided that saved last; empty before the first."""
        return self.unsaid[-1].id if self.unsaid else ""

    @property
    def waits(self) -> bool:
        """Rows wait to be taken in."""
        return bool(self.landings or self.orders)

    @property
    def rows(self) -> tuple[str, ...]:
        """Keys of the rows that wait to be taken in."""
        return (*(row.row for row in self.landings), *(row.row for row in self.orders))


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that one pass observed; None where it was not looked at or is not there."""

    snapshot: Snapshot
    slots: SlotFacts
    release: Release | None = None
    listing: tuple[PinnedFile, ...] | None = None
    """What lies in the landing container for this model."""
    pinned: frozenset[tuple[str, str]] = frozenset()
    """Path and etag of every file of the last training's manifest."""
    first_read: Mapping[tuple[str, str], str] = field(default_factory=dict, hash=False)
    """The job that read each of them first, where that is known."""
    spec_path: str = ""
    """Where the present training spec is kept, when a training may start."""
    job: JobFacts | None = None
    metrics: str | None = None
    """metrics.json of the completed job."""
    holdout: str | None = None
    """Digest of the rows that the completed job's first step held out, as it says itself."""
    problems: tuple[Problem, ...] = ()
    """Of the failed job."""
    registered_job: str | None = None
    """The job that made what is registered under the rollout's version number."""
    endpoint: EndpointFacts | None = None
    container: ContainerFacts | None = None
    smoke: SmokeFacts | None = None
    health: Mapping[str, Counts] | None = field(default=None, hash=False)
    """Counts by deployment since the step's traffic was read back, for what is settled."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the present state makes worth looking at, so that nothing else is asked."""

    job: bool = False
    listing: bool = False
    endpoint: bool = False
    container: bool = False
    smoke: Subject | None = None
    health_since: datetime | None = None
    release: bool = False
