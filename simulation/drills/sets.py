"""The three sets of drills by name, and how one is played."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from simulation.drills import gate, operators, rollout, trigger
from simulation.drills.drill import Drill, Result, play_all
from simulation.drills.laboratory import laboratory


def _gate() -> Iterator[Drill]:
    with laboratory() as lab:
        yield from gate.drills(lab)


SETS: Mapping[str, Callable[[], Iterable[Drill]]] = {
    "gate": _gate,
    "rollout": lambda: (*rollout.DRILLS, *operators.DRILLS),
    "trigger": lambda: trigger.DRILLS,
}


def play(name: str, only: Collection[str] = ()) -> Iterator[Result]:
    """The results of one set, or of some of its drills, each as soon as it is there."""
    return play_all(drill for drill in SETS[name]() if not only or drill.name in only)
