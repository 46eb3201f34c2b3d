"""Whom a challenger is compared with, and when an operator lets one pass uncompared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.comparison import accept, against_whom, anchor_of, judged
from shared.domain.decision import Kind
from shared.domain.events import Order, Verb
from shared.domain.policy import GatePolicy
from shared.domain.promotion import Halt, Promote, Retain, judge
from shared.domain.state import Acceptance, ModelState
from tests.builders import NOON, against, champion, gate, metrics_text, state, training, version


def order(name: str = "o1") -> Order:
    """Leave to accept the next challenger."""
    return Order("row", name, "ann", "columns changed", NOON, Verb.ACCEPT)


LEAVE = Acceptance("o1", 3, "ann: columns changed")


def ruled(*values: float, **changes: object) -> ModelState:
    """A state whose versions had these values, the champion last."""
    versions = [version(number, value) for number, value in enumerate(values, 1)]
    former = tuple(reversed(versions[:-1]))
    rules = replace(champion(), version=versions[-1])
    return state(champion=rules, former=former, last_version=len(values), **changes)


def test_order_is_kept_with_who_and_why() -> None:
    """It says which champion it is about, and is looked at at once."""
    step = accept(ruled(0.7, 0.8, 0.7), order(), NOON)
    assert step.state.accepting == LEAVE
    assert (step.kind, step.due_at) == (Kind.ACTED, NOON)
    (reason,) = step.reasons
    assert reason.code == "accept_ordered"
    assert reason.text == ("the next challenger is judged without champion 3; ann: columns changed")


def test_second_order_joins_the_first() -> None:
    """Twice is harmless: one challenger is accepted, and the second order says whom it joins."""
    once = accept(ruled(0.7, 0.8, 0.7), order(), NOON).state
    twice = accept(once, order("o2"), NOON)
    assert (twice.state, twice.kind) == (once, Kind.COALESCED)
    assert twice.reasons[0].text == "order o2 joins order o1"


def test_order_about_a_champion_of_before_is_replaced() -> None:
    """Leave that was given beside another champion says nothing of the present one."""
    before = ruled(0.7, 0.8, 0.7, accepting=replace(LEAVE, champion=2, order_id="o0"))
    assert accept(before, order(), NOON).state.accepting == LEAVE


def test_without_a_champion_there_is_nothing_to_leave_out() -> None:
    """The first challenger is compared with no champion anyway."""
    step = accept(state(), order(), NOON)
    assert (step.kind, step.state) == (Kind.REFUSED, state())
    assert step.reasons[0].text.startswith("accept: there is no champion")
    assert step.reasons[0].text.endswith("ann: columns changed")


def test_training_is_compared_with_champion_and_anchor() -> None:
    """Unless somebody said otherwise."""
    plain = replace(training(), champion=None, anchor=None)
    assert against_whom(ruled(0.7, 0.8, 0.7), plain) == replace(plain, champion=3, anchor=2)
    assert against_whom(state(), plain) == plain


def test_accepted_training_is_compared_with_neither() -> None:
    """Only beside the champion that the leave is about."""
    plain = replace(training(), champion=None, anchor=None)
    leave = ruled(0.7, 0.8, 0.7, accepting=LEAVE)
    assert against_whom(leave, plain) == replace(plain, accepted=LEAVE)
    other = ruled(0.7, 0.8, accepting=LEAVE)
    assert against_whom(other, plain) == replace(plain, champion=2)


@pytest.mark.parametrize(
    ("accepted", "anchor"), [((), 1), ((1,), 1), ((2,), 2), ((3,), 3), ((4,), None), ((2, 3), 3)]
)
def test_anchor_is_not_from_before_an_accepted_version(
    accepted: tuple[int, ...], anchor: int | None
) -> None:
    """What came before cannot be scored on the same columns; what came since can."""
    before = ruled(0.9, 0.85, 0.8, 0.7)
    marked = tuple(
        replace(each, accepted="ann: x") if each.number in accepted else each
        for each in before.former
    )
    rules = before.champion
    assert rules is not None
    rules = replace(rules, version=replace(rules.version, accepted="x" if 4 in accepted else ""))
    found = anchor_of(replace(before, champion=rules, former=marked))
    assert (found.number if found else None) == anchor


def verdict(policy: GatePolicy | None = None, number: int = 3, **changes: object) -> object:
    """What the gate says of an uncompared challenger beside champion `number`."""
    text = metrics_text(**changes)
    accepted = training(champion=None, anchor=None, accepted=LEAVE)
    return judge(text, accepted, champion(number), policy or gate(), NOON + timedelta(hours=1))


def test_accepted_challenger_needs_the_baseline_and_says_who_vouches() -> None:
    """It is promoted without the champion, and the reason names who and why."""
    found = verdict()
    assert isinstance(found, Promote)
    (reason,) = found.reasons
    assert reason.code == "accepted"
    assert "not compared with champion 3, over baseline" in reason.text
    assert reason.text.endswith("; ann: columns changed")


def test_other_rules_hold_for_the_accepted() -> None:
    """Too few rows, or no better than the baseline, are reasons as ever."""
    found = verdict(gate(holdout_rows_min=10_000_000))
    assert isinstance(found, Retain)
    assert [reason.code for reason in found.reasons] == ["too_few_rows"]


def test_accepted_challenger_that_was_compared_is_strange() -> None:
    """Metrics about a champion that nobody asked for are of something else."""
    found = verdict(**against(3, 0.7, 0.05, 0.03, 0.07))
    assert isinstance(found, Halt)
    assert [reason.code for reason in found.reasons] == ["wrong_champion"]


def test_leave_says_nothing_beside_another_champion() -> None:
    """A champion that came up meanwhile was not compared with, though it could have been."""
    found = verdict(number=4)
    assert isinstance(found, Retain)
    assert [reason.code for reason in found.reasons] == ["champion_changed"]


def test_leave_is_used_up_by_a_verdict() -> None:
    """Once; what was ordered since stays."""
    accepted = training(accepted=LEAVE)
    before = ruled(0.7, 0.8, 0.7, accepting=LEAVE)
    assert judged(before, accepted).accepting is None
    newer = replace(before, accepting=replace(LEAVE, order_id="o2"))
    assert judged(newer, accepted) == newer
    assert judged(before, training()) == before
