"""The three sets of drills by name, and how one is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from simulation.drills import gate, rollout, trigger
from simulation.drills.drill import Result, play_all
from simulation.drills.laboratory import laboratory


def _gate() -> Iterator[Result]:
    with laboratory() as lab:
        yield from play_all(gate.drills(lab))


SETS: Mapping[str, Callable[[], Iterator[Result]]] = {
    "gate": _gate,
    "rollout": lambda: play_all(rollout.DRILLS),
    "trigger": lambda: play_all(trigger.DRILLS),
}


def play(name: str) -> Iterator[Result]:
    """The results of one set, each as soon as it is there."""
    return SETS[name]()
