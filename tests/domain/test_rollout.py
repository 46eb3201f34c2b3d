"""The rollout as a table: phase, endpoint as it is, the one step that follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.actions import (
    Action,
    CreateDeployment,
    CreateEndpoint,
    DeleteDeployment,
    RegisterModel,
    SetTraffic,
    TopUp,
)
from shared.domain.decision import Kind
from shared.domain.events import Order, Verb
from shared.domain.facts import (
    DeploymentFacts,
    EndpointFacts,
    Probe,
    ProvisioningState,
    Release,
    SmokeFacts,
)
from shared.domain.health import Counts, bucket_of
from shared.domain.plan import decide, wanted
from shared.domain.rollout import advance, smoke_subject, wants_endpoint
from shared.domain.rollout_orders import obey
from shared.domain.state import Address, ModelState, Phase, Subject, Warm
from tests.builders import (
    NOON,
    SLOT,
    YESTERDAY,
    champion,
    endpoint,
    facts,
    minutes,
    moment,
    rollout,
    spec,
    state,
    version,
)
from tests.domain.told import Told, plan_in_full, step_in_full

TOLD, AT_REST = Told("rollout"), Told("at_rest")
POLICY = spec().rollout
SOON = NOON + minutes(1)
MINE = "flights-data-2-a1"
OURS = {"champion": champion(1)}
PASSED = SmokeFacts(Probe.PASSED, "2 rows answered")
BROKEN = SmokeFacts(Probe.FAILED, "424: no such column")
SILENT = SmokeFacts(Probe.NO_DATA, "connection refused")


@dataclass(frozen=True)
class Case:
    """One row: what is so, and what must follow."""

    name: str
    phase: Phase
    endpoint: EndpointFacts | None
    code: str
    after: Phase
    actions: tuple[type[Action], ...] = ()
    state: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    now: datetime = SOON
    rollout: dict[str, Any] = field(default_factory=dict)
    back: bool = False
    """The version is given up: the order to go back follows."""


def health(**counts: Counts) -> dict[str, Any]:
    """What the window shows: v1 is the champion's deployment, v2 the canary's."""
    return {"health": {f"{name}-e1": count for name, count in counts.items()}}


def answers(requests: int, failures: int = 0, ms: float = 10, topped_up: int = 0) -> Counts:
    """So many answers, all of one latency."""
    timed = requests - topped_up
    entries = (0,) * bucket_of(ms) + (timed,) if timed else ()
    return Counts(requests, failures, topped_up, entries)


TEN, ALL = endpoint({"v1-e1": 90, "v2-e1": 10}), endpoint({"v1-e1": 0, "v2-e1": 100})
SOAKING: dict[str, Any] = {"soaking_since": NOON}
LAST = SOAKING | {"step": 2, "usual_ms": 10.0}
ALONE: dict[str, Any] = SOAKING | {"alone": "Ada: the champion is sick"}
SOAKED = NOON + POLICY.soak + POLICY.lag
NEARLY = SOAKED - timedelta(seconds=1)
BACK: dict[str, Any] = {"going_back": "errors"}
LATE = NOON + minutes(11)
WELL = health(v1=answers(900), v2=answers(100))
SICK = health(v1=answers(90), v2=answers(10, 4))
ILL = health(v1=answers(900, 100), v2=answers(100))
BOTH = health(v1=answers(900, 100), v2=answers(100, 20))
SLOW = health(v1=answers(900), v2=answers(100, ms=30))
ALONE_SLOW = health(v2=answers(100, ms=30))
NOBODY = health()
FEW = health(v1=answers(100), v2=answers(11))
TOPPED = health(v1=answers(100), v2=answers(100, topped_up=89))

P, V, S, C = Phase.PENDING, Phase.PROVISIONING, Phase.SMOKE, Phase.CANARY
ON_1 = {"v1-e1": 100}
FAILED = DeploymentFacts("v2-e1", ProvisioningState.FAILED)
BUSY = endpoint(ON_1, updating=("v1-e1", "v2-e1"))
MUTE = replace(endpoint(ON_1), deployments={"v2-e1": FAILED})
CASES = [
    Case("nothing_there", P, None, "no_endpoint", P, (CreateEndpoint, RegisterModel)),
    Case("endpoint_vanished", S, None, "no_endpoint", P, (CreateEndpoint, RegisterModel)),
    Case(
        "endpoint_missing_registered",
        P,
        None,
        "no_endpoint",
        P,
        (CreateEndpoint,),
        seen={"registered_job": MINE},
    ),
    Case("endpoint_being_made", P, endpoint(own=ProvisioningState.UPDATING), "updating", P),
    Case(
        "endpoint_failed",
        P,
        endpoint(own=ProvisioningState.FAILED),
        "endpoint_failed",
        P,
        back=True,
    ),
    Case("others_answer", P, endpoint({"v9-e1": 100}), "register", P, (RegisterModel,), OURS),
    Case("not_registered", P, endpoint(), "register", P, (RegisterModel,)),
    Case("number_taken", P, endpoint(), "number_taken", P, seen={"registered_job": "somebody-1"}),
    Case(
        "registered",
        P,
        endpoint(ON_1),
        "provision",
        V,
        (CreateDeployment,),
        OURS,
        {"registered_job": MINE},
    ),
    Case(
        "warm_one_in_the_way",
        P,
        endpoint({"v0-e1": 0, "v1-e1": 100}),
        "make_room",
        P,
        (DeleteDeployment,),
        OURS | {"warm": Warm("v0-e1", NOON + minutes(60))},
    ),
    Case("still_creating", V, endpoint(ON_1, updating=("v2-e1",)), "updating", V, (), OURS),
    Case(
        "not_visible_yet", V, endpoint(ON_1), "not_there_yet", V, (), OURS, now=NOON + minutes(0.5)
    ),
    Case("never_came", V, endpoint(ON_1), "order_again", V, (CreateDeployment,), OURS),
    Case(
        "failed",
        V,
        endpoint(ON_1, failed=("v2-e1",)),
        "provisioning_failed",
        V,
        (),
        OURS,
        back=True,
    ),
    Case(
        "to_the_last_minute", V, BUSY, "updating", V, (), OURS, now=NOON + POLICY.provisioning_max
    ),
    Case(
        "back_after_its_time",
        V,
        endpoint({"v1-e1": 100, "v2-e1": 0}),
        "rolled_back",
        Phase.ROLLED_BACK,
        (),
        OURS,
        rollout=BACK,
        now=NOON + minutes(31),
    ),
    Case("failed_mutely", V, MUTE, "provisioning_failed", V, (), OURS, back=True),
    Case("stands", V, endpoint({"v1-e1": 100, "v2-e1": 0}), "provisioned", S, (), OURS),
    Case(
        "too_late",
        V,
        endpoint(ON_1, updating=("v2-e1",)),
        "timed_out",
        V,
        (),
        OURS,
        now=NOON + minutes(31),
        back=True,
    ),
    Case("never_an_endpoint", P, None, "timed_out", P, now=NOON + minutes(31), back=True),
    Case("not_asked", S, endpoint({"v1-e1": 100, "v2-e1": 0}), "smoke_no_data", S, (), OURS),
    Case(
        "no_answer",
        S,
        endpoint({"v1-e1": 100, "v2-e1": 0}),
        "smoke_no_data",
        S,
        (),
        OURS,
        {"smoke": SILENT},
    ),
    Case(
        "wrong_answer",
        S,
        endpoint({"v1-e1": 100, "v2-e1": 0}),
        "smoke_failed",
        S,
        (),
        OURS,
        {"smoke": BROKEN},
        back=True,
    ),
    Case(
        "right_answer",
        S,
        endpoint({"v1-e1": 100, "v2-e1": 0}),
        "smoke_passed",
        C,
        (),
        OURS,
        {"smoke": PASSED},
    ),
    Case("shift", C, endpoint({"v1-e1": 100, "v2-e1": 0}), "shift", C, (SetTraffic,), OURS),
    Case("shift_first", C, endpoint(deployments=("v2-e1",)), "shift", C, (SetTraffic,)),
    Case(
        "stale_read_back",
        C,
        endpoint(ON_1, deployments=("v2-e1",)),
        "shift",
        C,
        (SetTraffic,),
        OURS,
    ),
    Case("first_of_all", C, endpoint({"v2-e1": 100}), "succeeded", Phase.SUCCEEDED),
    Case("deployment_gone", C, endpoint(ON_1), "deployment_gone", C, (), OURS, back=True),
    Case("reads_back", C, endpoint({"v1-e1": 90, "v2-e1": 10}), "step_begun", C, (), OURS),
    Case("soaks", C, TEN, "soaking", C, (), OURS, WELL, rollout=SOAKING, now=NOON + minutes(5)),
    Case("passes", C, TEN, "step_passed", C, (), OURS, WELL, rollout=SOAKING, now=LATE),
    Case("last_passes", C, ALL, "passed", Phase.SUCCEEDED, (), OURS, WELL, rollout=LAST, now=LATE),
    Case(
        "second_passes",
        C,
        endpoint({"v1-e1": 50, "v2-e1": 50}),
        "step_passed",
        C,
        (),
        OURS,
        health(v2=answers(100)),
        LATE,
        SOAKING | {"step": 1, "failed_checks": 1, "usual_ms": 10.0},
    ),
    Case("errors", C, TEN, "errors", C, (), OURS, SICK, rollout=SOAKING, back=True),
    Case("errors_at_100", C, ALL, "errors", C, (), OURS, SICK, rollout=LAST, back=True),
    Case("slow", C, TEN, "slow", C, (), OURS, SLOW, rollout=SOAKING, now=LATE, back=True),
    Case("slow_at_100", C, ALL, "slow", C, (), OURS, ALONE_SLOW, rollout=LAST, back=True),
    Case("soaked", C, TEN, "step_passed", C, (), OURS, WELL, rollout=SOAKING, now=SOAKED),
    Case("nearly_soaked", C, TEN, "soaking", C, (), OURS, WELL, rollout=SOAKING, now=NEARLY),
    Case("sick_at_once", C, TEN, "sick_champion", C, (), OURS, ILL, rollout=SOAKING, now=NEARLY),
    Case("by_itself", C, TEN, "step_passed", C, (), OURS, ILL, rollout=ALONE, now=LATE),
    Case("past_the_last_step", C, ALL, "step_begun", C, (), OURS, rollout={"step": 5}),
    Case("champion_sick", C, TEN, "sick_champion", C, (), OURS, ILL, rollout=SOAKING, now=LATE),
    Case("both_sick", C, TEN, "both_sick", C, (), OURS, BOTH, rollout=SOAKING, now=LATE),
    Case("no_callers", C, TEN, "topped_up", C, (TopUp,), OURS, NOBODY, rollout=SOAKING, now=LATE),
    Case("few_callers", C, TEN, "topped_up", C, (TopUp,), OURS, FEW, rollout=SOAKING, now=LATE),
    Case("topped_up", C, TEN, "step_passed", C, (), OURS, TOPPED, rollout=SOAKING, now=LATE),
    Case(
        "never_any_data",
        C,
        TEN,
        "no_data_for_long",
        C,
        (),
        OURS,
        NOBODY,
        rollout=SOAKING,
        now=NOON + minutes(71),
        back=True,
    ),
    Case(
        "no_data_to_the_last_minute",
        C,
        TEN,
        "topped_up",
        C,
        (TopUp,),
        OURS,
        NOBODY,
        rollout=SOAKING,
        now=NOON + minutes(70),
    ),
    Case(
        "by_hand",
        C,
        endpoint({"v1-e1": 50, "v2-e1": 50}),
        "hand_changed",
        C,
        (SetTraffic,),
        OURS,
        rollout=SOAKING,
    ),
    Case(
        "paused_well",
        C,
        TEN,
        "paused",
        C,
        (),
        OURS,
        WELL,
        rollout=SOAKING | {"paused": True},
        now=LATE,
    ),
    Case(
        "paused_sick",
        C,
        TEN,
        "errors",
        C,
        (),
        OURS,
        SICK,
        rollout=SOAKING | {"paused": True},
        back=True,
    ),
    Case(
        "paused_at_another_share",
        C,
        endpoint({"v1-e1": 100, "v2-e1": 0}),
        "paused",
        C,
        (),
        OURS,
        rollout={"paused": True},
    ),
    Case(
        "paused_before",
        V,
        endpoint({"v1-e1": 100, "v2-e1": 0}),
        "paused",
        V,
        (),
        OURS,
        rollout={"paused": True},
    ),
    Case(
        "refused",
        V,
        endpoint(ON_1),
        "order_refused",
        V,
        (),
        OURS | {"order_refused": "quota"},
        back=True,
    ),
    Case("goes_back", C, TEN, "go_back", C, (SetTraffic,), OURS, rollout=BACK),
    Case(
        "went_back",
        C,
        endpoint({"v1-e1": 100, "v2-e1": 0}),
        "rolled_back",
        Phase.ROLLED_BACK,
        (),
        OURS,
        rollout=BACK,
    ),
    Case(
        "back_waits",
        C,
        endpoint({"v1-e1": 90, "v2-e1": 10}, updating=("v2-e1",)),
        "updating",
        C,
        (),
        OURS,
        rollout=BACK,
    ),
    Case(
        "back_first",
        V,
        endpoint(deployments=("v2-e1",)),
        "rolled_back",
        Phase.ROLLED_BACK,
        (),
        {},
        rollout=BACK,
    ),
    Case("back_gone", C, endpoint(ON_1), "rolled_back", Phase.ROLLED_BACK, (), OURS, rollout=BACK),
    Case(
        "back_to_itself",
        C,
        endpoint({"v2-e1": 100}),
        "rolled_back",
        Phase.ROLLED_BACK,
        (),
        {"champion": champion(2)},
        rollout=BACK,
    ),
    Case(
        "back_without_the_champion",
        C,
        endpoint({"v2-e1": 100}),
        "rolled_back",
        Phase.ROLLED_BACK,
        (),
        OURS,
        rollout=BACK,
    ),
    Case("back_nowhere", P, None, "rolled_back", Phase.ROLLED_BACK, (), {}, rollout=BACK),
    Case(
        "aborted",
        C,
        endpoint({"v1-e1": 100, "v2-e1": 0}),
        "aborted",
        Phase.ABORTED,
        (),
        OURS,
        rollout=BACK | {"ending": Phase.ABORTED},
    ),
    Case(
        "superseded_at_zero",
        P,
        endpoint({"v1-e1": 90, "v0-e1": 10}),
        "clear_the_way",
        P,
        (SetTraffic,),
        OURS,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_one_step(case: Case) -> None:
    """Every phase has one step for each way the endpoint can be."""
    before = state(**case.state, rollout=rollout(case.phase, **case.rollout), last_version=2)
    step = advance(moment(before, case.now, endpoint=case.endpoint, **case.seen))
    assert step.reasons[0].code == case.code
    assert step.state.rollout is not None
    assert step.state.rollout.phase is case.after
    assert bool(step.state.rollout.going_back) is (case.back or "going_back" in case.rollout)
    assert tuple(type(action) for action in step.actions) == case.actions
    assert step.due_at is not None
    for action in step.actions:
        if isinstance(action, SetTraffic):
            assert sum(action.traffic.values()) == 100
            assert case.endpoint is not None
            assert set(action.traffic) == set(case.endpoint.deployments)
    TOLD.check(case.name, step_in_full(before, step, case.now))


def test_every_row_is_told_in_full() -> None:
    """Nothing is told of rows that are gone."""
    TOLD.check_rows(case.name for case in CASES)
    resting = [row[0] for row in WATCHED] + [f"warm_{row[0]}" for row in RETIRE]
    resting += [f"adopted_{row[0]}" for row in ADOPTED] + ["adopted_in_flight", "new_image"]
    AT_REST.check_rows(resting)


def test_success_crowns_the_version() -> None:
    """When the traffic reads back the version rules and the old one is kept warm."""
    last = rollout(C, **LAST)
    before = state(champion=champion(1), former=(version(0),), rollout=last, last_version=2)
    after = advance(moment(before, LATE, endpoint=ALL, **WELL)).state
    assert after.champion is not None
    assert after.champion.subject == Subject(2, 1)
    assert after.warm == Warm("v1-e1", LATE + minutes(60), version(1), 1)
    assert [former.number for former in after.former] == [1, 0]
    assert after.address == Address("https://localhost/score", 2, "v2-e1")


def test_failed_rollout_never_touches_the_champion() -> None:
    """A deployment that is given up is deleted later; the champion and its address stay."""
    address = Address("https://localhost/score", 1, "v1-e1")
    before = state(champion=champion(1), address=address, rollout=rollout(V), last_version=2)
    failed = endpoint(ON_1, failed=("v2-e1",))
    turned = advance(moment(before, SOON, endpoint=failed)).state
    after = advance(moment(turned, SOON, endpoint=failed)).state
    assert (after.champion, after.address) == (champion(1), address)
    assert after.warm == Warm("v2-e1", SOON)
    assert "image pull failed" in after.last_refusal


def test_number_taken_by_hand_is_passed_over() -> None:
    """Somebody's own registration under our number does not stop a promoted version."""
    before = state(rollout=rollout(P), last_version=2)
    seen = moment(before, SOON, endpoint=endpoint(), registered_job="somebody-1")
    after = advance(seen).state
    assert after.rollout is not None
    assert (after.rollout.version.number, after.last_version) == (3, 3)


def test_each_step_writes_its_share() -> None:
    """The map of a step is full: champion and canary add up to a hundred, the others have none."""
    there = endpoint({"v0-e1": 0, "v1-e1": 100, "v2-e1": 0})
    written = []
    for step in range(3):
        before = state(champion=champion(1), rollout=rollout(C, step=step), last_version=2)
        for action in advance(moment(before, SOON, endpoint=there)).actions:
            assert isinstance(action, SetTraffic)
            written.append(dict(action.traffic))
    assert written == [
        {"v0-e1": 0, "v1-e1": 90, "v2-e1": 10},
        {"v0-e1": 0, "v1-e1": 50, "v2-e1": 50},
        {"v0-e1": 0, "v1-e1": 0, "v2-e1": 100},
    ]


def test_failed_checks_have_a_budget() -> None:
    """A policy may forgive so many failed checks in a step, and not one more."""
    patient = replace(POLICY, failed_checks_allowed=1)
    before = state(champion=champion(1), rollout=rollout(C, **SOAKING), last_version=2)
    first = advance(moment(before, SOON, patient, endpoint=TEN, **SICK))
    assert first.state.rollout is not None
    assert (first.state.rollout.going_back, first.state.rollout.failed_checks) == ("", 1)
    assert [reason.code for reason in first.reasons] == ["errors"]
    assert "v2-e1 10 requests, 4 failed" in first.reasons[0].text
    second = advance(moment(first.state, SOON, patient, endpoint=TEN, **SICK))
    assert second.state.rollout is not None
    assert second.state.rollout.going_back


ADOPTED: list[tuple[str, dict[str, Any], EndpointFacts]] = [
    ("by_hand", {}, endpoint({"v1-e1": 50, "v9-e1": 50})),
    ("warm_by_hand", {"warm": Warm("v9-e1", NOON)}, endpoint({"v1-e1": 50, "v9-e1": 50})),
    ("loose", {}, endpoint({"v1-e1": 100, "v9-e1": 0, "v8-e1": 0})),
    ("loose_and_warm", {"warm": Warm("v8-e1", LATE)}, endpoint({"v1-e1": 100, "v8-e1": 0})),
    ("loose_while_updating", {}, endpoint({"v1-e1": 100, "v9-e1": 0}, updating=("v9-e1",))),
]


@pytest.mark.parametrize(("name", "has", "there"), ADOPTED, ids=[row[0] for row in ADOPTED])
def test_what_others_did_can_be_adopted_at_rest(
    name: str, has: dict[str, Any], there: EndpointFacts
) -> None:
    """By policy a hand on the traffic is noticed and left alone; what serves nobody goes."""
    kind = replace(spec(), rollout=replace(POLICY, hand_changed="adopt"))
    before = state(champion=champion(1), last_version=1, **has)
    plan = decide(facts(before, endpoint=there), kind, SOON)
    AT_REST.check(f"adopted_{name}", plan_in_full(before, plan, SOON))


def test_traffic_changed_by_hand_can_be_adopted() -> None:
    """By policy a hand on the traffic pauses the rollout instead of being undone."""
    adopting = replace(POLICY, hand_changed="adopt")
    before = state(champion=champion(1), rollout=rollout(C, **SOAKING), last_version=2)
    there = endpoint({"v1-e1": 50, "v2-e1": 50})
    step = advance(moment(before, SOON, adopting, endpoint=there))
    AT_REST.check("adopted_in_flight", step_in_full(before, step, SOON))
    assert step.actions == ()
    assert step.state.rollout is not None
    assert step.state.rollout.paused
    held = advance(moment(step.state, SOON, adopting, endpoint=there))
    assert held.actions == ()
    resume = Order("order-1", "1", "ada", "seen to", NOON, Verb.RESUME)
    (resumed,) = obey(step.state, (resume,), SOON)
    again = advance(moment(resumed.state, SOON, adopting, endpoint=there))
    assert again.actions == (SetTraffic({"v1-e1": 90, "v2-e1": 10}),)


def test_pause_between_two_steps_keeps_the_next_share_back() -> None:
    """A pause that comes when a step has passed and the next is not written leaves the traffic."""
    before = state(champion=champion(1), rollout=rollout(C, step=1, paused=True), last_version=2)
    step = advance(moment(before, SOON, endpoint=TEN))
    assert step.actions == ()
    assert [reason.code for reason in step.reasons] == ["paused"]


def test_steps_are_those_that_the_rollout_began_with() -> None:
    """Other steps in the model's file are for the next rollout: none gets a share unjudged."""
    smoking = state(champion=champion(1), rollout=rollout(S), last_version=2)
    there = endpoint({"v1-e1": 100, "v2-e1": 0})
    step = advance(moment(smoking, SOON, POLICY, endpoint=there, smoke=PASSED))
    fewer = replace(POLICY, steps=(30, 100))
    first = advance(moment(step.state, SOON, fewer, endpoint=there))
    assert first.actions == (SetTraffic({"v1-e1": 90, "v2-e1": 10}),)


WATCHED: list[tuple[str, EndpointFacts | None, bool]] = [
    ("as_it_should_be", endpoint(ON_1), False),
    ("by_hand", endpoint({"v1-e1": 50, "v9-e1": 50}), True),
    ("all_gone", endpoint(deployments=("v1-e1",)), True),
    ("updating", endpoint({"v9-e1": 100}, updating=("v1-e1",)), False),
    ("champion_gone", endpoint({"v9-e1": 100}), False),
    ("not_looked_at", None, False),
]


@pytest.mark.parametrize(("name", "there", "mended"), WATCHED, ids=[row[0] for row in WATCHED])
def test_traffic_is_watched_at_rest(name: str, there: EndpointFacts | None, mended: bool) -> None:
    """When nothing rolls out the champion has all traffic, or gets it back."""
    before = state(champion=champion(1), last_version=1)
    plan = decide(facts(before, endpoint=there), spec(), SOON)
    orders = [action for action in plan.actions if isinstance(action, SetTraffic)]
    assert bool(orders) is mended
    assert all(dict(order.traffic)["v1-e1"] == 100 for order in orders)
    AT_REST.check(name, plan_in_full(before, plan, SOON))


RETIRE: list[tuple[str, EndpointFacts | None, str, int, bool]] = [
    ("due", endpoint({"v1-e1": 100, "v0-e1": 0}), "retire", 1, True),
    ("updating", endpoint({"v1-e1": 100}, updating=("v0-e1",)), "updating", 0, True),
    ("gone", endpoint(ON_1), "retired", 0, False),
    ("endpoint_gone", None, "retired", 0, False),
]


@pytest.mark.parametrize(
    ("name", "there", "code", "orders", "kept"), RETIRE, ids=[row[0] for row in RETIRE]
)
def test_warm_deployment_retires(
    name: str, there: EndpointFacts | None, code: str, orders: int, kept: bool
) -> None:
    """After the warm time the old deployment goes, on a pass that may write."""
    before = state(champion=champion(1), warm=Warm("v0-e1", NOON))
    plan = decide(facts(before, endpoint=there), spec(), SOON)
    assert code in [reason.code for reason in plan.reasons]
    assert len(plan.actions) == orders
    assert (plan.state.warm is not None) is kept
    AT_REST.check(f"warm_{name}", plan_in_full(before, plan, SOON))


LOOSE: list[tuple[str, EndpointFacts | None, str | None]] = [
    ("nothing_loose", endpoint({"v2-e1": 100, "v1-e1": 0}), None),
    ("superseded", endpoint({"v2-e1": 100, "v1-e1": 0, "v0-e1": 0}), "v0-e1"),
    ("updating", endpoint({"v2-e1": 100, "v0-e1": 0}, updating=("v1-e1",)), None),
    ("not_looked_at", None, None),
]


@pytest.mark.parametrize(("name", "there", "gone"), LOOSE, ids=[row[0] for row in LOOSE])
def test_what_nothing_refers_to_is_cleared_away(
    name: str, there: EndpointFacts | None, gone: str | None
) -> None:
    """A first version that was superseded before it ruled leaves a deployment: it is deleted."""
    before = state(champion=champion(2), warm=Warm("v1-e1", SOON + minutes(60)), last_version=2)
    plan = decide(facts(before, endpoint=there), spec(), SOON)
    deleted = [action.deployment for action in plan.actions if isinstance(action, DeleteDeployment)]
    assert deleted == ([gone] if gone else [])


def test_warm_deployment_that_was_given_callers_by_hand_is_adopted() -> None:
    """Where changes by hand are adopted, what has callers by one is neither deleted nor awaited."""
    adopting = replace(spec(), rollout=replace(POLICY, hand_changed="adopt"))
    before = state(champion=champion(1), warm=Warm("v0-e1", NOON))
    there = endpoint({"v1-e1": 30, "v0-e1": 70})
    plan = decide(facts(before, endpoint=there), adopting, SOON)
    assert plan.actions == ()
    assert plan.state.warm is None
    back = decide(facts(plan.state, endpoint=endpoint({"v1-e1": 100, "v0-e1": 0})), adopting, SOON)
    assert back.actions == (DeleteDeployment("v0-e1"),)


def test_new_image_is_a_rollout_of_the_same_version() -> None:
    """A newer serving environment goes the same careful way for the champion's version."""
    before = state(champion=champion(1), last_version=1)
    seen = facts(before, release=Release("noon_retrain:abc", 2))
    plan = decide(seen, spec(), SOON)
    assert plan.kind is Kind.ACTED
    assert plan.state.rollout is not None
    assert plan.state.rollout.deployment == "v1-e2"
    assert plan.state.last_version == 1
    AT_REST.check("new_image", plan_in_full(before, plan, SOON))


NOT_NEW: list[tuple[str, ModelState, Release | None]] = [
    ("no_champion", state(), Release("c", 2)),
    ("same", state(champion=champion(1)), Release("c", 1)),
    ("no_release", state(champion=champion(1)), None),
    (
        "tried_and_rolled_back",
        state(champion=champion(1), rollout=rollout(Phase.ROLLED_BACK, 1, environment=2)),
        Release("c", 2),
    ),
]


@pytest.mark.parametrize(("name", "of", "release"), NOT_NEW, ids=[row[0] for row in NOT_NEW])
def test_image_that_is_not_new(name: str, of: ModelState, release: Release | None) -> None:
    """The same image is not rolled out twice, and one that failed is not tried for ever."""
    plan = decide(facts(of, release=release), spec(), SOON)
    assert plan.state.rollout == of.rollout


def test_superseded_canary_makes_room() -> None:
    """Of three deployments in turn, the one that neither rules nor comes goes first."""
    before = state(champion=champion(1), rollout=rollout(P, 3), last_version=3)
    there = endpoint({"v1-e1": 100, "v2-e1": 0})
    step = advance(moment(before, SOON, endpoint=there))
    assert step.actions == (DeleteDeployment("v2-e1"),)


def test_only_what_matters_is_looked_at() -> None:
    """A model with nothing to do costs no look at Azure ML."""
    idle = facts(state(champion=champion(1)))
    look = wanted(idle.snapshot, idle.slots, spec(), SOON)
    assert (look.job, look.listing, look.endpoint, look.smoke) == (False, False, False, None)
    rolling = state(rollout=rollout(S))
    assert wants_endpoint(rolling, SOON)
    assert smoke_subject(rolling) == Subject(2, 1)
    assert wants_endpoint(state(warm=Warm("v0-e1", NOON)), SOON)
    assert not wants_endpoint(state(warm=Warm("v0-e1", NOON + timedelta(days=1))), SOON)


def test_rollout_begins_in_the_pass_after_the_verdict() -> None:
    """A pass never acts on an endpoint that it has not looked at."""
    new = facts(None)
    plan = decide(new, spec(), SOON)
    assert plan.state.model == "flights"
    assert plan.actions == ()
    assert plan.state.next_due_at <= SLOT.due_at + timedelta(days=1)
    assert plan.state.last_slot_at == YESTERDAY.due_at
