"""What operators ask of a rollout: each order is obeyed or refused with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.comparison import accept
from shared.domain.decision import Kind, Reason, Step
from shared.domain.events import Order, Verb
from shared.domain.moment import turn_back
from shared.domain.state import ModelState, Phase, Rollout, Version


def obey(state: ModelState, orders: tuple[Order, ...], now: datetime) -> list[Step]:
    """One step an order, in the order in which they were given."""
    steps: list[Step] = []
    ours = (order for order in orders if order.verb is not Verb.TRAIN)
    for order in sorted(ours, key=lambda each: each.ordered_at):
        step = _obey(state, order, now)
        state = step.state
        steps.append(replace(step, about=(*step.about, f"order:{order.order_id}")))
    return steps


def _obey(state: ModelState, order: Order, now: datetime) -> Step:
    if order.verb is Verb.ACCEPT:
        return accept(state, order, now)
    words = f"{order.who}: {order.because}"
    rollout = state.rollout
    if rollout is None or rollout.phase.ended:
        if order.verb is Verb.ROLLBACK:
            return _return(state, words, now)
        return _refused(state, order, "no rollout is in flight", now)
    if rollout.going_back:
        why = f"the rollout is going back already: {rollout.going_back}"
        return _refused(state, order, why, now)
    match order.verb:
        case Verb.PAUSE:
            return _flag(state, rollout, words, now, paused=True)
        case Verb.RESUME:
            return _flag(state, rollout, words, now, paused=False)
        case Verb.PROCEED:
            return _proceed(state, rollout, order, now)
        case Verb.ABORT:
            reason = Reason("abort_ordered", f"aborted by {words}")
            return turn_back(state, reason, now, Phase.ABORTED)
        case _:
            return turn_back(state, Reason("rollback_ordered", f"asked by {words}"), now)


def _flag(state: ModelState, rollout: Rollout, words: str, now: datetime, *, paused: bool) -> Step:
    """Pause or go on; what soaked before the pause says nothing about after it."""
    since = now if rollout.soaking_since and not paused else rollout.soaking_since
    state = replace(state, rollout=replace(rollout, paused=paused, soaking_since=since))
    reason = Reason("pause_ordered" if paused else "resume_ordered", words)
    return Step(state, Kind.ACTED, (reason,), due_at=now)


def _proceed(state: ModelState, rollout: Rollout, order: Order, now: datetime) -> Step:
    """The canary is judged by itself from now on: the champion is too sick to compare with."""
    if state.champion is None:
        return _refused(state, order, "there is no champion to be compared with", now)
    if state.address is not None and state.address.serving == "container":
        return _refused(state, order, "a container is switched without steps to compare", now)
    if rollout.alone:
        said = Reason("order_repeated", f"proceed: ordered before; {rollout.alone}")
        return Step(state, Kind.DUPLICATE, (said,), due_at=now)
    words = f"{order.who}: {order.because}"
    text = f"{rollout.deployment} is judged by itself, the champion is sick; {words}"
    state = replace(state, rollout=replace(rollout, alone=words))
    return Step(state, Kind.ACTED, (Reason("proceed_ordered", text),), due_at=now)


def _return(state: ModelState, words: str, now: datetime) -> Step:
    """Back to the last good version: at once while it is warm, else as a rollout of its own."""
    warm = state.warm
    if warm is not None and warm.version is not None and state.champion is not None:
        rollout = _to(warm.version, warm.environment, Phase.CANARY, now)
        rollout = replace(rollout, instant=True)
        text = f"back to {warm.deployment}, which is still warm; {words}"
        state = replace(state, rollout=rollout, warm=None)
        return Step(state, Kind.ACTED, (Reason("return_ordered", text),), due_at=now)
    if state.former and state.champion is not None:
        version = state.former[0]
        rollout = _to(version, state.champion.environment, Phase.PENDING, now)
        text = f"back to version {version.number}, which is deployed anew; {words}"
        state = replace(state, rollout=rollout)
        return Step(state, Kind.ACTED, (Reason("return_ordered", text),), due_at=now)
    reason = Reason("order_not_possible", f"rollback: there is no former version; {words}")
    return Step(state, Kind.REFUSED, (reason,), due_at=now)


def _to(version: Version, environment: int, phase: Phase, now: datetime) -> Rollout:
    return Rollout(version, environment, phase, started_at=now, entered_at=now)


def _refused(state: ModelState, order: Order, why: str, now: datetime) -> Step:
    text = f"{order.verb.value}: {why}; {order.who}: {order.because}"
    return Step(state, Kind.REFUSED, (Reason("order_not_possible", text),), due_at=now)
