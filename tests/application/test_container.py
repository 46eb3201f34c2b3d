"""A model that a container serves, over memory adapters: published, switched, taken back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory.container import MemoryContainer
from shared.application import intake
from shared.application.predict import Predictions
from shared.domain.events import Verb
from shared.domain.facts import Probe, SmokeFacts
from shared.domain.state import Address, ModelState, Phase
from shared.ports import Scored
from tests.application.conftest import World
from tests.application.story import complete, land
from tests.builders import against, champion, spec, state

BETTER = against(1, 0.7, 0.05, 0.03, 0.07)


def state_of(world: World) -> ModelState:
    """What is remembered of flights."""
    found = world.state.load("flights").state
    assert found is not None
    return found


def container(world: World) -> MemoryContainer:
    """The container of flights."""
    return world.containers.container("flights")


def answering(world: World) -> int:
    """The version that the container gives callers."""
    facts = world.containers.get("flights")
    assert facts.says is not None
    return facts.says.champion.version if facts.says.champion else 0


def ruling(world: World) -> int:
    """The version that is remembered as champion."""
    found = state_of(world).champion
    return found.version.number if found else 0


def next_version(world: World) -> None:
    """A better model comes out of a training."""
    world.clock.advance(timedelta(hours=2))
    land(world, f"{world.clock.now():%H%M}.csv")
    world.go_on(4)
    complete(world, **BETTER)


@pytest.fixture
def contained(world: World) -> World:
    """Flights is served by a container, and version 1 rules."""
    world.plane = replace(world.plane, models={"flights": replace(spec(), serving="container")})
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(5)
    assert (ruling(world), answering(world)) == (1, 1)
    return world


def test_next_version_is_tried_and_switched_to(contained: World) -> None:
    """Registered, published, asked by name, then named; no endpoint is ever made."""
    next_version(contained)
    contained.go_on(5)
    assert (ruling(contained), answering(contained)) == (2, 2)
    assert contained.containers.get("flights").challenger is None
    assert contained.endpoint.get("flights") is None
    assert state_of(contained).address == Address(
        "https://flights.invalid/score", 2, "v2-e1", "container"
    )


BAD = SmokeFacts(Probe.FAILED, "500: no such column")


@pytest.mark.parametrize("how", ["cannot_load", "bad_answers", "never_there"])
def test_bad_version_never_answers_callers(contained: World, how: str) -> None:
    """Whatever is wrong with it, the champion goes on and nothing is left published of it."""
    inside = container(contained)
    if how == "cannot_load":
        inside.broken.add(2)
    if how == "bad_answers":
        inside.answers["v2-e1"] = BAD
    if how == "never_there":
        inside.running = False
    next_version(contained)
    for _ in range(40):
        contained.go_on(1)
        named = contained.containers.get("flights").champion
        assert named is not None
        assert named.version == 1
    inside.running = True
    rollout = state_of(contained).rollout
    assert rollout is not None
    assert rollout.phase is Phase.ROLLED_BACK
    assert rollout.reason
    assert (ruling(contained), answering(contained)) == (1, 1)
    assert contained.containers.get("flights").challenger is None


def test_container_that_dies_in_the_switch_is_waited_for(contained: World) -> None:
    """The version rules only when the container says that it answers with it."""
    next_version(contained)
    for _ in range(20):
        contained.clock.advance(timedelta(seconds=20))
        intake.tick(contained.plane)
        contained.work_off()
        named = contained.containers.pointers["flights"]["champion"]
        container(contained).running = named.version == 1
        if named.version == 2:
            break
    contained.go_on(3)
    assert ruling(contained) == 1
    container(contained).running = True
    contained.go_on(2)
    assert (ruling(contained), answering(contained)) == (2, 2)


@pytest.mark.parametrize(
    ("minutes", "smokes"), [(1, 0), (90, 1)], ids=["while it is warm", "afterwards"]
)
def test_operator_returns_to_the_former_version(
    contained: World, minutes: int, smokes: int
) -> None:
    """At once while it is warm, by way of a smoke test afterwards."""
    next_version(contained)
    contained.go_on(5 + minutes)
    before = len(contained.codes())
    intake.order(contained.plane, "flights", Verb.ROLLBACK, "Ada", "worse calls")
    contained.go_on(5)
    assert (ruling(contained), answering(contained)) == (1, 1)
    assert contained.codes()[before:].count("smoke_passed") == smokes


def test_endpoint_s_champion_moves_in(world: World) -> None:
    """A model file that now says container brings the present champion there, smoke first."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10, callers=200)
    address = state_of(world).address
    assert address is not None
    assert address.serving == "managed_endpoint"
    world.plane = replace(world.plane, models={"flights": replace(spec(), serving="container")})
    world.go_on(90)
    address = state_of(world).address
    assert address is not None
    assert (address.serving, address.deployment) == ("container", "v1-e1")
    assert answering(world) == 1


class NamedScorer:
    """A scorer that only says that it was asked."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def score(self, scoring_uri: str, body: bytes) -> Scored:
        """Give its own name."""
        return Scored(200, b'{"predictions":[]}', "application/json", self._name)


@pytest.mark.parametrize("serving", ["managed_endpoint", "container"])
def test_rows_go_where_the_address_says(world: World, serving: str) -> None:
    """Not where the model file says: only the address knows which tokens are taken there."""
    address = Address("https://one/score", 3, "v3-e1", serving)  # type: ignore[arg-type]
    ruled = state(champion=champion(3), address=address)
    world.state.save(ruled, world.state.load("flights").etag)
    proxy = Predictions(
        world.plane,
        {
            "managed_endpoint": NamedScorer("managed_endpoint"),
            "container": NamedScorer("container"),
        },
        "p1",
    )
    answer = asyncio.run(proxy.answer("flights", b'{"rows":[{"a":1}]}'))
    assert f'"deployment": "{serving}"'.encode() in answer.body


def test_container_has_no_steps_to_proceed_with(contained: World) -> None:
    """What is switched at once is compared with nothing: the order is refused with that reason."""
    next_version(contained)
    contained.work_off()
    intake.order(contained.plane, "flights", Verb.PROCEED, "ada", "just so")
    contained.work_off()
    assert "order_not_possible" in contained.codes()
    assert any(
        "switched without steps" in reason.text
        for each in contained.decisions.decisions
        for reason in each.reasons
    )
