"""How every model stands, as gauges.

The tick reads and reports them: it fires on one instance of the app at a time, so that several
instances do not say the same thing several times, and what it says goes out once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.application.plane import ControlPlane
from shared.application.replay import PoisonQueue
from shared.domain.errors import NoonError
from shared.domain.policy import ModelSpec
from shared.domain.signals import Dimension, Log, Metric
from shared.domain.slots import owed_slot
from shared.domain.state import ModelState
from shared.ports import Slots
from shared.telemetry import Attributes, Reading

DEAD_LETTERS_MAX = 1000
"""Counted no further."""


class Fleet(Protocol):
    """The states of all models."""

    def states(self) -> list[ModelState]:
        """Every state, in one query."""
        ...


class DeadLetterCount(Protocol):
    """Events that Event Grid gave up."""

    def count(self, most: int) -> int:
        """How many there are, counted up to so many."""
        ...


@dataclass(frozen=True, slots=True)
class Gauges:
    """Reads what the gauges show: four calls, however many models there are."""

    plane: ControlPlane
    fleet: Fleet
    poison: Sequence[PoisonQueue]
    """Of messages and of notices; they are counted together."""
    dead_letters: DeadLetterCount | None

    def report(self) -> None:
        """Show how everything stands now; while nobody listens nothing is asked."""
        telemetry = self.plane.telemetry
        if not telemetry.on:
            return
        try:
            telemetry.gauge(self._readings())
        except NoonError as error:
            telemetry.log(Log.LIBRARY, f"no gauges: {error}", {}, warning=True)

    def _readings(self) -> Sequence[Reading]:
        now = self.plane.ports.clock.now()
        readings = [Reading(Metric.POISON, sum(queue.count() for queue in self.poison))]
        if self.dead_letters is not None:
            letters = self.dead_letters.count(DEAD_LETTERS_MAX)
            readings.append(Reading(Metric.DEAD_LETTERS, letters))
        for state in self.fleet.states():
            spec = self.plane.models.get(state.model)
            if spec is not None:
                readings += readings_of(state, spec, self.plane.ports.slots, now)
        return readings


def readings_of(
    state: ModelState, spec: ModelSpec, slots: Slots, now: datetime
) -> Iterator[Reading]:
    """How one model stands."""
    mine: Attributes = {Dimension.MODEL: state.model}
    yield from _slots(state, spec, slots, now)
    yield Reading(Metric.GATE_REFUSALS, state.refused_in_a_row, mine)
    if state.champion is not None:
        version = state.champion.version
        attributes = {**mine, Dimension.VERSION: str(version.number)}
        yield Reading(Metric.CHAMPION_AGE, _seconds(now, version.promoted_at), attributes)
        if state.champion_loss is not None:
            yield Reading(Metric.CHAMPION_LOSS, state.champion_loss, attributes)
    if state.training is not None:
        attributes = {**mine, Dimension.JOB: state.training.job}
        yield Reading(Metric.TRAINING_AGE, _seconds(now, state.training.planned_at), attributes)
    if state.rollout is not None:
        rollout = state.rollout
        about: Attributes = {
            **mine,
            Dimension.VERSION: str(rollout.version.number),
            Dimension.DEPLOYMENT: rollout.deployment,
            Dimension.PHASE: rollout.phase.value,
            Dimension.PAUSED: rollout.paused,
        }
        yield Reading(Metric.ROLLOUT_PHASE, _seconds(now, rollout.entered_at), about)


def _slots(state: ModelState, spec: ModelSpec, slots: Slots, now: datetime) -> Iterator[Reading]:
    mine: Attributes = {Dimension.MODEL: state.model}
    # One that never had a slot counts from when it was first seen.
    since = state.last_slot_at or state.created_at
    yield Reading(Metric.SLOT_AGE, _seconds(now, since) / 60, mine)
    policy = spec.retraining
    owed = owed_slot(state, slots.around(policy.schedule, policy.time_zone, now))
    overdue = _seconds(now, owed.due_at) / 60 if owed is not None else 0.0
    yield Reading(Metric.SLOT_OVERDUE, overdue, mine)


def _seconds(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
