"""A whole pass: what is looked at, what is decided together, and how it is found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.chain_keys import (
    JOB,
    VERSION,
    deployment_key,
    job_key,
    missed_key,
    named,
    version_key,
)
from shared.domain.decision import Kind, strongest
from shared.domain.events import Landing, Order, Verb
from shared.domain.facts import (
    ContainerFacts,
    ContainerSays,
    JobFacts,
    JobStatus,
    Overtaken,
    Probe,
    Published,
    Release,
    Slot,
    SlotFacts,
    SmokeFacts,
    Snapshot,
)
from shared.domain.places import output_path
from shared.domain.plan import decide, idle, soaking, wanted
from shared.domain.policy import ModelSpec
from shared.domain.slots import slots_since
from shared.domain.state import Acceptance, Asker, ModelState, Phase, Warm
from tests.builders import (
    NOON,
    SLOT,
    TOMORROW,
    YESTERDAY,
    champion,
    endpoint,
    facts,
    files,
    keys,
    metrics_text,
    minutes,
    rollout,
    spec,
    state,
    training,
    version,
)
from tests.domain.told import Told, flat, plan_in_full

LOOKS, PASSES = Told("looks"), Told("passes")
CONTAINER = replace(spec(), serving="container")
SOON = NOON + minutes(1)
QUIET, DUE = SlotFacts(YESTERDAY, TOMORROW), SlotFacts(SLOT, TOMORROW)
LANDING = Landing("landing-1", NOON - minutes(3))
TRAIN = Order("order-1", "1", "Ada", "new labels", NOON)
PAUSE = replace(TRAIN, verb=Verb.PAUSE)
OURS: dict[str, Any] = {"champion": champion(1), "last_version": 1}
SOAKS = rollout(Phase.CANARY, soaking_since=NOON)
LATER = {"next_due_at": NOON + minutes(30)}

LOOKING: list[tuple[str, ModelState | None, dict[str, Any]]] = [
    ("never_seen", None, {}),
    ("at_rest", state(**OURS), {}),
    ("an_hour_after_the_last_listing", state(**OURS, listed_at=NOON - minutes(59)), {}),
    ("the_same_without_champion", state(listed_at=NOON - minutes(59)), {}),
    ("training", state(**OURS, training=training()), {}),
    ("slot_due", state(**OURS), {"slots": DUE}),
    ("landing_came", state(**OURS), {"landings": (LANDING,)}),
    ("order_to_train", state(**OURS), {"orders": (TRAIN,)}),
    ("order_to_pause", state(**OURS), {"orders": (PAUSE,)}),
    ("pending", state(**OURS, rollout=rollout()), {}),
    ("smoke", state(**OURS, rollout=rollout(Phase.SMOKE)), {}),
    ("smoke_going_back", state(**OURS, rollout=rollout(Phase.SMOKE, going_back="slow")), {}),
    ("soaks", state(**OURS, rollout=SOAKS), {}),
    ("soaks_no_more", state(**OURS, rollout=replace(SOAKS, going_back="slow")), {}),
    ("not_soaking_yet", state(**OURS, rollout=rollout(Phase.CANARY)), {}),
    ("soaked_before", state(**OURS, rollout=replace(SOAKS, phase=Phase.SUCCEEDED)), {}),
    ("warm_time_over", state(**OURS, warm=Warm("v0-e1", SOON)), {}),
    ("still_warm", state(**OURS, warm=Warm("v0-e1", SOON + timedelta(seconds=1))), {}),
]


@pytest.mark.parametrize(("name", "of", "seen"), LOOKING, ids=[row[0] for row in LOOKING])
def test_only_what_matters_is_looked_at(
    name: str, of: ModelState | None, seen: dict[str, Any]
) -> None:
    """What costs a request is asked only where the decision can depend on it."""
    given = {"slots": QUIET} | seen
    slots = given.pop("slots")
    snapshot = Snapshot(of, "e1", **given)
    lines = []
    for kind in (spec(), CONTAINER):
        look = wanted(snapshot, slots, kind, SOON)
        asked = (f"{key} {value}" for key, value in flat(look) if value not in ("False", "None"))
        lines.append(f"{kind.serving}: {', '.join(asked) or 'nothing'}")
    lines.append(f"may be judged without a lease: {soaking(snapshot)}")
    LOOKS.check(name, lines)


IDLE: list[tuple[str, ModelState | None, dict[str, Any], bool]] = [
    ("at_rest", state(**OURS, **LATER), {}, True),
    ("due_now", state(**OURS, next_due_at=SOON), {}, False),
    ("never_seen", None, {}, False),
    ("row_waits", state(**OURS, **LATER), {"landings": (LANDING,)}, False),
    ("order_waits", state(**OURS, **LATER), {"orders": (PAUSE,)}, False),
    ("training", state(**OURS, **LATER, training=training()), {}, False),
    ("rolls_out", state(**OURS, **LATER, rollout=rollout()), {}, False),
    ("rolled_out", state(**OURS, **LATER, rollout=rollout(Phase.SUCCEEDED)), {}, True),
    ("slot_due", state(**OURS, **LATER), {"slots": DUE}, False),
]


@pytest.mark.parametrize(("name", "of", "seen", "is_idle"), IDLE, ids=[row[0] for row in IDLE])
def test_a_pass_without_anything_to_do_is_known_before(
    name: str, of: ModelState | None, seen: dict[str, Any], is_idle: bool
) -> None:
    """A message for a model at rest ends after one query."""
    given = {"slots": QUIET} | seen
    slots = given.pop("slots")
    assert idle(Snapshot(of, "e1", **given), slots, SOON) is is_idle


DONE = JobFacts(training().job, JobStatus.COMPLETED)
LOST = JobFacts(training().job, JobStatus.FAILED, "node lost")
ON_1, BOTH = endpoint({"v1-e1": 100}), endpoint({"v1-e1": 90, "v2-e1": 10})
NAMED = ContainerFacts(
    "https://score",
    Published(1, "d1"),
    Published(2, "d2"),
    ContainerSays(1, Published(1, "d1"), Published(2, "d2")),
)
PASSED = SmokeFacts(Probe.PASSED, "2 rows answered")


def there(**changes: Any) -> dict[str, Any]:
    """The champion's endpoint as it should be, with these changes."""
    return {"endpoint": ON_1} | changes


EARLIER = (Slot("20261121t1200", NOON - timedelta(days=2)), YESTERDAY)
FEW = replace(DUE, overtaken=Overtaken(*EARLIER, 2, each=EARLIER))
MANY = replace(DUE, overtaken=Overtaken(*EARLIER, 1000))
COUNTLESS = replace(DUE, overtaken=Overtaken(*EARLIER, 1000, counted=False))
ACCEPT = replace(TRAIN, verb=Verb.ACCEPT, because="other classes")
LEAVE, STALE = Acceptance("0", 1, "Bo: other classes"), Acceptance("0", 9, "Bo: other classes")
SMOKING = endpoint({"v1-e1": 100, "v2-e1": 0})


def refused_to(asker: Asker) -> ModelState:
    """A training and a rollout in flight, and an order of one of them that was refused."""
    both = {"training": training(), "rollout": rollout(Phase.SMOKE)}
    return state(**OURS, **both, order_refused="quota", refused_to=asker)


PASSING: list[tuple[str, ModelState | None, dict[str, Any], ModelSpec]] = [
    ("first_look", None, {"listing": files("a")}, spec()),
    ("nothing_to_do", state(**OURS), there(listing=files("a"), pinned=keys("a")), spec()),
    (
        "landing_and_order_share_a_training",
        state(**OURS),
        there(
            landings=(LANDING, replace(LANDING, row="landing-2", received_at=NOON - minutes(5))),
            orders=(TRAIN,),
            listing=files("a", "b"),
            pinned=keys("a"),
        ),
        spec(),
    ),
    ("slot_has_its_job", state(**OURS), there(slots=DUE, listing=files("a")), spec()),
    ("order_to_accept", state(**OURS), there(orders=(ACCEPT,)), spec()),
    ("accepted_twice", state(**OURS, accepting=LEAVE), there(orders=(ACCEPT,)), spec()),
    ("accepted_another_before", state(**OURS, accepting=STALE), there(orders=(ACCEPT,)), spec()),
    ("nothing_to_accept", state(), there(orders=(ACCEPT,)), spec()),
    (
        "training_that_is_not_compared",
        state(**OURS, accepting=LEAVE),
        there(orders=(TRAIN,), listing=files("a")),
        spec(),
    ),
    (
        "its_verdict_uses_up_the_leave",
        state(**OURS, accepting=LEAVE, training=training(champion=None, accepted=LEAVE)),
        {"job": DONE, "metrics": metrics_text()},
        spec(),
    ),
    ("refused_to_the_training", refused_to("training"), {"endpoint": SMOKING}, spec()),
    ("refused_to_the_rollout", refused_to("rollout"), {"endpoint": SMOKING}, spec()),
    ("few_were_overtaken", state(**OURS), there(slots=FEW, listing=files("a")), spec()),
    ("many_were_overtaken", state(**OURS), there(slots=MANY, listing=files("a")), spec()),
    ("more_than_counted", state(**OURS), there(slots=COUNTLESS, listing=files("a")), spec()),
    ("overtaken_without_data", state(**OURS), there(slots=FEW, listing=()), spec()),
    (
        "slot_without_data",
        state(**OURS, waiting_order=TRAIN),
        there(slots=DUE, listing=()),
        spec(),
    ),
    ("another_attempt", state(**OURS, training=training()), there(job=LOST), spec()),
    (
        "job_given_up",
        state(**OURS, training=training(attempt=2)),
        there(job=LOST),
        spec(),
    ),
    (
        "first_version",
        state(training=training()),
        {"job": DONE, "metrics": metrics_text()},
        spec(),
    ),
    (
        "training_and_rollout_in_one_pass",
        state(**OURS, training=training(), rollout=rollout(Phase.SMOKE)),
        {
            "job": replace(DONE, status=JobStatus.RUNNING),
            "endpoint": endpoint({"v1-e1": 100, "v2-e1": 0}),
            "smoke": PASSED,
        },
        spec(),
    ),
    (
        "order_before_the_step",
        state(**OURS, rollout=SOAKS),
        {"orders": (PAUSE,), "endpoint": BOTH},
        spec(),
    ),
    ("traffic_shifts", state(**OURS, rollout=rollout(Phase.CANARY)), there(endpoint=BOTH), spec()),
    (
        "refusal_is_forgotten",
        state(**OURS, order_refused="quota", rollout=rollout(Phase.CANARY)),
        {"endpoint": endpoint({"v1-e1": 100}, deployments=("v2-e1",))},
        spec(),
    ),
    (
        "kept_warm",
        state(**OURS, warm=Warm("v0-e1", SOON + minutes(5), version(0), 1)),
        there(endpoint=endpoint({"v1-e1": 100, "v0-e1": 0})),
        spec(),
    ),
    ("new_image", state(**OURS), there(release=Release("noon_retrain:abc", 3)), spec()),
    (
        "container_switches",
        state(**OURS, rollout=rollout(Phase.SMOKE)),
        {"container": NAMED, "smoke": PASSED},
        CONTAINER,
    ),
]


@pytest.mark.parametrize(("name", "of", "seen", "kind"), PASSING, ids=[row[0] for row in PASSING])
def test_a_pass_is_one_decision(
    name: str, of: ModelState | None, seen: dict[str, Any], kind: ModelSpec
) -> None:
    """All that happens in a pass is told once, in its order, and looked at again in time."""
    given = dict(seen)
    snapshot = Snapshot(of, "e1", given.pop("landings", ()), given.pop("orders", ()))
    plan = decide(facts(of, **given, snapshot=snapshot), kind, SOON)
    PASSES.check(name, plan_in_full(of or state(), plan, SOON))
    assert len(plan.orders) == len(plan.actions)
    assert len(set(plan.about)) == len(plan.about)


def test_every_row_is_told_in_full() -> None:
    """Nothing is told of rows that are gone."""
    LOOKS.check_rows(row[0] for row in LOOKING)
    PASSES.check_rows(row[0] for row in PASSING)


def test_slots_are_counted_from_what_was_dealt_with() -> None:
    """Neither a slot before the model came nor one that had its turn is overtaken."""
    came = NOON - timedelta(days=30)
    assert slots_since(state(last_slot_at=None, listed_at=None)) == came
    assert slots_since(state(last_slot_at=None)) == NOON - minutes(10)
    assert slots_since(state(last_slot_at=NOON)) == NOON


def test_the_kind_that_says_most_is_the_decisions() -> None:
    """A pass that acted and held has acted; one that was refused something says so."""
    assert strongest([Kind.HELD, Kind.ACTED, Kind.COALESCED]) is Kind.ACTED
    assert strongest([Kind.REFUSED, Kind.ACTED]) is Kind.REFUSED
    assert strongest([]) is Kind.HELD


def test_things_are_named_by_their_keys() -> None:
    """What a decision is filed under says its kind first, so that it can be read back."""
    about = (version_key(3), deployment_key("v3-e1"), job_key("flights-a1"), version_key(4))
    assert (named(about, VERSION), named(about, JOB), named(about[:2], JOB)) == (
        "3",
        "flights-a1",
        "",
    )
    assert missed_key(SLOT.key) == "missed:20261123"
    assert (
        output_path("flights-a1", "model", "model.onnx") == "noon/runs/flights-a1/model/model.onnx"
    )
    assert output_path("flights-a1", "model") == "noon/runs/flights-a1/model/"
