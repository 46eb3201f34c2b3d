"""How often a pass asks the outside: what it costs when there is nothing to do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.application import intake
from shared.application.reconcile import reconcile
from shared.domain.decision import Kind
from shared.domain.events import Message
from tests.application.conftest import World
from tests.application.counting import Calls, counted
from tests.application.story import complete, land
from tests.application.test_canary import rolling, rollout_of, traffic

__all__ = ["rolling"]


def passing(world: World, cause: str) -> Calls:
    """What one message costs."""
    plane, calls = counted(world.plane)
    decision = reconcile(plane.ports, plane.models["flights"], Message("flights", cause))
    print(f"{cause}: {calls}: {decision.kind.value}: {decision.reasons[-1].text}")
    return calls


@pytest.fixture
def at_rest(world: World) -> World:
    """A champion rules, nothing is under way."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)
    return world


@pytest.mark.parametrize("cause", ["tick", "run flights-slot-1-a1 Completed", "daily_training"])
def test_nothing_due_costs_one_look_and_one_record(at_rest: World, cause: str) -> None:
    """A message for a model with nothing to do asks storage twice and Azure ML never."""
    calls = passing(at_rest, cause)
    assert calls == {"state.load": 1, "decisions.append": 1}
    assert at_rest.decisions.decisions[-1].kind is Kind.DUPLICATE


def test_tick_with_nothing_due_costs_one_query(at_rest: World) -> None:
    """However many models there are, a tick that wakes none of them asks once."""
    plane, calls = counted(at_rest.plane)
    assert intake.tick(plane) == []
    assert calls == {"state.next_due": 1}


def test_hourly_look_asks_azure_ml_once(at_rest: World) -> None:
    """Once an hour what lies there and who has the traffic is looked at, event or not."""
    at_rest.clock.advance(timedelta(hours=1))
    calls = passing(at_rest, "tick")
    assert calls.azure_ml == calls["endpoint.get"] == 1
    assert calls["landing.list"] == 1


def test_soaking_costs_four_calls_a_pass(rolling: World) -> None:
    """While a step soaks a pass looks at state, endpoint and health, and records; nothing more."""
    rolling.go_on(2, callers=200)
    for _ in range(6):
        rolling.call(200)
        rolling.clock.advance(timedelta(minutes=1))
        calls = passing(rolling, "tick")
        assert calls == {
            "state.load": 1,
            "endpoint.get": 1,
            "health.read": 1,
            "decisions.append": 1,
        }
    assert rollout_of(rolling).step == 0


def test_soaking_costs_six_calls_a_minute(rolling: World) -> None:
    """With the tick that wakes it and the message, a minute of soaking costs six calls."""
    rolling.go_on(2, callers=200)
    plain = rolling.plane
    for _ in range(6):
        rolling.call(200)
        rolling.clock.advance(timedelta(minutes=1))
        rolling.plane, calls = counted(plain)
        assert intake.tick(rolling.plane) == ["flights"]
        rolling.work_off()
        print(f"a minute of soaking: {calls}")
        assert calls.total() <= 6
        assert calls.azure_ml == 1


def test_step_that_is_over_costs_one_pass(rolling: World) -> None:
    """What a look finds to do is found again under the lease, and done once."""
    rolling.go_on(9, callers=200)
    seen = []
    for _ in range(3):
        rolling.call(200)
        rolling.clock.advance(timedelta(minutes=1))
        seen.append(passing(rolling, "tick"))
        rolling.work_off()
    changing = [calls for calls in seen if calls["state.save"]]
    assert changing
    assert all(calls["lease.hold"] == 2 for calls in changing)
    assert max(calls.total() for calls in changing) <= 12
    assert traffic(rolling)["v2-e1"] == 50


def test_sick_canary_is_found_without_the_lease_and_taken_back_with_it(rolling: World) -> None:
    """A look never orders anything: the order comes from a pass that holds the lease."""
    rolling.go_on(2, callers=200)
    rolling.sick.add("v2-e1")
    rolling.call(200)
    rolling.clock.advance(timedelta(minutes=1))
    with rolling.lease.hold("flights"):
        passing(rolling, "tick")
        assert rollout_of(rolling).going_back == ""
        assert rolling.decisions.decisions[-1].kind is Kind.COALESCED
    passing(rolling, "tick")
    assert rollout_of(rolling).going_back != ""
