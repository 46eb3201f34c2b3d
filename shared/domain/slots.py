"""Slots of a schedule: which one is owed, and what becomes of those that are not caught up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.decision import Json, Reason, Step
from shared.domain.facts import Slot, SlotFacts
from shared.domain.policy import RetrainingPolicy
from shared.domain.state import ModelState


def owed_slot(state: ModelState, slots: SlotFacts) -> Slot | None:
    """The newest slot that is due and was neither given a job nor skipped.

    One that was due before the last listing and was not owed then is of a newer schedule: what a
    schedule would have done in the past is not made up for.
    """
    newest = slots.newest
    seen = (state.last_slot_at, state.listed_at)
    if (
        newest is None
        or newest.key <= state.last_slot
        or any(at is not None and newest.due_at <= at for at in seen)
    ):
        return None
    return newest


def dealt_with(state: ModelState, slot: Slot) -> ModelState:
    """The state after the slot was given a job or skipped."""
    return replace(state, last_slot_at=slot.due_at, last_slot=max(state.last_slot, slot.key))


def slots_since(state: ModelState) -> datetime:
    """Slots that were due up to then have been dealt with."""
    seen = (state.created_at, state.last_slot_at, state.listed_at)
    return max(at for at in seen if at is not None)


def drop_late_slot(
    state: ModelState, slot: Slot | None, policy: RetrainingPolicy, now: datetime
) -> tuple[ModelState, Slot | None, list[Reason]]:
    """The state, what is still owed, and why a slot is skipped if it is."""
    if slot is None or now - slot.due_at <= policy.catch_up:
        return state, slot, []
    text = f"slot {slot.key} was missed by {_hours(now - slot.due_at)}, too late to catch up"
    return dealt_with(state, slot), None, [Reason("slot_skipped", text)]


def say_missed(step: Step, slots: SlotFacts) -> Step:
    """The step with the slots that the newest one has overtaken."""
    overtaken, newest = slots.overtaken, slots.newest
    if overtaken is None or newest is None:
        return step
    first, last = overtaken.first.key, overtaken.last.key
    count = (
        f"{overtaken.count} slots" if overtaken.counted else f"more than {overtaken.count} slots"
    )
    text = f"{count} from {first} to {last} had no turn: slot {newest.key} is newer"
    missed: dict[str, Json] = {"first": first, "last": last, "count": overtaken.count}
    reasons = (Reason("slots_missed", text), *step.reasons)
    return replace(step, reasons=reasons, facts={**step.facts, "slots_missed": missed})


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} h"
