"""What random histories have shown: trouble outside that must not outlast itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.domain.actions import DeleteDeployment, SetTraffic
from shared.domain.canary import go_back
from shared.domain.decision import Kind, Reason
from shared.domain.deployments import retire
from shared.domain.facts import JobFacts, JobStatus
from shared.domain.health import Counts
from shared.domain.moment import turn_back
from shared.domain.plan import decide
from shared.domain.rollout import advance
from shared.domain.state import Phase, Warm
from tests.builders import (
    NOON,
    champion,
    endpoint,
    facts,
    minutes,
    moment,
    rollout,
    spec,
    state,
    training,
)

POLICY = spec().rollout


def test_a_held_step_is_judged_on_a_new_window_when_the_champion_is_well_again() -> None:
    """A window that only grew would hold the canary for days after a short illness."""
    soaking = rollout(Phase.CANARY, soaking_since=NOON - minutes(30))
    model = state(champion=champion(), rollout=soaking)
    health = {"v1-e1": Counts(1000, 900), "v2-e1": Counts(1000, 0)}
    there = endpoint({"v1-e1": 90, "v2-e1": 10})
    step = advance(moment(model, NOON, endpoint=there, health=health))
    assert step.kind is Kind.HELD
    assert step.state.rollout == replace(soaking, soaking_since=NOON)


def test_a_former_champion_with_callers_loses_them_before_it_is_deleted() -> None:
    """The service refuses to delete what has traffic, so the traffic goes first."""
    model = state(champion=champion(2), warm=Warm("v1-e1", NOON - minutes(1)))
    step = retire(moment(model, NOON, endpoint=endpoint({"v1-e1": 70, "v2-e1": 30})))
    assert step.actions == (SetTraffic({"v1-e1": 0, "v2-e1": 100}),)
    assert (step.due_at, step.state.warm) == (NOON + POLICY.poll, model.warm)
    cleared = endpoint({"v2-e1": 100}, deployments=("v1-e1",))
    step = retire(moment(model, NOON, endpoint=cleared))
    assert step.actions == (DeleteDeployment("v1-e1"),)


def test_callers_of_a_former_champion_that_are_wanted_there_keep_it() -> None:
    """By policy they stay, and their deployment with them: nobody waits for it to retire."""
    model = state(champion=champion(2), warm=Warm("v1-e1", NOON - minutes(1)))
    adopting = replace(POLICY, hand_changed="adopt")
    step = retire(moment(model, NOON, adopting, endpoint=endpoint({"v1-e1": 70, "v2-e1": 30})))
    assert (step.actions, step.due_at, step.state.warm) == ((), None, None)


def test_a_first_version_that_is_given_up_loses_its_traffic() -> None:
    """Without a champion nobody else can have it, and with it the deployment could never go."""
    model = state(rollout=rollout(Phase.CANARY, 1))
    turned = turn_back(model, Reason("abort_ordered", "no"), NOON, Phase.ABORTED).state
    step = go_back(moment(turned, NOON, endpoint=endpoint({"v1-e1": 100})))
    assert step.actions == (SetTraffic({"v1-e1": 0}),)
    assert step.reasons[0].text == "all traffic back to nobody: no"
    ended = go_back(moment(turned, NOON, endpoint=endpoint(deployments=("v1-e1",))))
    assert ended.actions == ()
    assert ended.state.warm == Warm("v1-e1", NOON)


def test_an_attempt_that_follows_is_looked_at_soon() -> None:
    """Its order can be lost like any other: what is kept warm for hours must not set the pace."""
    keeping = Warm("v1-e1", NOON + timedelta(hours=5))
    model = state(training=training(), champion=champion(2), warm=keeping)
    failed = JobFacts(training().job, JobStatus.FAILED)
    plan = decide(facts(model, job=failed), spec(), NOON)
    assert plan.state.next_due_at == NOON + spec().retraining.poll


def test_a_refusal_speaks_to_one_pass() -> None:
    """What was refused once is not held against a wish that comes later."""
    model = state(order_refused="could not delete deployment v1-e1: it has traffic")
    plan = decide(facts(model), spec(), NOON + timedelta(minutes=5))
    assert plan.state.order_refused == ""
