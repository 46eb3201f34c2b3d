"""The world of a drill over the production adapters, with its clock still in our hands.

Only what the control plane cannot know is left in memory: the clock, the queue (receiving is the
host's affair) and the job itself, whose folder lies prepared in the container of runs.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

from azure_emulator.testing import Azurite, wait_until

from shared.adapters.azure_blobs import (
    AzureBlobLease,
    AzureContainer,
    AzureLandingZone,
    AzureRunFiles,
)
from shared.adapters.azure_decisions import AzureTableDecisionLog
from shared.adapters.azure_health import AzureTableHealthWindow
from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.azure_ml_endpoints import AzureOnlineEndpoint
from shared.adapters.azure_ml_models import AzureModelRegistry
from shared.adapters.azure_queues import parse_message
from shared.adapters.azure_state import AzureTableStateStore
from shared.adapters.azure_tables import AzureTable
from shared.adapters.credential import LazyCredential
from shared.adapters.event_grid import parse_event
from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.container import MemoryContainerServing
from shared.adapters.memory.files import MemoryRunFiles
from shared.adapters.memory.jobs import MemoryTrainingJobs
from shared.adapters.memory.messages import MemoryMessageQueue
from shared.adapters.memory.state import MemoryReleaseStore
from shared.adapters.prober import AzureProber
from shared.adapters.schedule import CronSlots
from shared.application.plane import NOBODY, ControlPlane
from shared.domain.decision import Decision
from shared.domain.facts import EndpointFacts, Release, SmokeFacts
from shared.domain.policy import ModelSpec
from shared.domain.state import Subject, Version
from shared.ports import Ports
from simulation.drills.endpoint import TroubledEndpoint
from simulation.drills.world import MODEL, WORKSPACE, World

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ALL = 10_000


class Landing(AzureLandingZone):
    """The landing container, in which files can land."""

    def __init__(self, container: AzureContainer) -> None:
        super().__init__(container)
        self._where = container

    def put(self, path: str, content: bytes) -> None:
        """Let a file land."""
        self._where.client().upload_blob(path, content)


class Decisions(AzureTableDecisionLog):
    """The log in its table, read as a whole."""

    @property
    def decisions(self) -> list[Decision]:
        """Every decision about the drilled model, and about none."""
        return [each for name in (MODEL, NOBODY) for each in self.since(name, LONG_AGO, ALL)]


class Registry(AzureModelRegistry):
    """Versions under a name of the drill's own, since the workspace is shared."""

    alias = MODEL
    versions: dict[tuple[str, int], Version]

    def job_of(self, model: str, version: int) -> str | None:
        """The job that made the registered version."""
        return super().job_of(f"{model}-{self.alias}", version)

    def register(self, model: str, version: Version, tags: dict[str, str]) -> None:
        """Register the job's model folder."""
        super().register(f"{model}-{self.alias}", version, tags)
        self.versions[model, version.number] = version


@dataclass
class Endpoint:
    """An online endpoint of the drill's own; each write has ended when it returns."""

    inner: AzureOnlineEndpoint
    alias: str
    written: list[tuple[dict[str, int], set[str]]] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)

    def get(self, model: str) -> EndpointFacts | None:
        """The endpoint with its traffic and deployments."""
        return self.inner.get(f"{model}-{self.alias}")

    real = get

    def create(self, model: str) -> None:
        """Create it without traffic."""
        self.inner.create(f"{model}-{self.alias}")
        self._settled(model)

    def deploy(self, model: str, subject: Subject, instance_type: str, instance_count: int) -> None:
        """Create a deployment at 0 %."""
        self.orders.append(subject.deployment)
        self.inner.deploy(f"{model}-{self.alias}", subject, instance_type, instance_count)
        self._settled(model)

    def set_traffic(self, model: str, traffic: dict[str, int]) -> None:
        """Write the full traffic map."""
        facts = self.get(model)
        self.inner.set_traffic(f"{model}-{self.alias}", traffic)
        self.written.append((dict(traffic), set(facts.deployments) if facts else set()))
        self._settled(model)

    def delete_deployment(self, model: str, deployment: str) -> None:
        """Delete it."""
        self.inner.delete_deployment(f"{model}-{self.alias}", deployment)
        self._settled(model)

    def broken_rules(self) -> str:
        """What no traffic map may ever be, if one was."""
        return TroubledEndpoint.broken_rules(cast("TroubledEndpoint", self))

    def _settled(self, model: str) -> None:
        # The drill's clock jumps by minutes: what takes half a second here would be late there.
        def accepts() -> bool:
            facts = self.get(model)
            return facts is not None and facts.accepts_writes

        wait_until(accepts, timeout_seconds=60, what=f"the end of an operation on {model}")


class Prober(AzureProber):
    """Asks deployments, save those of which the drill says how they answer."""

    def __init__(self, credential: LazyCredential) -> None:
        super().__init__(credential)
        self.answers: dict[str, SmokeFacts] = {}

    def smoke(
        self, scoring_uri: str, deployment: str, rows: Sequence[dict[str, object]]
    ) -> SmokeFacts:
        """Send the rows with the deployment's header."""
        told = self.answers.get(deployment)
        return told if told else super().smoke(scoring_uri, deployment, rows)


@dataclass
class Worlds:
    """Makes one world after the other in the same workspace and storage account."""

    azurite: Azurite
    workspace: AzureMachineLearning
    credential: LazyCredential
    release: Release
    runs: AzureContainer
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def make(self, specs: tuple[ModelSpec, ...], now: datetime, seconds: float) -> World:
        """A world of a day of its own, so that no two have jobs of one name."""
        assert not seconds, "operations here take the time that they take"
        alias = uuid.uuid4().hex[:8]
        clock = MemoryClock(now + timedelta(days=next(self._numbers)))
        landing = AzureContainer(f"{self.azurite.blob_url}/landing-{alias}", self.credential)
        landing.client().create_container()
        registry = Registry(self.workspace, "workspaceblobstore")
        registry.alias, registry.versions = alias, {}
        parts: dict[str, Any] = {
            "clock": clock,
            "state": AzureTableStateStore(self._table(f"state{alias}")),
            "decisions": Decisions(self._table(f"decisions{alias}")),
            "queue": MemoryMessageQueue(clock),
            "lease": AzureBlobLease(self.azurite.blob_url, self.credential, 60),
            "landing": Landing(landing),
            "files": AzureRunFiles(self.runs),
            "jobs": MemoryTrainingJobs(),
            "registry": registry,
            "endpoint": Endpoint(AzureOnlineEndpoint(self.workspace), alias),
            "containers": MemoryContainerServing(MemoryRunFiles()),
            "prober": Prober(self.credential),
            "health": AzureTableHealthWindow(self._table(f"health{alias}")),
        }
        releases = MemoryReleaseStore(replace(self.release, component="noon_retrain:abc"))
        plane = ControlPlane(
            ports=Ports(slots=CronSlots(), releases=releases, **parts),
            models={spec.name: spec for spec in specs},
            workspace=WORKSPACE,
            landing_container="landing",
            read_event=parse_event,
            read_message=parse_message,
        )
        return World(plane=plane, **parts)

    def _table(self, name: str) -> AzureTable:
        return AzureTable(self.azurite.table_url, f"drill{name}", self.credential)
