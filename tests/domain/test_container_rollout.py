"""The container's rollout as a table: phase, what is published and said, the step that follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from shared.domain.actions import Action, PublishVersion, RegisterModel, WithdrawVersion
from shared.domain.container_rollout import advance, watch
from shared.domain.decision import Kind
from shared.domain.events import Order, Verb
from shared.domain.facts import (
    ContainerFacts,
    ContainerSays,
    Probe,
    Published,
    Release,
    SmokeFacts,
    Snapshot,
)
from shared.domain.plan import decide, wanted
from shared.domain.state import Address, ModelState, Phase, Warm
from tests.builders import (
    NOON,
    SLOT,
    champion,
    facts,
    minutes,
    moment,
    rollout,
    spec,
    state,
    version,
)
from tests.domain.told import Told, step_in_full

TOLD, WATCHED = Told("container_rollout"), Told("container_watched")
CONTAINER = replace(spec(), serving="container")
POLICY = CONTAINER.rollout
SOON, LATE = NOON + minutes(1), NOON + minutes(31)
MINE = "flights-data-2-a1"
URI = "https://score-flights.invalid/score"
V1, V2 = Published(1, "d1"), Published(2, "d2")
OURS = {"champion": champion(1), "address": Address(URI, 1, "v1-e1", "container")}
BACK = {"going_back": "smoke"}
PASSED = {"smoke": SmokeFacts(Probe.PASSED, "2 of 2 rows answered")}
BROKEN = {"smoke": SmokeFacts(Probe.FAILED, "500: no such column")}
SILENT = {"smoke": SmokeFacts(Probe.NO_DATA, "404: no such deployment")}
TO_1 = PublishVersion("champion", 1, "flights-data-1-a1")
TO_2 = PublishVersion("champion", 2, MINE)
TRY_2 = PublishVersion("challenger", 2, MINE)
AWAY = WithdrawVersion("challenger")


def seen(
    champion: Published | None = V1,
    challenger: Published | None = V2,
    has: tuple[Published | None, Published | None] | None = (V1, V2),
    refused: dict[str, str] | None = None,
    environment: int = 1,
) -> ContainerFacts:
    """What is published; `has` is what the container holds, None that it cannot be asked."""
    says = ContainerSays(environment, *has, refused or {}) if has else None
    return ContainerFacts(URI, champion, challenger, says, "" if says else "refused")


@dataclass(frozen=True)
class Case:
    """One row: what is so, and what must follow."""

    name: str
    phase: Phase
    seen: ContainerFacts
    code: str
    after: Phase
    actions: tuple[Action, ...] = ()
    state: dict[str, Any] = field(default_factory=lambda: OURS)
    facts: dict[str, Any] = field(default_factory=dict)
    rollout: dict[str, Any] = field(default_factory=dict)
    now: datetime = SOON
    back: bool = False
    """The version is given up: the order to go back follows."""


P, L, S, W = Phase.PENDING, Phase.PROVISIONING, Phase.SMOKE, Phase.CANARY
DONE, GONE = Phase.SUCCEEDED, Phase.ROLLED_BACK
OLD = seen(V1, None, (V1, None))
SWITCHED = seen(V2, V2, (V2, V2))
BAD = {"d2": "model.onnx: cannot score sample.json"}
NOTHING = seen(None, None, (None, None))
REGISTERED = {"registered_job": MINE}
REFUSED = OURS | {"order_refused": "could not publish version 2: no model folder"}
PAUSED = {"paused": True}
INSTANT = {"instant": True}

CASES = [
    Case("register_first", P, OLD, "register", P),
    Case("then_publish", P, OLD, "provision", L, (TRY_2,), facts=REGISTERED),
    Case("first_of_all", P, NOTHING, "provision", L, (TRY_2,), {}, REGISTERED),
    Case("number_taken", P, OLD, "number_taken", P, facts={"registered_job": "other"}),
    Case("silence_is_no_reason_to_wait", P, seen(V1, None, None), "provision", L, (TRY_2,),
         facts=REGISTERED),
    Case("superseded_in_the_switch", P, seen(V1, V1, (V1, V1)), "clear_the_way", P,
         (PublishVersion("champion", 3, "flights-data-3-a1"),), {"champion": champion(3)}),
    Case("pause_waits", P, OLD, "paused", P, rollout=PAUSED),
    Case("not_published", L, OLD, "order_again", L, (TRY_2,)),
    Case("another_challenger", L, seen(V1, V1), "order_again", L, (TRY_2,)),
    Case("silent", L, seen(has=None), "container_silent", L),
    Case("nothing_loaded", L, seen(has=(None, None)), "loading", L),
    Case("not_loaded", L, seen(has=(V1, None)), "loading", L),
    Case("another_digest_loaded", L, seen(has=(V1, Published(2, "old"))), "loading", L),
    Case("loaded", L, seen(), "provisioned", S),
    Case("cannot_load", L, seen(has=(V1, None), refused=BAD), "load_failed", L, back=True),
    Case("refused_another", L, seen(refused={"d9": "no"}), "provisioned", S),
    Case("never_loaded", L, seen(has=(V1, None)), "timed_out", L, now=LATE, back=True),
    Case("never_answered", L, seen(has=None), "timed_out", L, now=LATE, back=True),
    Case("pause_does_not_time_out", L, seen(), "paused", L, now=LATE, rollout=PAUSED),
    Case("order_refused", L, OLD, "order_refused", L, (), REFUSED, back=True),
    Case("not_asked", S, seen(), "smoke_no_data", S),
    Case("no_answer", S, seen(), "smoke_no_data", S, facts=SILENT),
    Case("bad_answer", S, seen(), "smoke_failed", S, facts=BROKEN, back=True),
    Case("good_answer", S, seen(), "smoke_passed", W, (TO_2,), facts=PASSED),
    Case("never_an_answer", S, seen(), "timed_out", S, facts=SILENT, now=LATE, back=True),
    Case("pause_before_the_switch", S, seen(), "paused", S, facts=PASSED, rollout=PAUSED),
    Case("switch_was_lost", W, seen(), "switch", W, (TO_2,)),
    Case("not_switched_yet", W, seen(V2, V2), "switching", W),
    Case("silent_in_the_switch", W, seen(V2, V2, None), "switching", W),
    Case("read_back", W, SWITCHED, "succeeded", DONE, (AWAY,)),
    Case("nothing_left_over", W, seen(V2, None, (V2, None)), "succeeded", DONE),
    Case("first_champion", W, SWITCHED, "succeeded", DONE, (AWAY,), {}),
    Case("never_switched", W, seen(V2, V2), "timed_out", W, now=LATE, back=True),
    Case("cannot_load_it_again", W, seen(V2, None, (V1, None), BAD), "load_failed", W, back=True),
    Case("pointer_back", W, seen(V2, V2), "go_back", W, (TO_1, AWAY), rollout=BACK),
    Case("challenger_goes", S, seen(), "go_back", S, (AWAY,), rollout=BACK),
    Case("first_goes_back", W, SWITCHED, "go_back", W, (WithdrawVersion("champion"), AWAY), {},
         rollout=BACK),
    Case("back_while_silent", S, seen(has=None), "go_back", S, (AWAY,), rollout=BACK),
    Case("it_is_back", S, OLD, "rolled_back", GONE, rollout=BACK),
    Case("nothing_to_take_back", L, NOTHING, "rolled_back", GONE, (), {}, rollout=BACK),
    Case("aborted", L, OLD, "aborted", Phase.ABORTED,
         rollout={"going_back": "asked", "ending": Phase.ABORTED}),
    Case("instant_return", W, OLD, "switch", W, (TO_2,), rollout=INSTANT),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_step(case: Case) -> None:
    """Each row takes exactly its step, and says why."""
    rolling = rollout(case.phase, **case.rollout)
    before = state(rollout=rolling, **case.state)
    step = advance(moment(before, case.now, container=case.seen, **case.facts))
    assert step.state.rollout is not None
    got = [action for action in step.actions if not isinstance(action, RegisterModel)]
    assert (step.reasons[0].code, step.state.rollout.phase) == (case.code, case.after)
    assert got == list(case.actions)
    assert bool(step.state.rollout.going_back) == (case.back or "going_back" in case.rollout)
    TOLD.check(case.name, step_in_full(before, step, case.now))
    assert step.due_at is not None
    assert step.due_at >= case.now


def test_every_row_is_told_in_full() -> None:
    """Nothing is told of rows that are gone."""
    TOLD.check_rows(case.name for case in CASES)
    WATCHED.check_rows(case.name for case in QUIET)


def test_every_reason_is_in_the_table() -> None:
    """Whatever a rollout of this kind can say, some row shows when."""
    said = {case.code for case in CASES}
    assert said == {
        "aborted", "clear_the_way", "container_silent", "go_back", "load_failed", "loading",
        "number_taken", "order_again", "order_refused", "paused", "provision", "provisioned",
        "register", "rolled_back", "smoke_failed", "smoke_no_data", "smoke_passed", "succeeded",
        "switch", "switching", "timed_out",
    }  # fmt: skip


def test_success_changes_who_is_asked() -> None:
    """Callers are sent to the container, and the former champion can be returned to at once."""
    before = state(rollout=rollout(Phase.CANARY), **OURS)
    after = advance(moment(before, SOON, container=SWITCHED)).state
    assert after.champion is not None
    assert after.champion.version.number == 2
    assert after.address == Address(URI, 2, "v2-e1", "container")
    assert after.warm == Warm("v1-e1", SOON + POLICY.keep_warm, version(1), 1)
    assert [each.number for each in after.former] == [1]


def test_the_container_says_which_image_it_runs() -> None:
    """A container that comes with a newer image gives the deployment its name."""
    before = state(rollout=rollout(Phase.PROVISIONING), **OURS)
    newer = seen(environment=4)
    after = advance(moment(before, SOON, container=newer)).state
    assert after.rollout is not None
    assert after.rollout.deployment == "v2-e4"


@dataclass(frozen=True)
class Quiet:
    """One row while nothing rolls out."""

    name: str
    seen: ContainerFacts | None
    code: str | None
    actions: tuple[Action, ...] = ()
    state: dict[str, Any] = field(default_factory=lambda: OURS)
    adopt: bool = False


ELSEWHERE = {"champion": champion(1), "address": Address("https://other", 1, "v1-e1")}
TRIED = rollout(Phase.ROLLED_BACK, number=1)
WARM = Warm("v1-e1", NOON, version(1), 1)
MOVED = OURS | {"address": Address("https://before", 1, "v1-e1", "container")}
QUIET = [
    Quiet("all_well", OLD, None),
    Quiet("not_looked_at", None, None),
    Quiet("silent", seen(V1, None, None), None),
    Quiet("still_loading", seen(V1, None, (None, None)), None),
    Quiet("no_champion", NOTHING, None, (), {}),
    Quiet("pointer_changed", seen(V2, None), "hand_changed", (TO_1,)),
    Quiet("pointer_gone", seen(None, None), "hand_changed", (TO_1,)),
    Quiet("pointer_adopted", seen(V2, None), "hand_changed", adopt=True),
    Quiet("left_challenger", seen(V1, V2, (V1, V2)), "clear_away", (AWAY,)),
    Quiet("new_image", seen(V1, None, (V1, None), environment=2), "new_image"),
    Quiet("served_elsewhere", NOTHING, "move_in", (), ELSEWHERE),
    Quiet("moved_in_vain", NOTHING, None, (), ELSEWHERE | {"rollout": TRIED}),
    Quiet("new_address", OLD, "new_image", (), MOVED),
    Quiet("still_warm", OLD, None, (), OURS | {"warm": replace(WARM, until=LATE)}),
    Quiet("warm_until_now", OLD, "retired", (), OURS | {"warm": replace(WARM, until=SOON)}),
    Quiet("warm_is_over", OLD, "retired", (), OURS | {"warm": WARM}),
]


@pytest.mark.parametrize("case", QUIET, ids=[case.name for case in QUIET])
def test_between_rollouts(case: Quiet) -> None:
    """What somebody else changed is noticed, and nothing else is done."""
    before = state(**case.state)
    policy = replace(POLICY, hand_changed="adopt" if case.adopt else "restore")
    steps = watch(moment(before, SOON, policy, container=case.seen))
    assert [reason.code for step in steps for reason in step.reasons] == (
        [case.code] if case.code else []
    )
    assert tuple(action for step in steps for action in step.actions) == case.actions
    held = Kind.HELD if case.adopt else Kind.ACTED
    assert [step.kind for step in steps if step.reasons] == ([held] if case.code else [])
    lines = (line for step in steps for line in step_in_full(before, step, SOON))
    WATCHED.check(case.name, lines)


def test_a_newer_image_of_the_endpoint_is_nothing_to_a_container() -> None:
    """Which image runs is the container's affair: a release starts no rollout."""
    before = state(**OURS)
    plan = decide(facts(before, container=OLD, release=Release("c", 9)), CONTAINER, SOON)
    assert plan.state.rollout is None


def test_the_new_image_is_known_to_callers() -> None:
    """The name that the container answers by is the one that is remembered."""
    before = state(**OURS)
    newer = seen(V1, None, (V1, None), environment=2)
    after: ModelState = decide(facts(before, container=newer), CONTAINER, SOON).state
    assert after.address == Address(URI, 1, "v1-e2", "container")
    assert after.champion is not None
    assert after.champion.deployment == "v1-e2"


def test_only_the_container_is_looked_at() -> None:
    """A model of this kind asks nothing of Azure ML's endpoints, and the other way round."""
    slots = facts(None).slots
    assert SLOT.due_at == NOON
    snapshot = Snapshot(state(rollout=rollout(Phase.SMOKE), **OURS), "e1")
    ours, theirs = (wanted(snapshot, slots, each, NOON) for each in (CONTAINER, spec()))
    assert (ours.container, ours.endpoint) == (True, False)
    assert (theirs.container, theirs.endpoint) == (False, True)


def test_operators_bring_the_former_version_back() -> None:
    """While the former version is warm, an order switches the pointer without a smoke test."""
    warm = Warm("v1-e1", NOON + minutes(60), version(1), 1)
    order = Order("order-o1", "o1", "Ada", "worse calls", NOON, Verb.ROLLBACK)
    before = state(champion=champion(2), warm=warm, address=Address(URI, 2, "v2-e1", "container"))
    asked = replace(facts(before), snapshot=Snapshot(before, "e1", orders=(order,)))
    between = decide(asked, CONTAINER, NOON).state
    now_2 = seen(V2, None, (V2, None))
    plan = decide(facts(between, container=now_2), CONTAINER, NOON)
    assert plan.actions == (TO_1,)
    back = decide(facts(plan.state, container=OLD), CONTAINER, SOON).state
    assert back.champion is not None
    assert back.champion.version.number == 1
