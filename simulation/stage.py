"""What those who act in the world by chance need of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Any, Protocol

from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.files import MemoryLandingZone, MemoryRunFiles
from shared.adapters.memory.health import MemoryHealthWindow
from shared.domain.events import Verb
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState
from simulation.fates import Fates
from simulation.machine_learning import (
    WatchedContainers,
    WatchedEndpoints,
    WatchedJobs,
    WatchedRegistry,
)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Stage(Protocol):
    """The world as seen by its inhabitants."""

    random: Random
    clock: MemoryClock
    landing: MemoryLandingZone
    files: MemoryRunFiles
    jobs: WatchedJobs
    registry: WatchedRegistry
    endpoints: WatchedEndpoints
    containers: WatchedContainers
    health: MemoryHealthWindow
    calm: bool
    """Nothing goes wrong any more."""
    expected: dict[str, str]
    """The verdict that each job must get."""
    skills: dict[str, float]
    """How good the model of each job truly is."""
    fate: dict[tuple[str, str], str]
    fates: Fates

    @property
    def specs(self) -> Mapping[str, ModelSpec]:
        """The models' files as they are now."""

    def later(self, delay: timedelta, what: Callable[[], None]) -> None:
        """Let something happen after a while."""

    def some(self, mean: timedelta) -> timedelta:
        """A span by chance, of this length on average."""

    def event(self, raw: dict[str, Any]) -> None:
        """Event Grid takes an event."""

    def happened(self, what: str) -> None:
        """Something went wrong, and is counted."""

    def note(self, text: object) -> None:
        """A line of the trace."""

    def state(self, model: str) -> ModelState | None:
        """What is saved."""

    def landed(self, model: str, path: str) -> None:
        """A file landed; its event follows."""

    def order(self, model: str, verb: Verb) -> None:
        """An operator orders something."""

    def call(self, model: str, asked: int) -> None:
        """So many callers ask."""

    def change_policy(self, spec: ModelSpec) -> None:
        """A model's file is another from now on."""
