"""That what concerns others is put on the queue of notices: at least once, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.domain.announcements import concerns_others
from shared.domain.decision import Decision
from simulation.truth import Newest, ViolationError

REMEMBERED = 200
"""Decisions of each model, of the newest of all."""


class TellingRules:
    """Told of every saved decision and of every notice."""

    def __init__(self, models: Iterable[str]) -> None:
        self._untold: dict[str, set[str]] = {model: set() for model in models}
        """Decisions of each model that were saved and that nobody was told of yet."""
        # A notice may come hours later, and a thousand models say a lot meanwhile.
        kept = REMEMBERED * max(10, len(self._untold))
        self._told, self._known = Newest(kept), Newest(kept)

    def saving(self, model: str, said: Sequence[Decision]) -> None:
        """A state was written with decisions, some of which others want to hear of."""
        for decision in filter(concerns_others, said):
            self._known.add(decision.id)
            if decision.id not in self._told:
                self._untold[model].add(decision.id)

    def told(self, model: str, decision: str) -> None:
        """A notice was put on its queue."""
        if decision not in self._known:
            raise ViolationError("decided_told", f"{model}: {decision} was told and never saved")
        self._told.add(decision)
        self._untold[model].discard(decision)

    def owed(self, model: str) -> frozenset[str]:
        """What the next pass of the model has to tell."""
        return frozenset(self._untold[model])

    def check(self, model: str, owed: frozenset[str]) -> None:
        """A pass that had to tell these is over."""
        left = owed & self._untold[model]
        if left:
            raise ViolationError("decided_told", f"{model}: nobody was told of {sorted(left)}")
