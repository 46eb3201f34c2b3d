"""A control plane in memory, with a clock that only moves when told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from shared.adapters.azure_queues import message_text, parse_message
from shared.adapters.event_grid import parse_event
from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.container import MemoryContainerServing
from shared.adapters.memory.endpoint import MemoryOnlineEndpoint
from shared.adapters.memory.files import MemoryLandingZone, MemoryRunFiles
from shared.adapters.memory.health import MemoryHealthWindow
from shared.adapters.memory.jobs import MemoryModelRegistry, MemoryTrainingJobs
from shared.adapters.memory.messages import MemoryLease, MemoryMessageQueue
from shared.adapters.memory.outside import MemoryNoticeQueue
from shared.adapters.memory.prober import MemoryProber
from shared.adapters.memory.state import (
    MemoryDecisionLog,
    MemoryReleaseStore,
    MemoryStateStore,
)
from shared.adapters.schedule import CronSlots
from shared.application import intake
from shared.application.plane import ControlPlane
from shared.domain.decision import Decision
from shared.domain.health import Counts, HealthRow, bucket_of
from shared.domain.policy import ModelSpec
from shared.ports import Ports
from tests.builders import NOON, RELEASE, minutes, spec

WORKSPACE = (
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
)


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
    endpoint: MemoryOnlineEndpoint
    containers: MemoryContainerServing
    prober: MemoryProber
    health: MemoryHealthWindow
    notices: MemoryNoticeQueue
    plane: ControlPlane
    sick: set[str] = field(default_factory=set)
    """Deployments that answer every caller with an error."""
    latency_ms: dict[str, float] = field(default_factory=dict)

    def work_off(self, most: int = 50) -> list[Decision]:
        """Take in every message that can be seen, and those that this brings; their decisions."""
        taken: list[Decision] = []
        for _ in range(most):
            message = self.queue.receive()
            if message is None:
                return taken
            decision = intake.take(self.plane, message_text(message))
            if decision is not None:
                taken.append(decision)
        raise AssertionError(f"still busy after {most} messages: {taken[-3:]}")

    def go_on(self, times: int = 1, step: float = 1, callers: int = 0) -> list[Decision]:
        """Let time pass minute by minute, with a tick and all that follows from it.

        `callers` ask in each minute; the endpoint's traffic decides who answers them.
        """
        taken: list[Decision] = []
        for _ in range(times):
            self.call(callers)
            self.clock.advance(minutes(step))
            intake.tick(self.plane)
            taken += self.work_off()
        return taken

    def call(self, callers: int, model: str = "flights") -> None:
        """Callers ask a model; what each deployment answers is counted as the proxy does it."""
        endpoint = self.endpoint.get(model)
        if endpoint is None or not callers:
            return
        now = self.clock.now()
        for name, share in endpoint.traffic.items():
            asked = callers * share // 100
            failed = asked if name in self.sick else 0
            entries = (0,) * bucket_of(self.latency_ms.get(name, 10)) + (asked - failed,)
            self.health.write(
                model, [HealthRow(name, "p1", now, Counts(asked, failed, 0, entries))]
            )

    def codes(self, model: str = "flights") -> list[str]:
        """The codes of every reason recorded for a model, in order."""
        return [
            reason.code
            for decision in self.decisions.decisions
            if decision.model == model
            for reason in decision.reasons
        ]


@pytest.fixture
def world() -> World:
    """A control plane for flights and diabetes at noon, with nothing landed."""
    return world_with({name: spec(name) for name in ("diabetes", "flights")})


def world_with(models: Mapping[str, ModelSpec], start: datetime = NOON, **others: Any) -> World:
    """A control plane for these models, with memory behind every port that is not given."""
    clock = MemoryClock(start)
    files = others.get("files") or MemoryRunFiles()
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
        "endpoint": MemoryOnlineEndpoint(clock),
        "containers": MemoryContainerServing(files),
        "prober": MemoryProber(),
        "health": MemoryHealthWindow(),
        "notices": MemoryNoticeQueue(clock),
        **others,
    }
    plane = ControlPlane(
        ports=Ports(slots=CronSlots(), releases=MemoryReleaseStore(RELEASE), **parts),
        models=models,
        workspace=WORKSPACE,
        landing_container="landing",
        read_event=parse_event,
        read_message=parse_message,
    )
    return World(plane=plane, **parts)
