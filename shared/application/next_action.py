"""What will be done for a model next, and why that is not done now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from shared.domain import rollout as rollouts
from shared.domain.decision import Decision
from shared.domain.facts import SlotFacts
from shared.domain.policy import ModelSpec
from shared.domain.retraining import data_due_at
from shared.domain.slots import owed_slot
from shared.domain.state import ModelState, Phase, Rollout

What = Literal[
    "give_up_rollout",
    "resume_rollout",
    "advance_rollout",
    "judge_challenger",
    "train",
    "retire_deployment",
    "look_at_model",
]


def next_action(
    state: ModelState | None,
    spec: ModelSpec,
    slots: SlotFacts,
    newest: Sequence[Decision],
    now: datetime,
) -> dict[str, Any]:
    """The next thing to do, from what is saved; `newest` are decisions, oldest first."""
    if state is None:
        return _told("look_at_model", None, "the model was never looked at: the next tick does")
    if rollouts.in_flight(state) and state.rollout is not None:
        return _rolling(state.rollout, state, spec, newest)
    if state.training is not None:
        job = state.training.job
        planned = f"{job} was planned at {state.training.planned_at:%Y-%m-%d %H:%M:%S}Z"
        return _told("judge_challenger", None, _said(newest, f"job:{job}") or planned)
    return _training(state, spec, slots, newest, now)


def _rolling(
    rollout: Rollout, state: ModelState, spec: ModelSpec, newest: Sequence[Decision]
) -> dict[str, Any]:
    deployment = rollout.deployment
    said = _said(newest, f"deployment:{deployment}")
    if rollout.going_back:
        return _told("give_up_rollout", state.next_due_at, said or rollout.going_back)
    if rollout.paused:
        return _told("resume_rollout", None, f"{deployment} was paused: {said or 'by an operator'}")
    at = state.next_due_at
    if rollout.phase is Phase.CANARY and rollout.soaking_since is not None:
        at = max(at, rollout.soaking_since + spec.rollout.soak + spec.rollout.lag)
    return _told("advance_rollout", at, said or f"{deployment} is in phase {rollout.phase.value}")


def _training(
    state: ModelState,
    spec: ModelSpec,
    slots: SlotFacts,
    newest: Sequence[Decision],
    now: datetime,
) -> dict[str, Any]:
    """Nothing is under way: what comes first, a training or the end of a warm deployment?"""
    owed, data_at = owed_slot(state, slots), data_due_at(state, spec.retraining)
    if owed is not None or state.waiting_order is not None:
        what = f"slot {owed.key} is due" if owed else "a training was ordered"
        held = newest[-1].reasons[-1].text if newest and newest[-1].reasons else "the tick wakes it"
        return _told("train", max(now, state.next_due_at), f"{what}: {held}")
    coming: list[tuple[datetime, What, str]] = []
    if data_at is not None:
        coming.append((data_at, "train", f"new data settles until {data_at:%Y-%m-%d %H:%M:%S}Z"))
    if slots.next is not None:
        coming.append((slots.next.due_at, "train", f"the next slot is {slots.next.key}"))
    if state.warm is not None:
        why = f"{state.warm.deployment} is kept warm until {state.warm.until:%Y-%m-%d %H:%M:%S}Z"
        coming.append((state.warm.until, "retire_deployment", why))
    if not coming:
        return _told("look_at_model", state.next_due_at, "nothing is due, and no slot follows")
    at, action, why = min(coming)
    return _told(action, at, why)


def _said(newest: Sequence[Decision], about: str) -> str:
    """The last words of the newest decision about something; empty if there is none."""
    for decision in reversed(newest):
        if about in decision.about and decision.reasons:
            return decision.reasons[-1].text
    return ""


def _told(action: What, at: datetime | None, why_not_now: str) -> dict[str, Any]:
    return {"action": action, "at": at, "why_not_now": why_not_now}
