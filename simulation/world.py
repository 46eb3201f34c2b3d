"""One control plane in memory, with its surroundings, its faults and its clock."""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from shared.adapters.azure_queues import parse_message
from shared.adapters.event_grid import parse_event
from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.container import MemoryContainerServing
from shared.adapters.memory.files import MemoryLandingZone, MemoryRunFiles
from shared.adapters.memory.health import MemoryHealthWindow
from shared.adapters.memory.jobs import MemoryModelRegistry
from shared.adapters.memory.messages import MemoryLease
from shared.adapters.memory.state import MemoryReleaseStore
from shared.application import intake
from shared.application.health_recorder import HealthRecorder
from shared.application.plane import ControlPlane
from shared.domain.decision import Decision
from shared.domain.events import Verb
from shared.domain.facts import EndpointFacts, JobFacts, Release
from shared.domain.health import Counts
from shared.domain.state import ModelState, Phase, Subject, Training
from shared.ports import Ports
from simulation.checker import Checker
from simulation.events import Events
from simulation.faults import CrashError, Faults, FaultyLease, faulty, survivable
from simulation.outside import Outside
from simulation.parts import (
    DeliveringQueue,
    RecentDecisions,
    RememberedSlots,
    WatchedEndpoints,
    WatchedJobs,
    WatchedStates,
)
from simulation.policies import spec_of
from simulation.prober import FatedProber
from simulation.truth import ViolationError

BEGIN = datetime(2026, 2, 26, 5, 0, tzinfo=UTC)
WORKSPACE = (
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
)
STORAGE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acct"
TRACE_LINES = 25


class World:
    """Everything, made from a seed; also the truth for the checker and its watcher."""

    def __init__(self, seed: str, models: int) -> None:
        self.random = Random(seed)  # noqa: S311 - chance that can be played again
        self.clock = MemoryClock(BEGIN)
        self.trace: deque[tuple[datetime, object]] = deque(maxlen=TRACE_LINES)
        self.calm = False
        self.events = Events(self)
        self.expected: dict[str, str] = {}
        self.fate: dict[tuple[str, str], str] = {}
        self.specs = {spec.name: spec for spec in (spec_of(self.random, n) for n in range(models))}
        self.checker = Checker(self, self.specs)
        self.faults = Faults(Random(f"{seed} faults"), self.clock, self._fault)  # noqa: S311
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()
        self._make_parts()
        widths = {name: spec.rollout.bucket for name, spec in self.specs.items()}
        self.recorder = HealthRecorder(faulty(self.health, self.faults, "health"), "p1", widths)
        self.plane = self._make_plane()
        self.outsides = {name: Outside(self, spec, WORKSPACE) for name, spec in self.specs.items()}

    def _make_parts(self) -> None:
        self.states = WatchedStates(self)
        self.decisions = RecentDecisions(self)
        self.queue = DeliveringQueue(self.clock)
        self.lease = MemoryLease(self.clock)
        self.landing, self.files = MemoryLandingZone(), MemoryRunFiles()
        self.jobs = WatchedJobs(self)
        self.registry = MemoryModelRegistry()
        self.endpoints = WatchedEndpoints(self.clock, self)
        self.health = MemoryHealthWindow()
        self.releases = MemoryReleaseStore(Release("noon_retrain:abc", 1))

    def _make_plane(self) -> ControlPlane:
        faults = self.faults
        ports = Ports(
            clock=self.clock,
            slots=RememberedSlots(),
            state=faulty(self.states, faults, "state"),
            releases=faulty(self.releases, faults, "releases"),
            decisions=faulty(self.decisions, faults, "decisions"),
            queue=faulty(self.queue, faults, "queue"),
            lease=FaultyLease(self.lease, faults),
            landing=faulty(self.landing, faults, "landing"),
            files=faulty(self.files, faults, "files"),
            jobs=faulty(self.jobs, faults, "jobs"),
            registry=faulty(self.registry, faults, "registry"),
            endpoint=faulty(self.endpoints, faults, "endpoint"),
            containers=MemoryContainerServing(self.files),
            prober=faulty(FatedProber(self), faults, "prober"),
            health=faulty(self.health, faults, "health"),
        )
        return ControlPlane(
            ports=ports,
            models=self.specs,
            workspace=WORKSPACE,
            landing_container="landing",
            read_event=parse_event,
            read_message=parse_message,
            new_order_id=lambda: f"o{next(self._numbers):06}",
        )

    # the stage of the outside

    def later(self, delay: timedelta, what: Callable[[], None]) -> None:
        """Let something happen after a while."""
        heapq.heappush(self._heap, (self.now() + delay, next(self._numbers), what))

    @property
    def next_at(self) -> datetime:
        """When the outside moves again."""
        return self._heap[0][0] if self._heap else datetime.max.replace(tzinfo=UTC)

    def happen(self) -> None:
        """The next thing outside."""
        heapq.heappop(self._heap)[2]()

    def note(self, text: object) -> None:
        """A line of the trace."""
        self.trace.append((self.now(), text))

    def _fault(self, text: str) -> None:
        if text:
            self.note(text)
        if self.checker.passes:
            self.checker.passes[-1].disturbed = True

    def event(self, raw: dict[str, Any]) -> None:
        """Event Grid takes an event."""
        self.events.deliver(raw)

    def landed(self, model: str, path: str) -> None:
        """A file landed; its event follows."""
        (file,) = self.landing.list(path)
        self.checker.landed[file.path, file.etag] = (model, self.now())
        subject = f"/blobServices/default/containers/landing/blobs/{path}"
        self.event(
            {
                "id": f"event-{path}",
                "topic": STORAGE,
                "subject": subject,
                "eventType": "Microsoft.Storage.BlobCreated",
                "data": {"api": "PutBlob", "contentLength": 10, "eTag": file.etag},
            }
        )

    def order(self, model: str, verb: Verb) -> None:
        """An operator orders something; an error tells them that it was not taken."""
        self.note(f"{model}: an operator orders {verb.value}")
        try:
            kept = intake.order(self.plane, model, verb, "operator", "by chance")
        except (Exception, CrashError) as error:
            if not survivable(error):
                raise
        else:
            self.checker.orders[kept.order_id] = (model, self.now())

    def call(self, model: str, asked: int) -> None:
        """So many callers ask; what each deployment answers is counted as the proxy does it."""
        endpoint, now, due = self.endpoints.get(model), self.now(), False
        if endpoint is None or not endpoint.traffic:
            return
        names, shares = list(endpoint.traffic), list(endpoint.traffic.values())
        for name in self.random.choices(names, shares, k=asked):
            fate = self.fate.get((model, name), "")
            slow = 200.0 if fate == "slow" else 10.0
            due = self.recorder.note(model, name, fate == "sick", slow, now) or due
        try:
            self.recorder.write(model, now)
        except (Exception, CrashError) as error:
            if not survivable(error):
                raise

    def publish_image(self) -> None:
        """Deployment registers a newer serving image."""
        release = self.releases.release()
        assert release is not None
        self.releases.publish(replace(release, environment=release.environment + 1))
        self.note(f"serving environment {release.environment + 1} is released")

    # the truth, for the checker

    def now(self) -> datetime:
        """The time."""
        return self.clock.now()

    def state(self, model: str) -> ModelState | None:
        """What is saved."""
        return self.states.state(model)

    def endpoint(self, model: str) -> EndpointFacts | None:
        """The endpoint as it is."""
        return self.endpoints.get(model)

    def counts(self, model: str, deployment: str, since: datetime) -> Counts:
        """What was truly answered since then."""
        return self.health.read(model, since, self.now()).get(deployment, Counts())

    def job(self, job: str) -> JobFacts | None:
        """The job as it is."""
        return self.jobs.get(job)

    def fate_of(self, model: str, deployment: str) -> str:
        """`sick` fails its callers, `slow` lets them wait, `broken` answers nobody."""
        return self.fate.get((model, deployment), "")

    def verdict(self, job: str) -> str:
        """What the gate must say of a job."""
        return self.expected.get(job, "refuse")

    def files_of(self, training: Training) -> frozenset[tuple[str, str]]:
        """Path and etag of what a training reads."""
        text = self.files.read(training.manifest.path)
        if text is None:
            raise ViolationError("wish_first", f"{training.job} has no manifest")
        return frozenset((file["path"], file["etag"]) for file in json.loads(text)["files"])

    # the watcher of the parts: passes on to the checker, and lets the outside follow

    def saving(self, old: ModelState | None, new: ModelState, said: Sequence[Decision]) -> None:
        """A state was written."""
        self.checker.saving(old, new, said)
        if new.rollout is not None and new.rollout.phase is Phase.CANARY:
            self.outsides[new.model].canary_began()
        if new.champion is not None and (old is None or old.champion != new.champion):
            self.outsides[new.model].crowned(new.champion.subject.deployment)

    def submitting(self, model: str, training: Training) -> None:
        """A job starts."""
        self.checker.submitting(model, training)
        outside = self.outsides[model]
        outside.job_began(training)
        outside.forget_old(lambda path: any(key[0] == path for key in self.checker.landed))

    def deploying(self, model: str, subject: Subject) -> None:
        """A deployment will come up, or not, or late, or sick."""
        self.checker.deploying(model, subject)
        name, dice = subject.deployment, 1.0 if self.calm else self.random.random()
        self.endpoints.seconds = self.random.uniform(60, 600)
        endpoint = self.endpoints.of(model)
        endpoint.failures.pop(name, None)
        endpoint.refusals.pop(name, None)
        self.fate[model, name] = ""
        if dice < 0.05:
            endpoint.failures[name] = "image pull failed"
        elif dice < 0.08:
            endpoint.refusals[name] = "quota exceeded"
        elif dice < 0.12:
            endpoint.operation_seconds = 3600
        elif dice < 0.30:
            self.fate[model, name] = self.random.choice(("sick", "sick", "slow", "broken"))
            self.note(f"{model}: {name} will be {self.fate[model, name]}")
        self.endpoints.seconds = endpoint.operation_seconds

    def routing(self, model: str, traffic: dict[str, int]) -> None:
        """Traffic will move within half a minute or so."""
        self.checker.routing(model, traffic)
        endpoint = self.endpoints.get(model)
        if endpoint is not None:
            self.faults.replaced[endpoint.name] = endpoint.traffic
        self.endpoints.seconds = self.random.uniform(5, 60)

    def deleting(self, model: str, deployment: str) -> None:
        """A deployment goes."""
        self.checker.deleting(model, deployment)

    def recorded(self, decision: Decision, *, late: bool) -> None:
        """A decision was kept, by its own pass or a later one."""
        self.note(decision)
        self.checker.recorded(decision, late=late)
