"""How deployments turn out: well, not at all, late, sick, slow or broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Protocol

from shared.domain.facts import Probe, SmokeFacts
from shared.domain.state import ModelState, Phase, Subject
from simulation.machine_learning import WatchedContainers, WatchedEndpoints

HOUR = timedelta(hours=1)


class Fated(Protocol):
    """What the fates need of the world."""

    random: Random
    calm: bool
    endpoints: WatchedEndpoints
    containers: WatchedContainers
    fate: dict[tuple[str, str], str]

    def later(self, delay: timedelta, what: Callable[[], None]) -> None:
        """Let something happen after a while."""

    def happened(self, what: str) -> None:
        """Something went wrong, and is counted."""

    def note(self, text: object) -> None:
        """A line of the trace."""

    def state(self, model: str) -> ModelState | None:
        """What is saved."""


class Fates:
    """Thrown for each deployment when it is made."""

    def __init__(self, world: Fated) -> None:
        self._world = world

    def deploy(self, model: str, subject: Subject) -> None:
        """A deployment will come up, or not, or late, or sick."""
        world, name = self._world, subject.deployment
        dice = self._dice()
        world.endpoints.seconds = world.random.uniform(60, 600)
        endpoint = world.endpoints.of(model)
        endpoint.failures.pop(name, None)
        endpoint.refusals.pop(name, None)
        world.fate[model, name] = ""
        if dice < 0.05:
            endpoint.failures[name] = "image pull failed"
            world.happened("deployment_fails")
        elif dice < 0.08:
            endpoint.refusals[name] = "quota exceeded"
            world.happened("quota_refused")
        elif dice < 0.12:
            endpoint.operation_seconds = 3600
            world.happened("deployment_takes_an_hour")
        elif dice < 0.30:
            self._doom(model, name, world.random.choice(("sick", "sick", "slow", "broken")))
        world.endpoints.seconds = endpoint.operation_seconds

    def load(self, model: str, version: int) -> None:
        """A container will load the version, or not, or stand still for an hour, or fail."""
        world, dice = self._world, self._dice()
        container = world.containers.container(model)
        container.broken.discard(version)
        world.fate[model, f"v{version}"] = ""
        if dice < 0.06:
            container.broken.add(version)
            world.happened("container_cannot_load")
        elif dice < 0.12:
            self.stop(model)
        elif dice < 0.25:
            self._doom(model, f"v{version}", "broken")

    def stop(self, model: str) -> None:
        """A container answers nobody for about an hour."""
        world, container = self._world, self._world.containers.container(model)
        if container.running:
            container.running = False
            world.happened("container_stops")
            wait = HOUR * world.random.uniform(0.1, 1.5)
            world.later(wait, lambda: setattr(container, "running", True))

    def of(self, model: str, deployment: str) -> str:
        """`sick` fails its callers, `slow` lets them wait, `broken` answers nobody."""
        fate = self._world.fate
        found = fate.get((model, deployment))
        return fate.get((model, deployment.partition("-")[0]), "") if found is None else found

    def _doom(self, model: str, name: str, fate: str) -> None:
        self._world.fate[model, name] = fate
        self._world.happened(f"deployment_is_{fate}")
        self._world.note(f"{model}: {name} will be {fate}")

    def _dice(self) -> float:
        return 1.0 if self._world.calm else self._world.random.random()


class FatedProber:
    """Answers of deployments to recorded rows, as their fate has it."""

    def __init__(self, world: Fated) -> None:
        self._world = world

    def smoke(
        self, scoring_uri: str, deployment: str, rows: Sequence[dict[str, object]]
    ) -> SmokeFacts:
        """A sick deployment answers well until it has callers."""
        model = scoring_uri.removeprefix("https://noon-").partition(".")[0]
        state, fate = self._world.state(model), self._world.fate.get((model, deployment))
        young = state is not None and state.rollout and state.rollout.phase is Phase.SMOKE
        if fate == "broken" or (fate == "sick" and not young):
            return SmokeFacts(Probe.FAILED, "500")
        return SmokeFacts(Probe.PASSED, f"{len(rows)} rows answered")
