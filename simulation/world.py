"""One control plane in memory, with its surroundings, its faults and its clock."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any

from shared.adapters.memory.clock import MemoryClock
from shared.application import intake
from shared.domain.actions import Role
from shared.domain.decision import Decision
from shared.domain.events import Verb
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Phase, Subject, Training, Version
from simulation.checker import Checker
from simulation.events import Events
from simulation.fates import FatedProber, Fates
from simulation.faults import CrashError, Faults, survivable
from simulation.outside import Outside
from simulation.parts import NEVER
from simulation.policies import spec_of
from simulation.reality import WORKSPACE, Reality

BEGIN = datetime(2026, 2, 26, 5, 0, tzinfo=UTC)
STORAGE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acct"
TRACE_LINES = 25
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


class World(Reality):
    """Everything, made from a seed; also the truth for the checker and its watcher."""

    def __init__(self, seed: str, models: int) -> None:
        self.random = Random(seed)  # noqa: S311 - chance that can be played again
        clock = MemoryClock(BEGIN)
        specs = {spec.name: spec for spec in (spec_of(self.random, n) for n in range(models))}
        faults = Faults(Random(f"{seed} faults"), clock, self._fault)  # noqa: S311
        self.trace: deque[tuple[datetime, object]] = deque(maxlen=TRACE_LINES)
        self.calm = False
        self.events = Events(self)
        self.fate: dict[tuple[str, str], str] = {}
        self.fates = Fates(self)
        self.checker = Checker(self, specs)
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()
        super().__init__(clock, specs, faults, self)
        self.plane = self.start(FatedProber(self), lambda: f"o{next(self._numbers):06}")
        self.recorder = self.new_recorder()
        self.outsides = {name: Outside(self, name, WORKSPACE) for name in self.specs}

    def start_process(self) -> None:
        """A worker comes up instead of one that died."""
        self.plane, self.recorder = self.restarted(self.plane), self.new_recorder()

    # the stage of the outside

    def later(self, delay: timedelta, what: Callable[[], None]) -> None:
        """Let something happen after a while."""
        heapq.heappush(self._heap, (self.now() + delay, next(self._numbers), what))

    def some(self, mean: timedelta) -> timedelta:
        """A span by chance, of this length on average."""
        return max(SECOND, mean * self.random.expovariate(1))

    @property
    def next_at(self) -> datetime:
        """When the outside moves again."""
        return self._heap[0][0] if self._heap else NEVER

    def happen(self) -> None:
        """The next thing outside."""
        heapq.heappop(self._heap)[2]()

    def note(self, text: object) -> None:
        """A line of the trace."""
        self.trace.append((self.now(), text))

    def happened(self, what: str) -> None:
        """Something went wrong, and is counted."""
        self.faults.counts[what] += 1

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
        self.happened(f"{verb.value}_ordered")
        try:
            kept = intake.order(self.plane, model, verb, "operator", "by chance")
        except (Exception, CrashError) as error:
            if not survivable(error):
                raise
        else:
            self.checker.orders[kept.order_id] = (model, self.now())

    def call(self, model: str, asked: int) -> None:
        """So many callers ask; what each deployment answers is counted as the proxy does it."""
        endpoint, now = self.endpoints.get(model), self.now()
        if endpoint is None or not endpoint.traffic:
            return
        names, shares = list(endpoint.traffic), list(endpoint.traffic.values())
        for name in self.random.choices(names, shares, k=asked):
            fate = self.fate.get((model, name), "")
            slow = 200.0 if fate == "slow" else 10.0
            self.recorder.note(model, name, fate == "sick", slow, now)
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
        self.happened("image_released")
        for model in self.specs:
            self.later(self.some(HOUR), partial(self._restart_container, model))

    def _restart_container(self, model: str) -> None:
        """A container runs the newest image from now on."""
        release = self.releases.release()
        if release is not None:
            self.containers.container(model).environment = release.environment

    def change_policy(self, spec: ModelSpec) -> None:
        """A model's file is another from now on."""
        self.specs[spec.name] = spec
        self.happened("policy_changed")
        self.note(f"{spec.name}: {spec.retraining}, {spec.rollout}")

    def fate_of(self, model: str, deployment: str) -> str:
        """`sick` fails its callers, `slow` lets them wait, `broken` answers nobody."""
        return self.fates.of(model, deployment)

    # the watcher of the parts: passes on to the checker, and lets the outside follow

    def saving(self, old: ModelState | None, new: ModelState, said: Sequence[Decision]) -> None:
        """A state was written."""
        self.checker.saving(old, new, said)
        if new.rollout is not None and new.rollout.phase is Phase.CANARY:
            self.outsides[new.model].canary_began()
        if new.champion is not None and (old is None or old.champion != new.champion):
            self.outsides[new.model].crowned(new.champion.deployment)

    def submitting(self, model: str, training: Training) -> None:
        """A job starts."""
        self.checker.submitting(model, training)
        self.faults.stale.made("jobs", training.job)
        outside = self.outsides[model]
        outside.job_began(training)
        outside.forget_old(lambda path: any(key[0] == path for key in self.checker.landed))

    def deploying(self, model: str, subject: Subject) -> None:
        """A deployment is made."""
        self.checker.serving.deploying(model, subject)
        self.faults.stale.made(f"noon-{model}", subject.deployment)
        self.fates.deploy(model, subject)

    def routing(self, model: str, traffic: dict[str, int]) -> None:
        """Traffic will move within half a minute or so."""
        self.checker.serving.routing(model, traffic)
        self.endpoints.seconds = self.random.uniform(5, 60)
        endpoint = self.endpoints.get(model)
        if endpoint is not None:
            self.faults.stale.rerouted(endpoint)

    def deleting(self, model: str, deployment: str) -> None:
        """A deployment goes."""
        self.checker.serving.deleting(model, deployment)

    def registered(self, model: str, version: Version) -> None:
        """A version is new in the registry."""
        self.faults.stale.made("registry", f"{model}/{version.number}")

    def publishing(self, model: str, role: Role, version: int, job: str) -> None:
        """A pointer is about to name a version."""
        self.checker.serving.publishing(model, role, version, job)
        if role == "challenger":
            self.fates.load(model, version)

    def withdrawing(self, model: str, role: Role) -> None:
        """A pointer is about to name nothing."""
        self.checker.serving.withdrawing(model, role)

    def recorded(self, decision: Decision, *, late: bool) -> None:
        """A decision was kept, by its own pass or a later one."""
        self.note(decision)
        self.checker.recorded(decision, late=late)

    def told(self, model: str, decision: str) -> None:
        """A notice of a decision was put on its queue."""
        self.checker.telling.told(model, decision)
