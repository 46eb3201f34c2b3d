"""Drills of the rollout in which somebody reaches in: a hand on the traffic, another file."""

from __future__ import annotations

from dataclasses import replace

from simulation.drills.drill import Drill, Found
from simulation.drills.rollout_watch import (
    LONG,
    RULES,
    how_it_ended,
    rolling,
    shares_seen,
    why,
)
from simulation.drills.world import MODEL


def _fewer_steps() -> Found:
    """The model's file is given other steps while a version is at its first one."""
    world = rolling()
    spec = world.plane.models[MODEL]
    steps = replace(spec, rollout=replace(spec.rollout, steps=(30, 100)))
    world.plane = replace(world.plane, models={MODEL: steps})
    shares = shares_seen(world, "v2-e1")
    return Found(f"{how_it_ended(world).got}: {', '.join(map(str, shares))}", why(world))


def _by_hand() -> Found:
    world = rolling()
    world.go_on(2, callers=200)
    world.endpoint.set_traffic(MODEL, {"v1-e1": 30, "v2-e1": 70})
    world.go_on(2, callers=200)
    back = world.traffic()
    world.go_on(LONG, callers=200)
    found = how_it_ended(world, "hand_changed")
    return found if back == {"v1-e1": 90, "v2-e1": 10} else Found(f"left at {back}", found.reason)


DRILLS = (
    Drill("steps changed in mid-rollout", f"{RULES}: 10, 50, 100", _fewer_steps),
    Drill("traffic changed by hand", f"{RULES}: hand_changed", _by_hand),
)
