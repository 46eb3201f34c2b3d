"""What operators ask of rollouts, as a table: the rollout as it stands, the order, the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.events import Order, Verb
from shared.domain.rollout_orders import obey
from shared.domain.state import Address, Phase, Rollout, Warm
from tests.builders import NOON, champion, minutes, rollout, state, version
from tests.domain.told import Told, step_in_full

TOLD = Told("rollout_orders")
LATER = NOON + minutes(5)
SOAKS = rollout(Phase.CANARY, soaking_since=NOON)
KEPT = Warm("v1-e4", NOON + minutes(60), version(1), 4)
FAILED = Warm("v2-e1", NOON)
CONTAINER = Address("https://score", 2, "v2-e1", "container")
ENDPOINT = replace(CONTAINER, serving="managed_endpoint")
RULES: dict[str, Any] = {"champion": champion(2)}


def order(verb: Verb, number: int = 1) -> Order:
    """An order of Ada's; later ones have higher numbers."""
    when = NOON + minutes(number)
    return Order(f"order-{number}", str(number), "Ada", "a holiday", when, verb)


CASES: list[tuple[str, Verb, Rollout | None, dict[str, Any]]] = [
    ("pause", Verb.PAUSE, SOAKS, RULES),
    ("pause_before_it_soaks", Verb.PAUSE, rollout(Phase.SMOKE), RULES),
    ("resume", Verb.RESUME, rollout(Phase.CANARY, soaking_since=NOON, paused=True), RULES),
    ("resume_before_it_soaks", Verb.RESUME, rollout(Phase.SMOKE, paused=True), RULES),
    ("abort", Verb.ABORT, rollout(Phase.CANARY, paused=True), RULES),
    ("rollback_in_flight", Verb.ROLLBACK, SOAKS, RULES | {"warm": KEPT}),
    ("already_going_back", Verb.ABORT, rollout(Phase.CANARY, going_back="slow"), RULES),
    ("proceed", Verb.PROCEED, SOAKS, RULES),
    ("proceed_again", Verb.PROCEED, replace(SOAKS, alone="Bo: errors"), RULES),
    ("proceed_without_a_champion", Verb.PROCEED, SOAKS, {}),
    ("proceed_with_a_container", Verb.PROCEED, SOAKS, RULES | {"address": CONTAINER}),
    ("proceed_on_an_endpoint", Verb.PROCEED, SOAKS, RULES | {"address": ENDPOINT}),
    ("nothing_to_pause", Verb.PAUSE, None, RULES),
    ("ended_before", Verb.RESUME, rollout(Phase.ABORTED), RULES),
    ("back_to_what_is_warm", Verb.ROLLBACK, rollout(Phase.SUCCEEDED), RULES | {"warm": KEPT}),
    ("back_to_a_former_one", Verb.ROLLBACK, None, RULES | {"former": (version(1), version(0))}),
    (
        "given_up_is_no_former_one",
        Verb.ROLLBACK,
        rollout(Phase.ROLLED_BACK),
        RULES | {"warm": FAILED, "former": (version(1),)},
    ),
    ("nothing_to_return_to", Verb.ROLLBACK, None, RULES),
    ("never_a_champion", Verb.ROLLBACK, None, {"warm": KEPT, "former": (version(1),)}),
]


@pytest.mark.parametrize(("name", "verb", "of", "has"), CASES, ids=[row[0] for row in CASES])
def test_an_order_is_obeyed_or_refused(
    name: str, verb: Verb, of: Rollout | None, has: dict[str, Any]
) -> None:
    """Whatever is asked, one step answers it and is filed under the order."""
    before = state(rollout=of, **has)
    (step,) = obey(before, (order(verb),), LATER)
    assert "order:1" in step.about
    TOLD.check(name, step_in_full(before, step, LATER))


def test_every_row_is_told_in_full() -> None:
    """Nothing is told of rows that are gone."""
    TOLD.check_rows(row[0] for row in CASES)


def test_orders_are_taken_in_their_order() -> None:
    """The later order sees what the earlier one did, however they were read."""
    given = (order(Verb.PAUSE, 3), order(Verb.RESUME, 2), order(Verb.ABORT, 4))
    steps = obey(state(rollout=SOAKS), given, LATER)
    said = [step.reasons[0].code for step in steps]
    assert said == ["resume_ordered", "pause_ordered", "abort_ordered"]
    assert steps[-1].state.rollout is not None
    assert steps[-1].state.rollout.ending is Phase.ABORTED
    assert [step.about[-1] for step in steps] == ["order:2", "order:3", "order:4"]


def test_an_order_to_train_is_somebody_elses() -> None:
    """Trainings are asked for in the same way and are nothing to a rollout."""
    assert obey(state(rollout=SOAKS), (order(Verb.TRAIN),), LATER) == []
