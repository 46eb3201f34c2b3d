"""What is really so in the world: the parts of the control plane, and what stands outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from itertools import count

from shared.adapters.azure_queues import parse_message
from shared.adapters.event_grid import parse_event
from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.files import MemoryLandingZone, MemoryRunFiles
from shared.adapters.memory.health import MemoryHealthWindow
from shared.adapters.memory.messages import MemoryLease
from shared.adapters.memory.state import MemoryReleaseStore
from shared.application.health_recorder import HealthRecorder
from shared.application.plane import ControlPlane
from shared.application.records import Recorded
from shared.application.retention import Retention
from shared.domain.facts import ContainerFacts, EndpointFacts, JobFacts, Release
from shared.domain.health import Counts
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Training
from shared.ports import Ports, Prober
from simulation.faults import Faults, FaultyLease, faulty
from simulation.machine_learning import (
    WatchedContainers,
    WatchedEndpoints,
    WatchedJobs,
    WatchedRegistry,
)
from simulation.parts import (
    DeliveringQueue,
    RecentDecisions,
    RememberedSlots,
    WatchedNotices,
    WatchedStates,
)
from simulation.truth import ViolationError
from simulation.watcher import Watcher

WORKSPACE = (
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
)


class Reality:
    """Memory adapters behind faults, with a control plane on them; and the truth about them."""

    def __init__(
        self, clock: MemoryClock, specs: dict[str, ModelSpec], faults: Faults, watcher: Watcher
    ) -> None:
        self.clock = clock
        self.specs = specs
        self.faults = faults
        self.states = WatchedStates(watcher)
        self.decisions = RecentDecisions(watcher)
        self.queue = DeliveringQueue(clock)
        self.notices = WatchedNotices(watcher)
        self.lease = MemoryLease(clock)
        self.landing, self.files = MemoryLandingZone(), MemoryRunFiles()
        self.jobs = WatchedJobs(watcher)
        self.registry = WatchedRegistry(watcher)
        self.containers = WatchedContainers(self.files, watcher)
        self.endpoints = WatchedEndpoints(clock, watcher)
        self.health = MemoryHealthWindow()
        self.releases = MemoryReleaseStore(Release("noon_retrain:abc", 1))
        self.expected: dict[str, str] = {}
        self.skills: dict[str, float] = {}
        self._processes = count(1)

    def start(self, prober: Prober, new_order_id: Callable[[], str]) -> ControlPlane:
        """A control plane on these parts, each of which now and then fails."""
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
            containers=faulty(self.containers, faults, "containers"),
            prober=faulty(prober, faults, "prober"),
            health=faulty(self.health, faults, "health"),
            notices=faulty(self.notices, faults, "notices"),
        )
        return ControlPlane(
            ports=ports,
            models=self.specs,
            workspace=WORKSPACE,
            landing_container="landing",
            read_event=parse_event,
            read_message=lru_cache(parse_message),
            new_order_id=new_order_id,
        )

    def restarted(self, plane: ControlPlane) -> ControlPlane:
        """The same in a new process, which knows nothing but what is stored."""
        return replace(plane, retention=Retention(), recorded=Recorded())

    def new_recorder(self) -> HealthRecorder:
        """Counts of a new process."""
        widths = {name: spec.rollout.bucket for name, spec in self.specs.items()}
        window = faulty(self.health, self.faults, "health")
        return HealthRecorder(window, f"p{next(self._processes)}", widths)

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

    def registered_job(self, model: str, version: int) -> str | None:
        """What the registry really has under that number."""
        return self.registry.job_of(model, version)

    def skill(self, job: str) -> float:
        """How good the model of a job truly is."""
        return self.skills.get(job, 0.0)

    def container(self, model: str) -> ContainerFacts | None:
        """What is published for the model's container, and what that serves; None for others."""
        contained = self.specs[model].serving == "container"
        return self.containers.get(model) if contained else None

    def verdict(self, job: str) -> str:
        """What the gate must say of a job."""
        return self.expected.get(job, "refuse")

    def files_of(self, training: Training) -> frozenset[tuple[str, str]]:
        """Path and etag of what a training reads."""
        text = self.files.read(training.manifest.path)
        if text is None:
            raise ViolationError("wish_first", f"{training.job} has no manifest")
        return frozenset((file["path"], file["etag"]) for file in json.loads(text)["files"])
