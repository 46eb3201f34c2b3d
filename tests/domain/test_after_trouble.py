"""What random histories have shown: trouble outside that must not outlast itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.domain.actions import DeleteDeployment, SetTraffic
from shared.domain.canary import go_back, turn_back
from shared.domain.decision import Kind, Reason
from shared.domain.deployments import retire
from shared.domain.health import Counts
from shared.domain.plan import decide
from shared.domain.rollout import advance
from shared.domain.state import Phase, Warm
from tests.builders import NOON, champion, endpoint, facts, minutes, rollout, spec, state

POLICY = spec().rollout


def test_a_held_step_is_judged_on_a_new_window_when_the_champion_is_well_again() -> None:
    """A window that only grew would hold the canary for days after a short illness."""
    soaking = rollout(Phase.CANARY, soaking_since=NOON - minutes(30))
    model = state(champion=champion(), rollout=soaking)
    health = {"v1-e1": Counts(1000, 900), "v2-e1": Counts(1000, 0)}
    seen = facts(model, endpoint=endpoint({"v1-e1": 90, "v2-e1": 10}), health=health)
    step = advance(model, seen, POLICY, NOON)
    assert step.kind is Kind.HELD
    assert step.state.rollout == replace(soaking, soaking_since=NOON)


def test_a_former_champion_with_callers_loses_them_before_it_is_deleted() -> None:
    """The service refuses to delete what has traffic, so the traffic goes first."""
    model = state(champion=champion(2), warm=Warm("v1-e1", NOON - minutes(1)))
    seen = facts(model, endpoint=endpoint({"v1-e1": 70, "v2-e1": 30}))
    step = retire(model, seen, POLICY, NOON)
    assert step.actions == (SetTraffic({"v1-e1": 0, "v2-e1": 100}),)
    assert step.due_at == NOON + POLICY.poll
    cleared = facts(model, endpoint=endpoint({"v2-e1": 100}, deployments=("v1-e1",)))
    assert retire(model, cleared, POLICY, NOON).actions == (DeleteDeployment("v1-e1"),)


def test_a_first_version_that_is_given_up_loses_its_traffic() -> None:
    """Without a champion nobody else can have it, and with it the deployment could never go."""
    model = state(rollout=rollout(Phase.CANARY, 1))
    assert model.rollout is not None
    turned = turn_back(model, model.rollout, Reason("abort_ordered", "no"), NOON, Phase.ABORTED)
    assert turned.state.rollout is not None
    seen = endpoint({"v1-e1": 100})
    step = go_back(turned.state, turned.state.rollout, seen, POLICY, NOON)
    assert step.actions == (SetTraffic({"v1-e1": 0}),)
    empty = endpoint(deployments=("v1-e1",))
    ended = go_back(turned.state, turned.state.rollout, empty, POLICY, NOON)
    assert ended.actions == ()
    assert ended.state.warm == Warm("v1-e1", NOON)


def test_a_refusal_speaks_to_one_pass() -> None:
    """What was refused once is not held against a wish that comes later."""
    model = state(order_refused="could not delete deployment v1-e1: it has traffic")
    plan = decide(facts(model), spec(), NOON + timedelta(minutes=5))
    assert plan.state.order_refused == ""
