"""Drills of what operators order of a rollout."""

from __future__ import annotations

from functools import partial

from shared.application import intake
from shared.domain.events import Verb
from simulation.drills.drill import Drill, Found
from simulation.drills.rollout_watch import AT_TEN, BACK, LONG, RULES, how_it_ended, rolling
from simulation.drills.world import MODEL


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


def _sick_on_the_second_day() -> Found:
    """A day of healthy answers must not hide the illness that follows them."""
    world = rolling()
    intake.order(world.plane, MODEL, Verb.PAUSE, "ada", "a holiday")
    world.go_on(24 * 60, callers=200)
    world.failing["v2-e1"] = 50
    world.go_on(30, callers=200)
    return how_it_ended(world, "errors")


def _proceed(canary_too: bool) -> Found:
    """The champion fails for an hour, then an operator says so, and orders it twice."""
    world = rolling()
    world.failing["v1-e1"] = 50
    world.go_on(60, callers=200)
    held = world.traffic()
    for _ in range(2):
        intake.order(world.plane, MODEL, Verb.PROCEED, "ada", "the champion is sick")
        world.go_on(1, callers=200)
    world.failing["v2-e1"] = 30 if canary_too else 0
    world.go_on(LONG, callers=200)
    codes = ("sick_champion", "proceed_ordered", "order_repeated", "errors")
    found = how_it_ended(world, *codes)
    return found if held == {"v1-e1": 90, "v2-e1": 10} else Found(f"held at {held}", found.reason)


DRILLS = (
    Drill("operator pauses", f"{AT_TEN}: pause_ordered", partial(_steer, Verb.PAUSE)),
    Drill("a paused canary gets sick", f"{BACK}: errors", _paused_and_sick),
    Drill("a canary gets sick after a day's pause", f"{BACK}: errors", _sick_on_the_second_day),
    Drill(
        "operator pauses and resumes",
        f"{RULES}: resume_ordered",
        partial(_steer, Verb.PAUSE, then=Verb.RESUME),
    ),
    Drill("operator aborts", "aborted, v1-e1 100 %: abort_ordered", partial(_steer, Verb.ABORT)),
    Drill("operator rolls back", f"{BACK}: rollback_ordered", partial(_steer, Verb.ROLLBACK)),
    Drill(
        "the champion is sick: an operator proceeds, twice",
        f"{RULES}: sick_champion, proceed_ordered, order_repeated",
        partial(_proceed, False),
    ),
    Drill(
        "an operator proceeds with a canary that fails too",
        f"{BACK}: proceed_ordered, errors",
        partial(_proceed, True),
    ),
)
