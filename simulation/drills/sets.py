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


ON_EMULATOR = (
    "gate: metric NaN",
    "gate: metrics.json truncated",
    "gate: metrics over other data",
    "gate: champion missing",
    "gate: arguments swapped: the difference",
    "rollout: errors at 10 %",
    "rollout: latency doubled",
    "rollout: operator aborts",
    "rollout: operator rolls back",
    "rollout: a paused canary gets sick",
    "trigger: events doubled",
    "trigger: landing during a running job",
)
"""Drills that are also played over the production adapters, with real tables and deployments."""


def play(name: str, only: Collection[str] = ()) -> Iterator[Result]:
    """The results of one set, or of some of its drills, each as soon as it is there."""
    return play_all(drill for drill in SETS[name]() if not only or drill.name in only)
