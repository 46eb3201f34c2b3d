"""How drills of the rollout begin, and how what became of it is put into words."""

from __future__ import annotations

from shared.application import intake
from simulation.drills.drill import Found
from simulation.drills.happenings import first_champion, second_version
from simulation.drills.world import World, new_world

BACK = "rolled back, v1-e1 100 %"
RULES = "succeeded, v2-e1 100 %"
AT_TEN = "canary, v1-e1 90 %, v2-e1 10 %"

LONG = 240
"""Minutes in which every rollout has ended one way or the other."""


def rolling(share: int = 10) -> World:
    """Version 1 rules, version 2 has this share."""
    return second_version(first_champion(new_world()), share)


def how_it_ended(world: World, *codes: str) -> Found:
    """How the rollout stands: its phase, and which of these codes were recorded."""
    rollout = world.rollout()
    broken = world.endpoint.broken_rules()
    if broken:
        return Found("broke a rule", broken)
    said = [code for code in codes if code in world.codes()]
    traffic = ", ".join(f"{name} {share} %" for name, share in sorted(world.traffic().items()))
    words = rollout.phase.value.replace("_", " ")
    return Found(f"{words}, {traffic}" + (f": {', '.join(said)}" if said else ""), why(world))


def why(world: World) -> str:
    """What was said last of the rollout."""
    rollout = world.rollout()
    said = [reason for each in world.decisions.decisions for reason in each.reasons]
    ends = [reason.text for reason in said if reason.code == rollout.phase.value]
    return rollout.reason or rollout.going_back or (ends or [said[-1].text])[-1]


def shares_seen(world: World, name: str, minutes: int = LONG) -> list[int]:
    """The shares that a deployment had, one after the other."""
    seen: list[int] = []
    for _ in range(minutes):
        share = world.traffic().get(name, 0)
        if seen[-1:] != [share]:
            seen.append(share)
        # Somebody looks more often than the tick: what shows for less than a minute is seen too.
        intake.wake_all(world.plane, "drill")
        world.work_off()
        world.go_on(0.5, callers=100, step=0.5)
        intake.wake_all(world.plane, "drill")
        world.go_on(0.5, callers=100, step=0.5)
    return seen
