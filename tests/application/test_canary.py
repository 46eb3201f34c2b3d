"""Canary steps over memory adapters: callers come, deployments get sick, operators interfere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.application import intake
from shared.application.model_detail import model_detail
from shared.application.why import why
from shared.domain.events import Verb
from shared.domain.facts import JobStatus, Release
from shared.domain.state import ModelState, Phase, Rollout
from tests.application.conftest import World
from tests.application.story import complete, land, running
from tests.builders import RELEASE, against

BETTER = against(1, 0.7, 0.05, 0.03, 0.07)


def state_of(world: World) -> ModelState:
    """What is remembered of flights."""
    state = world.state.load("flights").state
    assert state is not None
    return state


def rollout_of(world: World) -> Rollout:
    """The rollout of flights."""
    rollout = state_of(world).rollout
    assert rollout is not None
    return rollout


def traffic(world: World) -> dict[str, int]:
    """Who gets callers of flights."""
    endpoint = world.endpoint.get("flights")
    assert endpoint is not None
    return dict(endpoint.traffic)


def deployments(world: World) -> set[str]:
    """What stands at the endpoint of flights."""
    endpoint = world.endpoint.get("flights")
    assert endpoint is not None
    return set(endpoint.deployments)


def status_of(world: World) -> dict[str, Any]:
    """What people are shown of flights."""
    return model_detail(world.plane, "flights")


@pytest.fixture
def rolling(world: World) -> World:
    """Version 1 rules, version 2 was promoted and has just been given its first share."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(5)
    world.clock.advance(timedelta(hours=2))
    land(world, "b.csv")
    world.go_on(4)
    complete(world, **BETTER)
    for _ in range(20):
        world.go_on(1, callers=200)
        if traffic(world).get("v2-e1") == 10:
            return world
    raise AssertionError("the canary never got its share")


def test_good_version_goes_up_step_by_step(rolling: World) -> None:
    """A version as good as the champion gets 10, 50, 100 %, and the champion stays warm."""
    seen = []
    for _ in range(60):
        rolling.go_on(1, callers=200)
        share = traffic(rolling).get("v2-e1", 0)
        if not seen or seen[-1] != share:
            seen.append(share)
    assert seen == [10, 50, 100]
    champion = state_of(rolling).champion
    assert champion is not None
    assert champion.version.number == 2
    assert deployments(rolling) == {"v1-e1", "v2-e1"}
    rolling.go_on(90, callers=200)
    assert deployments(rolling) == {"v2-e1"}


@pytest.mark.parametrize("share", [10, 50, 100])
def test_errors_bring_the_traffic_back(rolling: World, share: int) -> None:
    """A canary that fails at any step loses its traffic within minutes and is deleted."""
    for _ in range(60):
        if traffic(rolling).get("v2-e1") == share:
            break
        rolling.go_on(1, callers=200)
    rolling.sick.add("v2-e1")
    rolling.go_on(5, callers=200)
    assert traffic(rolling) == {"v1-e1": 100}
    assert rollout_of(rolling).phase is Phase.ROLLED_BACK
    assert "failed" in rollout_of(rolling).reason
    rolling.go_on(3, callers=200)
    assert deployments(rolling) == {"v1-e1"}
    champion = state_of(rolling).champion
    assert champion is not None
    assert champion.version.number == 1


def test_sick_canary_is_ordered_back_within_two_minutes(rolling: World) -> None:
    """From the first bad answer to the order it takes the lag of the window and one pass."""
    rolling.go_on(2, callers=200)
    rolling.sick.add("v2-e1")
    began = rolling.clock.now()
    while not rollout_of(rolling).phase.ended:
        rolling.go_on(1, callers=200)
    assert rolling.clock.now() - began <= timedelta(minutes=2)


def test_doubled_latency_brings_the_traffic_back(rolling: World) -> None:
    """A slow canary is a sick canary."""
    rolling.latency_ms["v2-e1"] = 40
    rolling.go_on(20, callers=200)
    assert traffic(rolling) == {"v1-e1": 100}
    assert "slow" in rollout_of(rolling).reason


def test_without_callers_recorded_rows_decide(rolling: World) -> None:
    """Nobody calls: the step is held, topped up, and then decided."""
    rolling.go_on(60)
    assert "topped_up" in rolling.codes()
    assert traffic(rolling) == {"v2-e1": 100}
    assert rolling.prober.asked.count("v2-e1") > 100


def test_without_callers_and_answers_it_never_advances(rolling: World) -> None:
    """Nothing can be learned: the version is given up, not waved through."""
    for path in [path for path in rolling.files.files if path.endswith("sample.json")]:
        rolling.files.forget(path)
    rolling.go_on(100)
    assert traffic(rolling) == {"v1-e1": 100}
    assert "nothing could be learned" in rollout_of(rolling).reason


def test_sick_champion_holds_the_step(rolling: World) -> None:
    """While the champion itself fails nothing is decided; when it is well the step goes on."""
    rolling.sick.add("v1-e1")
    rolling.go_on(30, callers=200)
    assert traffic(rolling) == {"v1-e1": 90, "v2-e1": 10}
    assert "sick_champion" in rolling.codes()


def test_traffic_changed_by_hand_is_set_back(rolling: World) -> None:
    """Somebody moves the traffic in mid-step: it is noticed and restored."""
    rolling.go_on(2, callers=200)
    rolling.endpoint.set_traffic("flights", {"v1-e1": 30, "v2-e1": 70})
    rolling.go_on(2, callers=200)
    assert traffic(rolling) == {"v1-e1": 90, "v2-e1": 10}
    assert "hand_changed" in rolling.codes()


def test_pause_and_resume(rolling: World) -> None:
    """A paused rollout stays where it is; resumed it soaks anew and goes on."""
    intake.order(rolling.plane, "flights", Verb.PAUSE, "ada", "a holiday")
    rolling.go_on(60, callers=200)
    assert traffic(rolling)["v2-e1"] == 10
    intake.order(rolling.plane, "flights", Verb.RESUME, "ada", "back again")
    rolling.go_on(60, callers=200)
    assert traffic(rolling) == {"v2-e1": 100}


def test_paused_canary_still_comes_back_when_sick(rolling: World) -> None:
    """A pause is no licence to fail."""
    intake.order(rolling.plane, "flights", Verb.PAUSE, "ada", "a holiday")
    rolling.sick.add("v2-e1")
    rolling.go_on(5, callers=200)
    assert traffic(rolling) == {"v1-e1": 100}


@pytest.mark.parametrize(
    ("verb", "phase"), [(Verb.ABORT, Phase.ABORTED), (Verb.ROLLBACK, Phase.ROLLED_BACK)]
)
def test_operator_ends_a_rollout(rolling: World, verb: Verb, phase: Phase) -> None:
    """Abort and rollback in mid-step give the champion its traffic back, with who and why."""
    intake.order(rolling.plane, "flights", verb, "ada", "customers call")
    rolling.go_on(5, callers=200)
    assert traffic(rolling) == {"v1-e1": 100}
    assert rollout_of(rolling).phase is phase
    assert "ada: customers call" in rollout_of(rolling).reason
    assert deployments(rolling) == {"v1-e1"}


def test_operator_proceeds_beside_a_sick_champion(rolling: World) -> None:
    """Held for ever beside a sick champion, the canary goes on when somebody says why."""
    rolling.sick.add("v1-e1")
    rolling.go_on(120, callers=200)
    assert traffic(rolling) == {"v1-e1": 90, "v2-e1": 10}
    order = intake.order(rolling.plane, "flights", Verb.PROCEED, "ada", "version 1 is broken")
    rolling.go_on(1, callers=200)
    assert rollout_of(rolling).alone == "ada: version 1 is broken"
    again = intake.order(rolling.plane, "flights", Verb.PROCEED, "bob", "yes")
    rolling.go_on(60, callers=200)
    assert traffic(rolling) == {"v2-e1": 100}
    (obeyed,) = rolling.decisions.about("flights", f"order:{order.order_id}", 5)
    (repeated,) = rolling.decisions.about("flights", f"order:{again.order_id}", 5)
    assert "version:2" in obeyed.about
    text = "v2-e1 is judged by itself, the champion is sick; ada: version 1 is broken"
    assert text in [reason.text for reason in obeyed.reasons]
    text = "proceed: ordered before; ada: version 1 is broken"
    assert text in [reason.text for reason in repeated.reasons]


def test_failed_check_that_is_allowed_is_counted(rolling: World) -> None:
    """One failure may be forgiven, and is remembered: the second one ends it."""
    flights = rolling.plane.models["flights"]
    lenient = replace(flights, rollout=replace(flights.rollout, failed_checks_allowed=1))
    rolling.plane = replace(rolling.plane, models={"flights": lenient})
    rolling.go_on(2, callers=200)
    rolling.sick.add("v2-e1")
    counted = []
    for _ in range(4):
        rolling.go_on(1, callers=200)
        counted.append((rollout_of(rolling).failed_checks, bool(rollout_of(rolling).going_back)))
    assert (1, False) in counted
    assert counted[-1] == (2, True)


def test_operator_who_proceeds_does_not_vouch_for_the_canary(rolling: World) -> None:
    """One that fails its own checks comes back, however sick the champion is."""
    rolling.sick |= {"v1-e1", "v2-e1"}
    rolling.go_on(30, callers=200)
    assert traffic(rolling) == {"v1-e1": 90, "v2-e1": 10}
    intake.order(rolling.plane, "flights", Verb.PROCEED, "ada", "version 1 is broken")
    rolling.go_on(5, callers=200)
    assert traffic(rolling) == {"v1-e1": 100}
    assert "the canary fails: by itself" in rollout_of(rolling).reason


def test_next_rollout_is_compared_again(rolling: World) -> None:
    """An order to proceed ends with the rollout that it was given for."""
    intake.order(rolling.plane, "flights", Verb.PROCEED, "ada", "version 1 is broken")
    rolling.go_on(60, callers=200)
    intake.order(rolling.plane, "flights", Verb.ROLLBACK, "ada", "a mistake")
    rolling.go_on(5, callers=200)
    assert rollout_of(rolling).version.number == 1
    assert rollout_of(rolling).alone == ""


@pytest.mark.parametrize("times", [1, 2])
def test_one_challenger_is_accepted_uncompared(rolling: World, times: int) -> None:
    """The next one needs no comparison with the champion; the one after does, and no anchor."""
    rolling.go_on(130, callers=200)
    orders = [
        intake.order(rolling.plane, "flights", Verb.ACCEPT, "ada", "columns changed")
        for _ in range(times)
    ]
    intake.order(rolling.plane, "flights", Verb.TRAIN, "ada", "now")
    rolling.go_on(1)
    training = running(rolling)
    assert (training.champion, training.anchor) == (None, None)
    assert status_of(rolling)["accepting"] == "ada: columns changed"
    complete(rolling)
    rolling.go_on(130, callers=200)
    champion = state_of(rolling).champion
    assert champion is not None
    assert (champion.version.number, champion.version.accepted) == (3, "ada: columns changed")
    assert status_of(rolling)["accepting"] is None
    assert status_of(rolling)["champion"]["accepted"] == "ada: columns changed"
    for order in orders:
        assert len(rolling.decisions.about("flights", f"order:{order.order_id}", 5)) == 1
    told = why(rolling.plane, orders[0].order_id, "flights")["links"]
    assert training.job in str(told)
    assert "not compared with champion 2" in str(
        [link for link in told if link["kind"] == "verdict"]
    )
    intake.order(rolling.plane, "flights", Verb.TRAIN, "ada", "again")
    rolling.go_on(1)
    assert (running(rolling).champion, running(rolling).anchor) == (3, None)


def test_leave_outlasts_a_job_that_brings_no_challenger(rolling: World) -> None:
    """A job that fails, or whose result is malformed, uses nothing up."""
    rolling.go_on(130, callers=200)
    intake.order(rolling.plane, "flights", Verb.ACCEPT, "ada", "columns changed")
    for number in range(3):
        intake.order(rolling.plane, "flights", Verb.TRAIN, "ada", str(number))
        rolling.go_on(1)
        accepted = running(rolling).accepted
        assert accepted is not None
        assert accepted.champion == 2
        if number == 0:
            rolling.jobs.finish(running(rolling).job, JobStatus.CANCELED)
        elif number == 1:
            complete(rolling, metric={"name": "x"})
        else:
            complete(rolling, challenger={"value": 0.5})
        rolling.go_on(5)
    assert state_of(rolling).accepting is None
    assert state_of(rolling).last_version == 2


def test_rollback_to_a_warm_version_is_instant(rolling: World) -> None:
    """After success the former champion is warm: one order, all traffic back, no soak."""
    rolling.go_on(45, callers=200)
    assert traffic(rolling) == {"v2-e1": 100}
    intake.order(rolling.plane, "flights", Verb.ROLLBACK, "ada", "odd answers")
    rolling.go_on(3, callers=200)
    assert traffic(rolling) == {"v1-e1": 100}
    state = state_of(rolling)
    assert state.champion is not None
    assert state.champion.version.number == 1
    assert state.former == ()


def test_rollback_to_a_cold_version_is_a_rollout(rolling: World) -> None:
    """When the warm time is over the former version is deployed anew, step by step."""
    rolling.go_on(130, callers=200)
    assert deployments(rolling) == {"v2-e1"}
    intake.order(rolling.plane, "flights", Verb.ROLLBACK, "ada", "odd answers")
    rolling.go_on(5, callers=200)
    assert traffic(rolling) == {"v2-e1": 90, "v1-e1": 10}
    rolling.go_on(60, callers=200)
    assert traffic(rolling) == {"v1-e1": 100}


def test_orders_that_make_no_sense_are_refused_with_a_reason(world: World) -> None:
    """Nothing rolls out, nothing was before: the order is recorded as refused."""
    verbs = [verb for verb in Verb if verb is not Verb.TRAIN]
    for verb in verbs:
        intake.order(world.plane, "flights", verb, "ada", "just so")
    world.work_off()
    assert world.codes().count("order_not_possible") == len(verbs) == 6


def test_first_version_cannot_proceed_beside_nobody(world: World) -> None:
    """Without a champion nothing is compared, so there is nothing to leave out."""
    land(world, "a.csv")
    world.go_on(4)
    complete(world)
    intake.order(world.plane, "flights", Verb.PROCEED, "ada", "just so")
    world.work_off()
    assert "order_not_possible" in world.codes()


def test_new_image_goes_the_same_way(rolling: World) -> None:
    """A new serving environment rolls out for the same version, by the same steps."""
    rolling.go_on(60, callers=200)
    rolling.plane.ports.releases.publish(Release(RELEASE.component, 2))
    shares = set()
    for _ in range(120):
        rolling.go_on(1, callers=200)
        shares.add(traffic(rolling).get("v2-e2", 0))
    assert shares == {0, 10, 50, 100}
    assert state_of(rolling).last_version == 2


def test_newer_version_supersedes_at_zero(rolling: World) -> None:
    """A version promoted in mid-step: the canary loses its share, then its place."""
    intake.order(rolling.plane, "flights", Verb.TRAIN, "ada", "a fix")
    rolling.go_on(1, callers=200)
    complete(rolling, **against(1, 0.7, 0.06, 0.04, 0.08))
    maps = []
    for _ in range(60):
        rolling.go_on(1, callers=200)
        maps.append(traffic(rolling))
        assert len(deployments(rolling)) <= 2
    assert {"v1-e1": 100} in maps
    assert maps[-1] == {"v3-e1": 100}


def test_refused_quota_ends_the_rollout_with_the_services_words(world: World) -> None:
    """The service refuses the machines: the rollout ends at once, and says why."""
    land(world, "a.csv")
    world.go_on(4)
    world.endpoint.refusals["v1-e1"] = "quota: 4 cores needed, 2 left"
    complete(world)
    world.go_on(5)
    assert rollout_of(world).phase is Phase.ROLLED_BACK
    assert "4 cores needed" in rollout_of(world).reason


def test_every_traffic_map_is_whole(rolling: World) -> None:
    """Every map that is written adds up to a hundred on deployments that stand."""
    rolling.go_on(130, callers=200)
    assert rolling.endpoint.written
    for shares, standing in rolling.endpoint.written:
        assert sum(shares.values()) == 100
        assert set(shares) == standing
