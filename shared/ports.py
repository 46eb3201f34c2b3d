"""What the control plane needs from outside, as Protocols of one to five methods.

Every call is one attempt. What is missing is None, what cannot be is an error of
`shared.domain.errors`; calls that change something can be repeated without harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from shared.domain.actions import PinnedFile, Role
from shared.domain.decision import Decision, Mark
from shared.domain.events import Message, Order
from shared.domain.facts import (
    ContainerFacts,
    EndpointFacts,
    JobFacts,
    Overtaken,
    Release,
    Slot,
    SlotFacts,
    SmokeFacts,
    Snapshot,
)
from shared.domain.health import Counts, HealthRow
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Subject, Training, Version
from shared.outlets import NoticeQueue


class Clock(Protocol):
    """The time, handed in."""

    def now(self) -> datetime:
        """The present instant in UTC."""


class Slots(Protocol):
    """Due times of a cron expression in a time zone."""

    def named(self, key: str, time_zone: str) -> Slot:
        """The slot of a key; raises MalformedError for what is none."""

    def around(self, schedule: str, time_zone: str, now: datetime) -> SlotFacts:
        """The newest due slot and the next one.

        A local time that is missing moves to the next instant, one that comes twice is the first.
        """

    def between(
        self, schedule: str, time_zone: str, after: datetime, newest: Slot
    ) -> Overtaken | None:
        """The slots due after an instant that `newest` has overtaken; None if there is none."""


class StateStore(Protocol):
    """The wishes and the rows that wait, one partition for each model."""

    def load(self, model: str) -> Snapshot:
        """State and waiting rows in one query; a state of None for a model never seen."""

    def save(
        self,
        state: ModelState,
        etag: str,
        taken: Sequence[str] = (),
        unsaid: Sequence[Decision] = (),
    ) -> str:
        """Write the state if it is still that of `etag` ("" = none yet), drop the taken rows.

        `unsaid` are decisions that the log may not have yet; they take the place of those of
        before. In one transaction; gives the new etag. Raises ConflictError.
        """

    def add_landing(self, model: str, received_at: datetime, bucket_ends_at: datetime) -> bool:
        """Note that data landed; True for the first one of the bucket."""

    def add_order(self, model: str, order: Order) -> bool:
        """Keep an order until a pass takes it in; False if the same order is there already."""

    def next_due(self) -> dict[str, datetime]:
        """When each known model is due, of all models in one query.

        That is when its state says, or when what waits to be taken in came, if that is earlier.
        """


class ReleaseStore(Protocol):
    """What deployment registered last."""

    def release(self) -> Release | None:
        """The newest release; None before the first `noon deploy components`."""

    def publish(self, release: Release) -> None:
        """Make this the newest release."""


class DecisionLog(Protocol):
    """Every decision, in order, found again by what it is about."""

    def append(self, decision: Decision, also: Sequence[Decision] = ()) -> None:
        """Keep it; the same id twice is one row.

        Keep also those of which it is not known whether they were kept; what is there stays.
        """

    def since(
        self, model: str, since: datetime | Mark, most: int, before: Mark | None = None
    ) -> list[Decision]:
        """The newest `most` decisions of a model from `since` on, oldest first.

        After a mark if `since` is one, and before a mark if that is given.
        """

    def about(
        self, model: str, key: str, most: int, until: datetime | None = None
    ) -> list[Decision]:
        """The newest `most` decisions about a key, taken by `until` if given, oldest first."""

    def expire(self, model: str, before: datetime, most: int) -> int:
        """Delete up to `most` decisions of a model from before an instant; gives how many."""

    def claim_expiry(self, day: str) -> bool:
        """True for the first one that asks for the day, in any process."""


class MessageQueue(Protocol):
    """Messages that say: look at this model."""

    def send(self, message: Message, delay_seconds: int = 0) -> None:
        """Enqueue; it becomes visible after the delay."""


class LeaseHold(Protocol):
    """A lease that is held."""

    def check(self) -> None:
        """Renew it when that is due; raises ConflictError when another can have taken it."""


class Lease(Protocol):
    """At most one pass per model at a time."""

    def hold(self, model: str) -> AbstractContextManager[LeaseHold | None]:
        """Take the model's lease and give it back in the end; None when somebody has it."""


class LandingZone(Protocol):
    """The container where data lands; write-once."""

    def list(self, prefix: str) -> tuple[PinnedFile, ...]:
        """Every file below the prefix, sorted by path."""


class RunFiles(Protocol):
    """The container of manifests, specs and job outputs."""

    def read(self, path: str) -> bytes | None:
        """The whole file, or None."""

    def write_once(self, path: str, content: bytes) -> None:
        """Write it unless it is there; names are digests, so what is there is the same."""


class TrainingJobs(Protocol):
    """Azure ML pipeline jobs."""

    def get(self, job: str) -> JobFacts | None:
        """The job, or None."""

    def submit(self, spec: ModelSpec, training: Training) -> None:
        """Start it in one request; a job of that name with the same digest is success.

        Raises RefusedError (the name is another job's, or a no), BusyError, UnavailableError.
        """

    def cancel(self, job: str) -> None:
        """Ask it to stop; one that has ended is success."""


class ModelRegistry(Protocol):
    """Azure ML model versions."""

    def job_of(self, model: str, version: int) -> str | None:
        """The job that made the registered version; None when it is not registered."""

    def register(self, model: str, version: Version, tags: dict[str, str]) -> None:
        """Register the job's folder; done before is success, a number taken ConflictError."""


class OnlineEndpoint(Protocol):
    """An Azure ML online endpoint, one for each model; starts operations, never waits."""

    def get(self, model: str) -> EndpointFacts | None:
        """The endpoint with its traffic and deployments, or None."""

    def create(self, model: str) -> None:
        """Begin to create it without traffic; one that exists is left as it is."""

    def deploy(self, model: str, subject: Subject, instance_type: str, instance_count: int) -> None:
        """Begin to create a deployment at 0 %; one that exists is left as it is."""

    def set_traffic(self, model: str, traffic: dict[str, int]) -> None:
        """Begin to write the full traffic map."""

    def delete_deployment(self, model: str, deployment: str) -> None:
        """Begin to delete it; one that is gone is success."""


class ContainerServing(Protocol):
    """What is published for the scoring containers that poll it, one for each model."""

    def get(self, model: str) -> ContainerFacts:
        """What is published, and what the container says of itself if it can be asked."""

    def publish(self, model: str, role: Role, version: int, job: str) -> None:
        """Copy the job's model folder and point the role at it; done before is success.

        Raises RefusedError when the job left no model folder.
        """

    def withdraw(self, model: str, role: Role) -> None:
        """Point the role at nothing; what points at nothing is success."""

    def smoke(self, model: str, deployment: str, rows: Sequence[dict[str, object]]) -> SmokeFacts:
        """Send the rows to the version of that name, champion or challenger."""


class Prober(Protocol):
    """Asks one deployment directly, whatever the traffic."""

    def smoke(
        self, scoring_uri: str, deployment: str, rows: Sequence[dict[str, object]]
    ) -> SmokeFacts:
        """Send the rows with the deployment's header and look at the answer."""


class HealthWindow(Protocol):
    """How deployments answer, as the proxy counts it; one row a process and bucket."""

    def read(self, model: str, since: datetime, until: datetime) -> dict[str, Counts]:
        """Counts by deployment over the buckets that begin in the window, in one query."""

    def write(self, model: str, rows: Sequence[HealthRow]) -> None:
        """Upsert what was counted up to now; the same row again replaces itself."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a pass may touch."""

    clock: Clock
    slots: Slots
    state: StateStore
    releases: ReleaseStore
    decisions: DecisionLog
    queue: MessageQueue
    lease: Lease
    landing: LandingZone
    files: RunFiles
    jobs: TrainingJobs
    registry: ModelRegistry
    endpoint: OnlineEndpoint
    containers: ContainerServing
    prober: Prober
    health: HealthWindow
    notices: NoticeQueue | None = None
    """None where nobody is told of anything."""


class Scored(NamedTuple):
    """What a serving deployment answered; a tuple, which is made in a third of the time."""

    status: int
    """The container's own status, even where the endpoint wraps it."""
    body: bytes
    content_type: str
    deployment: str
    latency_ms: float = 0.0  # from the request to its whole answer, of the last try
    retry_after: str = ""
    by_container: bool = False  # the endpoint says that it is the container's own answer


class Scorer(Protocol):
    """Sends rows to an endpoint, which chooses the deployment by its traffic."""

    async def score(self, scoring_uri: str, body: bytes) -> Scored:
        """Pass the body on; raises UnavailableError (no answer), NotAskedError (not sent)."""
