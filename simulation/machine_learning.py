"""Azure ML in memory, telling a watcher what is ordered of it."""

from __future__ import annotations

from collections.abc import Sequence

from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.container import MemoryContainerServing
from shared.adapters.memory.endpoint import MemoryOnlineEndpoint
from shared.adapters.memory.files import MemoryRunFiles
from shared.adapters.memory.jobs import MemoryModelRegistry, MemoryTrainingJobs
from shared.domain.actions import Role
from shared.domain.facts import EndpointFacts, Probe, SmokeFacts
from shared.domain.policy import ModelSpec
from shared.domain.state import Subject, Training, Version
from simulation.watcher import Watcher


class WatchedJobs(MemoryTrainingJobs):
    """Jobs, each start of which is looked at."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__()
        self._watcher = watcher

    def submit(self, spec: ModelSpec, training: Training) -> None:
        """Start it; a job of that name with the same digest is success."""
        new = training.job not in self.submitted
        super().submit(spec, training)
        if new:
            self._watcher.submitting(spec.name, training)


class WatchedRegistry(MemoryModelRegistry):
    """Versions, each of which is told of; people register their own."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__()
        self._watcher = watcher

    def register(self, model: str, version: Version, tags: dict[str, str]) -> None:
        """Register the job's model folder; the same version of the same job is success."""
        new = (model, version.number) not in self.versions
        super().register(model, version, tags)
        if new:
            self._watcher.registered(model, version)

    def take(self, model: str, version: Version) -> None:
        """Somebody else registers a version."""
        self.versions[model, version.number] = version


class WatchedContainers(MemoryContainerServing):
    """What is published for containers, each change of which is looked at."""

    def __init__(self, files: MemoryRunFiles, watcher: Watcher) -> None:
        super().__init__(files)
        self._watcher = watcher

    def publish(self, model: str, role: Role, version: int, job: str) -> None:
        """Point the role at the job's model folder."""
        self._watcher.publishing(model, role, version, job)
        super().publish(model, role, version, job)

    def withdraw(self, model: str, role: Role) -> None:
        """Point the role at nothing."""
        self._watcher.withdrawing(model, role)
        super().withdraw(model, role)

    def point(self, model: str, role: Role, version: int, job: str) -> None:
        """Somebody else points the role at a version."""
        super().publish(model, role, version, job)

    def smoke(self, model: str, deployment: str, rows: Sequence[dict[str, object]]) -> SmokeFacts:
        """What the version of that name answers, as its fate has it."""
        answer = super().smoke(model, deployment, rows)
        if answer.probe is Probe.PASSED and self._watcher.fate_of(model, deployment) == "broken":
            return SmokeFacts(Probe.FAILED, "500")
        return answer


class WatchedEndpoints:
    """One endpoint a model; operations take as long as `seconds` says."""

    def __init__(self, clock: MemoryClock, watcher: Watcher) -> None:
        self._clock = clock
        self._watcher = watcher
        self._each: dict[str, MemoryOnlineEndpoint] = {}
        self.seconds = 30.0

    def of(self, model: str) -> MemoryOnlineEndpoint:
        """The model's endpoint, with its operations as long as they are now."""
        endpoint = self._each.get(model)
        if endpoint is None:
            endpoint = self._each[model] = MemoryOnlineEndpoint(self._clock)
        endpoint.operation_seconds = self.seconds
        return endpoint

    def get(self, model: str) -> EndpointFacts | None:
        """The endpoint with its traffic and deployments, or None."""
        return self.of(model).get(model)

    def create(self, model: str) -> None:
        """Begin to create it without traffic."""
        self.of(model).create(model)

    def deploy(self, model: str, subject: Subject, instance_type: str, instance_count: int) -> None:
        """Begin to create a deployment at 0 %."""
        facts = self.get(model)
        if facts is None or subject.deployment not in facts.deployments:
            self._watcher.deploying(model, subject)
        self.of(model).deploy(model, subject, instance_type, instance_count)

    def set_traffic(self, model: str, traffic: dict[str, int]) -> None:
        """Begin to write the full traffic map."""
        self._watcher.routing(model, traffic)
        endpoint = self.of(model)
        endpoint.set_traffic(model, traffic)
        endpoint.written.clear()

    def delete_deployment(self, model: str, deployment: str) -> None:
        """Begin to delete it."""
        self.of(model).delete_deployment(model, deployment)
        self._watcher.deleting(model, deployment)
