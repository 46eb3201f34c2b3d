"""Drills of the rollout: sick canaries, awkward services, and operators."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from shared.application import intake
from shared.domain.events import Verb
from shared.domain.facts import Probe, Release, SmokeFacts
from simulation.drills import rollout_people
from simulation.drills.drill import Drill, Found
from simulation.drills.happenings import against, complete, first_champion, land, second_version
from simulation.drills.rollout_watch import (
    AT_TEN,
    BACK,
    LONG,
    RULES,
    how_it_ended,
    rolling,
    shares_seen,
)
from simulation.drills.world import MODEL, RELEASE, World, new_world


def _good() -> Found:
    world = second_version(first_champion(new_world()), share=10)
    shares = shares_seen(world, "v2-e1")
    found = how_it_ended(world)
    return Found(f"{found.got}: {', '.join(map(str, shares))}", found.reason)


def _errors(share: int) -> Found:
    world = rolling(share)
    world.failing["v2-e1"] = 30
    world.go_on(15, callers=200)
    return how_it_ended(world, "errors")


def _slow() -> Found:
    world = second_version(first_champion(new_world()))
    world.latency_ms = {"v1-e1": 40, "v2-e1": 80}
    world.go_on(30, callers=200)
    return how_it_ended(world, "slow")


def _silent(recorded: bool) -> Found:
    """Nobody calls at all; a version can be asked with recorded rows, or not even that."""
    world = first_champion(new_world())
    second_version(world, callers=0)
    if not recorded:
        world.prober.answers["v2-e1"] = SmokeFacts(Probe.NO_DATA, "nobody answers")
    world.go_on(LONG)
    return how_it_ended(world, "topped_up", "no_data_for_long")


def _dries_up(sick: bool) -> Found:
    """Callers go away in mid-step, before enough of them were seen."""
    world = rolling()
    world.go_on(3, callers=100)
    if sick:
        world.prober.answers["v2-e1"] = SmokeFacts(Probe.FAILED, "500")
    world.go_on(LONG)
    return how_it_ended(world, "topped_up", "errors")


def _dries_up_for_good() -> Found:
    """Callers go away and recorded rows bring nothing: it must never go on."""
    world = rolling()
    world.go_on(3, callers=100)
    world.prober.answers["v2-e1"] = SmokeFacts(Probe.NO_DATA, "nobody answers")
    most = 0
    for _ in range(LONG):
        world.go_on(1)
        most = max(most, world.traffic().get("v2-e1", 0))
    found = how_it_ended(world, "no_data_for_long")
    return found if most == 10 else Found(f"advanced to {most} % without data", found.reason)


def _service(plant: Callable[[World], None], *codes: str, seconds: float = 0) -> Found:
    """Something is wrong with the service when version 2 comes."""
    world = first_champion(new_world(operation_seconds=seconds))
    plant(world)
    world.clock.advance(timedelta(hours=2))
    intake.order(world.plane, MODEL, Verb.TRAIN, "ada", "a drill")
    world.go_on(2)
    complete(world, **against(1, 0.75, 0.05, 0.03, 0.07))
    shares = shares_seen(world, "v2-e1")
    if world.endpoint.orders.count("v2-e1") > 1:
        return Found("ordered twice", f"orders: {world.endpoint.orders}")
    found = how_it_ended(world, *codes)
    steps = [str(share) for share in shares if share]
    joined = ", ".join([*found.got.partition(": ")[2].split(", "), *steps]).strip(", ")
    return Found(found.got.partition(": ")[0] + (f": {joined}" if joined else ""), found.reason)


def _failed(world: World) -> None:
    world.endpoint.failures["v2-e1"] = "image pull failed"


def _stuck(world: World) -> None:
    world.endpoint.never_ready.add("v2-e1")


def _hidden(world: World) -> None:
    world.endpoint.hidden_for = timedelta(seconds=50)


def _conflicting(world: World) -> None:
    world.endpoint.conflicts = 1


def _stale(world: World) -> None:
    world.endpoint.stale_for = timedelta(minutes=3)


def _quota(world: World) -> None:
    world.endpoint.refusals["v2-e1"] = "quota: 4 cores needed, 2 left"


def _stuck_then_failed() -> Found:
    """The service keeps a deployment in creation for hours and then gives up."""
    world = first_champion(new_world())
    _stuck(world)
    _failed(world)
    intake.order(world.plane, MODEL, Verb.TRAIN, "ada", "a drill")
    world.go_on(2)
    complete(world, **against(1, 0.75, 0.05, 0.03, 0.07))
    world.go_on(90, callers=200)
    given_up = bool(world.rollout().going_back)
    world.endpoint.never_ready.clear()
    world.go_on(10, callers=200)
    found = how_it_ended(world, "timed_out")
    return found if given_up else Found("waited for ever", found.reason)


def _new_image() -> Found:
    world = rolling()
    world.go_on(LONG, callers=200)
    world.plane.ports.releases.publish(Release(RELEASE.component, 2))
    shares = shares_seen(world, "v2-e2")
    found = how_it_ended(world)
    if world.at().last_version != 2:
        return Found("a new version was given out", found.reason)
    return Found(f"{found.got}: {', '.join(str(share) for share in shares if share)}", found.reason)


def _newer_version() -> Found:
    world = rolling()
    intake.order(world.plane, MODEL, Verb.TRAIN, "ada", "a fix")
    world.go_on(1, callers=200)
    complete(world, **against(1, 0.75, 0.06, 0.04, 0.08))
    world.go_on(LONG, callers=200)
    return how_it_ended(world, "supersedes")


def _superseded_before_it_ruled() -> Found:
    """The first version has all traffic already, and the next one comes before it is known."""
    world = new_world(operation_seconds=90)
    land(world, "first.csv")
    world.go_on(5)
    complete(world)
    intake.order(world.plane, MODEL, Verb.TRAIN, "ada", "a better one")
    for _ in range(LONG):
        world.go_on(1)
        if world.endpoint.written:
            break
    complete(world)
    world.go_on(LONG)
    found = how_it_ended(world, "supersedes")
    left = sorted(world.deployments() - {"v2-e1"})
    return Found(f"{', '.join(left)} stands for nothing", found.reason) if left else found


def _sick_champion() -> Found:
    world = rolling()
    world.failing["v1-e1"] = 50
    world.go_on(60, callers=200)
    return how_it_ended(world, "sick_champion")


DRILLS = (
    Drill("a good version goes up step by step", f"{RULES}: 10, 50, 100", _good),
    Drill(
        "provisioning fails",
        f"{BACK}: provisioning_failed",
        partial(_service, _failed, "provisioning_failed"),
    ),
    Drill("never becomes ready", f"{BACK}: timed_out", _stuck_then_failed),
    Drill(
        "404 for 50 s after creation",
        f"{RULES}: not_there_yet, 10, 50, 100",
        partial(_service, _hidden, "not_there_yet"),
    ),
    Drill(
        "409 while updating",
        f"{RULES}: 10, 50, 100",
        partial(_service, _conflicting, seconds=90),
    ),
    Drill("stale traffic read-back", f"{RULES}: 10, 50, 100", partial(_service, _stale)),
    Drill("errors at 10 %", f"{BACK}: errors", partial(_errors, 10)),
    Drill("errors at 50 %", f"{BACK}: errors", partial(_errors, 50)),
    Drill("errors at 100 %", f"{BACK}: errors", partial(_errors, 100)),
    Drill("latency doubled", f"{BACK}: slow", _slow),
    Drill("no traffic at all: recorded rows decide", f"{RULES}: topped_up", partial(_silent, True)),
    Drill(
        "no traffic at all and nobody answers recorded rows",
        f"{BACK}: no_data_for_long",
        partial(_silent, False),
    ),
    Drill("traffic dries up in mid-step", f"{RULES}: topped_up", partial(_dries_up, False)),
    Drill("traffic dries up and the canary is sick", f"{BACK}: errors", partial(_dries_up, True)),
    Drill(
        "traffic dries up and nothing can be learned",
        f"{BACK}: no_data_for_long",
        _dries_up_for_good,
    ),
    Drill("quota refused", f"{BACK}: order_refused", partial(_service, _quota, "order_refused")),
    Drill("same model, new serving image", "succeeded, v2-e2 100 %: 10, 50, 100", _new_image),
    Drill(
        "newer version promoted in mid-rollout",
        "succeeded, v3-e1 100 %: supersedes",
        _newer_version,
    ),
    Drill(
        "first version superseded before it rules",
        f"{RULES}: supersedes",
        _superseded_before_it_ruled,
    ),
    Drill("the champion gets sick", f"{AT_TEN}: sick_champion", _sick_champion),
    *rollout_people.DRILLS,
)
