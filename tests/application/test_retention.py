"""How long decisions are kept, and that nothing depends on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.application import intake
from shared.application.plane import NOBODY
from shared.application.retention import TOGETHER, Retention
from shared.domain.decision import Decision, Kind
from tests.application.conftest import World
from tests.application.counting import counted
from tests.application.story import blob_event, complete, land

DAY = timedelta(days=1)


def kept(world: World, days: int) -> World:
    """The same world, whose decisions are kept for so many days."""
    world.plane = replace(world.plane, retention=Retention(days))
    return world


def old_decisions(world: World, count: int) -> None:
    """Decisions of three days ago, for flights and for no model."""
    at = world.clock.now() - 3 * DAY
    for number in range(count):
        for model in ("flights", NOBODY):
            kept = Decision(f"old-{number}", model, at, "tick", Kind.HELD, ())
            world.decisions.append(kept)


def test_decisions_go_when_their_time_is_over(world: World) -> None:
    """The tick deletes what is older, also what belongs to no model, and nothing else."""
    old_decisions(kept(world, 2), 5)
    world.go_on(2)
    left = world.decisions.decisions
    assert left
    assert all(row.at > world.clock.now() - DAY for row in left)


def test_decisions_younger_than_that_stay(world: World) -> None:
    """Within their time all decisions stay."""
    old_decisions(kept(world, 4), 5)
    world.go_on(2)
    assert len([row for row in world.decisions.decisions if row.id.startswith("old-")]) == 10


def test_decisions_of_a_model_that_was_removed_go_too(world: World) -> None:
    """A model whose file is gone decides nothing more, and its decisions get old."""
    kept(world, 2).go_on(2)
    assert {row.model for row in world.decisions.decisions} == {"flights", "diabetes"}
    models = {"flights": world.plane.models["flights"]}
    world.plane = replace(world.plane, models=models)
    world.clock.advance(4 * DAY)
    world.go_on(2)
    assert {row.model for row in world.decisions.decisions} == {"flights"}


def test_one_tick_deletes_so_many_and_the_next_ones_the_rest(world: World) -> None:
    """A tick stays short, however much there is to delete; then the day costs nothing more."""
    old_decisions(kept(world, 2), TOGETHER + 10)
    sizes = []
    for _ in range(5):
        sizes.append(len([row for row in world.decisions.decisions if row.id.startswith("old-")]))
        intake.tick(world.plane)
    assert sizes[:4] == [2 * TOGETHER + 20, TOGETHER + 20, 20, 0]
    world.plane, calls = counted(world.plane)
    intake.tick(world.plane)
    assert calls["decisions.expire"] == calls["decisions.claim_expiry"] == 0
    world.clock.advance(DAY)
    intake.tick(world.plane)
    assert calls["decisions.claim_expiry"] == 1


def test_another_process_leaves_it_to_the_first(world: World) -> None:
    """Every instance ticks at times; one of them cleans up on a day."""
    old_decisions(world, 1)
    another = replace(world.plane, retention=Retention(2))
    intake.tick(kept(world, 2).plane)
    plane, calls = counted(another)
    intake.tick(plane)
    assert calls["decisions.claim_expiry"] == 1
    assert calls["decisions.expire"] == 0


def test_nothing_is_done_again_when_its_decision_is_gone(world: World) -> None:
    """What was done is remembered in the state: repeated events after that start nothing."""
    land(kept(world, 1), "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)
    for row in world.decisions.decisions:
        world.decisions.expire(row.model, row.at + DAY, 1000)
    assert world.decisions.decisions == []
    intake.wake_all(world.plane, "daily_training")
    intake.receive(world.plane, blob_event("flights/a.csv"))
    world.go_on(120)
    assert world.jobs.running == []
    state = world.state.load("flights").state
    assert state is not None
    assert state.last_version == 1
