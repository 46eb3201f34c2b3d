"""What the checker is told, and whom it asks what is really so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from shared.domain.decision import Decision
from shared.domain.events import Message
from shared.domain.facts import ContainerFacts, EndpointFacts, JobFacts
from shared.domain.health import Counts
from shared.domain.state import ModelState, Training

TRAINED_WITHIN = timedelta(hours=48)
"""Every landing is in some training by then, whatever fails in between."""
REFERRED_WITHIN = timedelta(hours=24)
"""A deployment that nothing refers to any more is gone by then."""
SEEN_WITHIN = timedelta(hours=12)
"""A model that is due is looked at by then."""
MOVES_WITHIN = timedelta(hours=48)
"""A rollout that nobody paused has ended by then, and a training too."""


class ViolationError(BaseException):
    """An invariant does not hold: the history ends here, and nothing in it catches that."""

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant


class Truth(Protocol):
    """What is really so, whatever the control plane was told."""

    def now(self) -> datetime:
        """The time."""

    def state(self, model: str) -> ModelState | None:
        """What is saved."""

    def endpoint(self, model: str) -> EndpointFacts | None:
        """The endpoint as it is."""

    def counts(self, model: str, deployment: str, since: datetime) -> Counts:
        """What was truly answered since then."""

    def verdict(self, job: str) -> str:
        """What the gate must say: promote, refuse or tie; nothing before the job has ended."""

    def job(self, job: str) -> JobFacts | None:
        """The job as it is."""

    def fate_of(self, model: str, deployment: str) -> str:
        """`sick` fails its callers, `slow` lets them wait, `broken` answers nobody."""

    def registered_job(self, model: str, version: int) -> str | None:
        """What the registry really has under that number."""

    def skill(self, job: str) -> float:
        """How good the model of a job truly is."""

    def container(self, model: str) -> ContainerFacts | None:
        """What is published for the model's container, and what that serves; None for others."""

    def files_of(self, training: Training) -> frozenset[tuple[str, str]]:
        """Path and etag of what a training reads."""


@dataclass(eq=False)
class Pass:
    """One delivery of a message, as far as it came."""

    message: Message
    rollback_owed: str = ""
    """The champion that must get all traffic in this pass."""
    owed_words: frozenset[str] = frozenset()
    """Decisions of passes that died, which this one has to record."""
    owed_notices: frozenset[str] = frozenset()
    """Those among them that others are still to be told of."""
    saved: bool = False
    said: set[str] = field(default_factory=set)
    """Ids of the decisions that it saved and that were its own."""
    decisions: list[Decision] = field(default_factory=list)
    routed: list[dict[str, int]] = field(default_factory=list)
    slot_taken: bool = False
    """The newest slot was given a job or skipped."""
    disturbed: bool = False
    """A fault or another worker came in between."""


class Newest:
    """The newest of many ids: enough to know one again, and quick to ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[str, None] = {}

    def __contains__(self, each: str) -> bool:
        return each in self._kept

    def add(self, each: str) -> None:
        """Keep it, and drop the oldest when there are too many."""
        self._kept[each] = None
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]


class Passes(list[Pass]):
    """The passes that are at work, the innermost last."""

    @property
    def interrupted(self) -> bool:
        """What it sees and does now may be overtaken by a fault or by another worker."""
        return not self or self[-1].disturbed

    def check_saved(self, what: str) -> None:
        """A wish is saved before it is acted upon."""
        if not self or not self[-1].saved:
            raise ViolationError("wish_first", f"{what} is ordered before the wish was saved")


def live(traffic: Mapping[str, int]) -> dict[str, int]:
    """The shares that are not zero."""
    return {name: share for name, share in traffic.items() if share}
