"""Scoring containers in memory, which come to serve what is published when they are told to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.adapters.memory.files import MemoryRunFiles
from shared.domain.actions import Role
from shared.domain.errors import RefusedError
from shared.domain.facts import ContainerFacts, ContainerSays, Probe, Published, SmokeFacts
from shared.domain.places import output_path
from shared.domain.state import deployment_name


@dataclass
class MemoryContainer:
    """One model's container: what it has loaded and how it answers."""

    environment: int = 1
    loaded: dict[Role, Published] = field(default_factory=dict)
    broken: set[int] = field(default_factory=set)
    """Versions that it cannot load."""
    answers: dict[str, SmokeFacts] = field(default_factory=dict)
    """How deployments answer that do not answer well."""
    running: bool = True


class MemoryContainerServing:
    """Pointers by model and role; a container polls whenever somebody looks."""

    def __init__(self, files: MemoryRunFiles) -> None:
        self._files = files
        self.pointers: dict[str, dict[Role, Published]] = {}
        self.containers: dict[str, MemoryContainer] = {}

    def container(self, model: str) -> MemoryContainer:
        """The model's container."""
        return self.containers.setdefault(model, MemoryContainer())

    def get(self, model: str) -> ContainerFacts:
        """What is published, and what the container says of itself if it can be asked."""
        named = dict(self.pointers.get(model, {}))
        container = self.container(model)
        says = _poll(container, named) if container.running else None
        return ContainerFacts(
            scoring_uri=f"https://{model}.invalid/score",
            champion=named.get("champion"),
            challenger=named.get("challenger"),
            says=says,
            silence="" if says else "the container does not run",
        )

    def publish(self, model: str, role: Role, version: int, job: str) -> None:
        """Point the role at the job's model folder; done before is success."""
        folder = output_path(job, "model")
        files = self._files.below(folder)
        if not files:
            raise RefusedError(f"publish version {version}: {job} left no model folder")
        digest = hashlib.sha256(repr(files).encode()).hexdigest()[:12]
        self.pointers.setdefault(model, {})[role] = Published(version, digest)

    def withdraw(self, model: str, role: Role) -> None:
        """Point the role at nothing; what points at nothing is success."""
        self.pointers.get(model, {}).pop(role, None)

    def smoke(self, model: str, deployment: str, rows: Sequence[dict[str, object]]) -> SmokeFacts:
        """What the version of that name was told to answer."""
        container = self.container(model)
        loaded, environment = container.loaded.values(), container.environment
        names = {deployment_name(each.version, environment) for each in loaded}
        if not rows or not container.running or deployment not in names:
            return SmokeFacts(Probe.NO_DATA, f"nobody called {deployment} was asked")
        passed = SmokeFacts(Probe.PASSED, f"{len(rows)} of {len(rows)} rows answered")
        return container.answers.get(deployment, passed)


def _poll(container: MemoryContainer, named: dict[Role, Published]) -> ContainerSays:
    refused = {
        each.digest: f"version {each.version} cannot be loaded"
        for each in named.values()
        if each.version in container.broken
    }
    good = {role: each for role, each in named.items() if each.digest not in refused}
    # Without a pointer to a champion the old one goes on; a challenger goes with its pointer.
    if "challenger" not in good:
        container.loaded.pop("challenger", None)
    container.loaded.update(good)
    return ContainerSays(
        environment=container.environment,
        champion=container.loaded.get("champion"),
        challenger=container.loaded.get("challenger"),
        refused=refused,
    )
