"""What a challenger is held against: the champion, and an anchor lest quality creep down."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.decision import Kind, Reason, Step
from shared.domain.events import Order
from shared.domain.state import Acceptance, ModelState, Training, Version

ANCHORS_LOOKED_AT = 5
"""The anchor is the best of this many former champions."""


def anchor_of(state: ModelState) -> Version | None:
    """The best of the last champions, unless that is the present one.

    None from before a version that was accepted uncompared: they cannot be scored as it is.
    """
    if state.champion is None:
        return None
    present = state.champion.version
    line = (present, *state.former[:ANCHORS_LOOKED_AT])
    begun = next((at for at, version in enumerate(line) if version.accepted), len(line))
    best = max(line[: begun + 1], key=_worth)
    return None if best.number == present.number else best


def _worth(version: Version) -> float:
    return version.score.value if version.score.higher_is_better else -version.score.value


def against_whom(state: ModelState, training: Training) -> Training:
    """The training with the versions that its challenger is compared with."""
    champion = state.champion.version.number if state.champion else None
    if state.accepting is not None and state.accepting.champion == champion:
        return replace(training, accepted=state.accepting)
    anchor = anchor_of(state)
    return replace(training, champion=champion, anchor=anchor.number if anchor else None)


def accept(state: ModelState, order: Order, now: datetime) -> Step:
    """Obey an order to judge the next challenger without the champion."""
    champion, present = state.champion, state.accepting
    if champion is None:
        text = f"accept: there is no champion to be compared with; {order.who}: {order.because}"
        refused = Reason("order_not_possible", text)
        return Step(state, Kind.REFUSED, (refused,), due_at=now)
    number = champion.version.number
    if present is not None and present.champion == number:
        text = f"order {order.order_id} joins order {present.order_id}"
        joined = Reason("order_joined", text)
        return Step(state, Kind.COALESCED, (joined,), due_at=now)
    words = f"{order.who}: {order.because}"
    text = f"the next challenger is judged without champion {number}; {words}"
    state = replace(state, accepting=Acceptance(order.order_id, number, words))
    return Step(state, Kind.ACTED, (Reason("accept_ordered", text),), due_at=now)


def judged(state: ModelState, training: Training) -> ModelState:
    """The state when a challenger had its verdict: leave to accept one is used up by it."""
    used = training.accepted is not None and training.accepted == state.accepting
    return replace(state, accepting=None) if used else state
