"""A control plane in memory, whose clock only moves when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.adapters.azure_queues import message_text, parse_message
from shared.adapters.event_grid import parse_event
from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.container import MemoryContainerServing
from shared.adapters.memory.files import MemoryLandingZone, MemoryRunFiles
from shared.adapters.memory.health import MemoryHealthWindow
from shared.adapters.memory.jobs import MemoryModelRegistry, MemoryTrainingJobs
from shared.adapters.memory.messages import MemoryLease, MemoryMessageQueue
from shared.adapters.memory.prober import MemoryProber
from shared.adapters.memory.state import MemoryDecisionLog, MemoryReleaseStore, MemoryStateStore
from shared.adapters.model_files import load_model
from shared.adapters.schedule import CronSlots
from shared.application import intake
from shared.application.plane import ControlPlane
from shared.domain.decision import Decision
from shared.domain.facts import Release
from shared.domain.health import Counts, HealthRow, bucket_of
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Rollout
from shared.ports import Ports
from simulation.drills.endpoint import TroubledEndpoint

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WORKSPACE = (
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
)
RELEASE = Release("noon_retrain:abc", 1)
MODEL = "flights"
MESSAGES_MAX = 500
"""More in one go would mean that messages bring forth messages for ever."""


def drilled_model(name: str = MODEL, **retraining: Any) -> ModelSpec:
    """The model of drills.toml, under another name or schedule where these are given."""
    spec = load_model(Path(__file__).with_name("drills.toml"))
    policy = replace(spec.retraining, **retraining)
    return replace(spec, name=name, prefix=f"{name}/", retraining=policy)


@dataclass
class World:
    """Memory adapters by name, and the control plane that stands on them."""

    clock: MemoryClock
    state: MemoryStateStore
    decisions: MemoryDecisionLog
    queue: MemoryMessageQueue
    lease: MemoryLease
    landing: MemoryLandingZone
    files: MemoryRunFiles
    jobs: MemoryTrainingJobs
    registry: MemoryModelRegistry
    endpoint: TroubledEndpoint
    containers: MemoryContainerServing
    prober: MemoryProber
    health: MemoryHealthWindow
    plane: ControlPlane
    failing: dict[str, int] = field(default_factory=dict)
    """Per cent of a deployment's answers that are errors."""
    latency_ms: dict[str, float] = field(default_factory=dict)

    def work_off(self) -> list[Decision]:
        """Take in every message that can be seen, and those that this brings; their decisions."""
        taken: list[Decision] = []
        for _ in range(MESSAGES_MAX):
            message = self.queue.receive()
            if message is None:
                return taken
            decision = intake.take(self.plane, message_text(message))
            if decision is not None:
                taken.append(decision)
        raise RuntimeError(f"still busy after {MESSAGES_MAX} messages: {taken[-1]}")

    def go_on(self, minutes: float = 1, callers: int = 0, step: float = 1) -> None:
        """Let time pass step by step, with a tick and all that follows; so many call a minute."""
        for _ in range(round(minutes / step)):
            self.call(callers)
            self.clock.advance(timedelta(minutes=step))
            intake.tick(self.plane)
            self.work_off()

    def call(self, callers: int) -> None:
        """Callers ask the model; what each deployment answers is counted as the proxy does it."""
        endpoint = self.endpoint.real(MODEL)
        if endpoint is None or not callers:
            return
        for name, share in endpoint.traffic.items():
            asked = callers * share // 100
            failed = asked * self.failing.get(name, 0) // 100
            entries = (0,) * bucket_of(self.latency_ms.get(name, 10)) + (asked - failed,)
            counts = Counts(asked, failed, 0, entries)
            self.health.write(MODEL, [HealthRow(name, "p1", self.clock.now(), counts)])

    def at(self) -> ModelState:
        """What is remembered of the model."""
        state = self.state.load(MODEL).state
        if state is None:
            raise RuntimeError("nothing is remembered of the model yet")
        return state

    def rollout(self) -> Rollout:
        """The model's last rollout."""
        rollout = self.at().rollout
        if rollout is None:
            raise RuntimeError(f"no rollout has begun: {self.at().last_refusal}")
        return rollout

    def champion(self) -> int | None:
        """The version that rules."""
        champion = self.at().champion
        return champion.version.number if champion else None

    def traffic(self) -> dict[str, int]:
        """Who gets callers in truth, whatever the endpoint says of it."""
        endpoint = self.endpoint.real(MODEL)
        return dict(endpoint.traffic) if endpoint else {}

    def deployments(self) -> set[str]:
        """What stands at the endpoint in truth."""
        endpoint = self.endpoint.real(MODEL)
        return set(endpoint.deployments) if endpoint else set()

    def codes(self, model: str = MODEL) -> list[str]:
        """The codes of every reason recorded for a model, in order."""
        return [
            reason.code
            for decision in self.decisions.decisions
            if decision.model == model
            for reason in decision.reasons
        ]


Maker = Callable[[tuple[ModelSpec, ...], datetime, float], World]
ELSEWHERE: ContextVar[Maker | None] = ContextVar("elsewhere", default=None)
"""Makes the worlds of drills that are played over other adapters than those in memory."""


def new_world(*specs: ModelSpec, now: datetime = NOON, operation_seconds: float = 0) -> World:
    """A control plane for these models, or for the drilled one, with nothing landed."""
    elsewhere = ELSEWHERE.get()
    if elsewhere is not None:
        return elsewhere(specs or (drilled_model(),), now, operation_seconds)
    clock, files = MemoryClock(now), MemoryRunFiles()
    parts: dict[str, Any] = {
        "clock": clock,
        "state": MemoryStateStore(),
        "decisions": MemoryDecisionLog(),
        "queue": MemoryMessageQueue(clock),
        "lease": MemoryLease(clock),
        "landing": MemoryLandingZone(),
        "files": files,
        "jobs": MemoryTrainingJobs(),
        "registry": MemoryModelRegistry(),
        "endpoint": TroubledEndpoint(clock, operation_seconds),
        "containers": MemoryContainerServing(files),
        "prober": MemoryProber(),
        "health": MemoryHealthWindow(),
    }
    plane = ControlPlane(
        ports=Ports(slots=CronSlots(), releases=MemoryReleaseStore(RELEASE), **parts),
        models={spec.name: spec for spec in specs or (drilled_model(),)},
        workspace=WORKSPACE,
        landing_container="landing",
        read_event=parse_event,
        read_message=parse_message,
    )
    return World(plane=plane, **parts)
