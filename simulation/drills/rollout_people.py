"""Drills of the rollout in which people do something: orders, hands on the traffic, other files."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from shared.application import intake
from shared.domain.events import Verb
from simulation.drills.drill import Drill, Found
from simulation.drills.rollout_watch import (
    AT_TEN,
    BACK,
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


def _steer(verb: Verb, minutes: int = 90, then: Verb | None = None) -> Found:
    world = rolling()
    intake.order(world.plane, MODEL, verb, "ada", "a holiday")
    world.go_on(minutes, callers=200)
    if then is not None:
        intake.order(world.plane, MODEL, then, "ada", "back again")
        world.go_on(minutes, callers=200)
    return how_it_ended(
        world, "pause_ordered", "resume_ordered", "abort_ordered", "rollback_ordered"
    )


def _paused_and_sick() -> Found:
    world = rolling()
    intake.order(world.plane, MODEL, Verb.PAUSE, "ada", "a holiday")
    world.go_on(2, callers=200)
    world.failing["v2-e1"] = 100
    world.go_on(10, callers=200)
    return how_it_ended(world, "errors")


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
    Drill("operator pauses", f"{AT_TEN}: pause_ordered", partial(_steer, Verb.PAUSE)),
    Drill("a paused canary gets sick", f"{BACK}: errors", _paused_and_sick),
    Drill(
        "operator pauses and resumes",
        f"{RULES}: resume_ordered",
        partial(_steer, Verb.PAUSE, then=Verb.RESUME),
    ),
    Drill("operator aborts", "aborted, v1-e1 100 %: abort_ordered", partial(_steer, Verb.ABORT)),
    Drill("operator rolls back", f"{BACK}: rollback_ordered", partial(_steer, Verb.ROLLBACK)),
    Drill("traffic changed by hand", f"{RULES}: hand_changed", _by_hand),
)
