"""When a model is trained, on which data, and what becomes of the job.

One training at a time for each model. Slots of its schedule, new data and orders ask for one;
whatever asks at the same moment shares it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from shared.domain.actions import Action, PinData, PinnedFile, SubmitJob
from shared.domain.comparison import against_whom
from shared.domain.decision import Kind, Reason, Step
from shared.domain.events import Verb
from shared.domain.facts import Facts, Release, Slot, SlotFacts, Snapshot
from shared.domain.places import manifest_path
from shared.domain.policy import RetrainingPolicy
from shared.domain.slots import dealt_with, drop_late_slot, owed_slot, say_missed
from shared.domain.state import ManifestRef, ModelState, Training


def first_state(model: str, slots: SlotFacts, now: datetime) -> ModelState:
    """The state of a model seen for the first time; slots before that are not owed."""
    state = ModelState(model=model, created_at=now, next_due_at=now)
    return dealt_with(state, slots.newest) if slots.newest else state


def take_in(state: ModelState, snapshot: Snapshot) -> Step:
    """Landings extend the quiet period, orders wait; their rows can go."""
    reasons, about = [], []
    if snapshot.landings:
        times = [landing.received_at for landing in snapshot.landings]
        first = min([*times, *([state.landing_first_at] if state.landing_first_at else [])])
        last = max([*times, *([state.landing_last_at] if state.landing_last_at else [])])
        state = replace(state, landing_first_at=first, landing_last_at=last)
        reasons.append(Reason("landed", f"data landed, last before {_stamp(last)}"))
        about += [f"landing:{landing.row}" for landing in snapshot.landings]
    for order in (order for order in snapshot.orders if order.verb is Verb.TRAIN):
        about.append(f"order:{order.order_id}")
        if state.waiting_order is None:
            state = replace(state, waiting_order=order)
            reasons.append(Reason("ordered", f"{order.who} asked for a training: {order.because}"))
        else:
            text = f"order {order.order_id} joins order {state.waiting_order.order_id}"
            reasons.append(Reason("order_joined", text))
    return Step(state, Kind.COALESCED, tuple(reasons), about=tuple(about))


def data_due_at(state: ModelState, policy: RetrainingPolicy) -> datetime | None:
    """When landed data is to be trained; None while none has landed."""
    if state.landing_first_at is None or state.landing_last_at is None:
        return None
    settled = min(
        state.landing_last_at + policy.quiet, state.landing_first_at + policy.longest_wait
    )
    if state.trained_at is None:
        return settled
    return max(settled, state.trained_at + policy.minimum_interval)


def wants_listing(
    state: ModelState, slots: SlotFacts, policy: RetrainingPolicy, now: datetime
) -> bool:
    """Something may start a training, or it is time to look for landings without an event."""
    if state.training is not None:
        return False
    data_at = data_due_at(state, policy)
    return (
        state.waiting_order is not None
        or owed_slot(state, slots) is not None
        or (data_at is not None and data_at <= now)
        or state.listed_at is None
        or state.listed_at + policy.listing_every <= now
    )


def start(state: ModelState, facts: Facts, policy: RetrainingPolicy, now: datetime) -> Step:
    """Begin a training if a slot, an order or new data asks for one and nothing stands against."""
    if facts.listing is None:
        return _wait(state, facts.slots, policy, now)
    step = _start(state, facts, facts.listing, policy, now)
    # Whatever became of the newest slot, those before it end with it.
    newest_ended = step.state.last_slot_at != state.last_slot_at
    return say_missed(step, facts.slots) if newest_ended else step


def _start(
    state: ModelState,
    facts: Facts,
    listing: tuple[PinnedFile, ...],
    policy: RetrainingPolicy,
    now: datetime,
) -> Step:
    slot = owed_slot(state, facts.slots)
    before, state = state.listed_at, replace(state, listed_at=now)
    left_out = {(bad.path, bad.etag) for bad in state.quarantine}
    files = tuple(file for file in listing if (file.path, file.etag) not in left_out)
    fresh = [file for file in files if (file.path, file.etag) not in facts.pinned]
    state, slot, notes = drop_late_slot(state, slot, policy, now)
    state, found = _look_at_landings(state, fresh, policy, now)
    notes += found
    data_at = data_due_at(state, policy)
    cause = _cause(state, slot, data_due=data_at is not None and data_at <= now)
    if cause is None:
        waiting = _wait(state, facts.slots, policy, now)
        return replace(waiting, reasons=(*notes, *waiting.reasons), kind=_kind(notes))
    if not files:
        return _nothing_to_train(state, slot, notes, now)
    if facts.release is None:
        text = "no training component is registered: run `noon deploy components`"
        # Nothing was taken up: what is owed now is owed until it can be.
        state = replace(state, listed_at=before)
        due = now + policy.poll
        return Step(state, Kind.HELD, (*notes, Reason("not_deployed", text)), due_at=due)
    return _begin(state, facts, facts.release, files, cause, slot, notes, policy, now)


def next_attempt(state: ModelState, training: Training, now: datetime) -> ModelState:
    """The same training under its next name: a name that failed can never be used again."""
    again = replace(
        training,
        attempt=training.attempt + 1,
        job=job_name(state.model, training.cause, training.stamp, training.attempt + 1),
        planned_at=now,
    )
    return replace(state, training=again)


def job_name(model: str, cause: str, stamp: str, attempt: int) -> str:
    """Says model, cause and attempt, such as `flights-slot-20261123t1200-a1`."""
    return f"{model}-{cause}-{stamp}-a{attempt}"


def pin(model: str, files: Iterable[PinnedFile]) -> tuple[ManifestRef, tuple[PinnedFile, ...]]:
    """The reference to a manifest of these files; its digest is the data version."""
    ordered = tuple(sorted(files, key=lambda file: file.path))
    rows = [[file.path, file.size, file.md5, file.etag] for file in ordered]
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
    size = sum(file.size for file in ordered)
    return ManifestRef(digest, manifest_path(model, digest), len(ordered), size), ordered


def _look_at_landings(
    state: ModelState, fresh: list[PinnedFile], policy: RetrainingPolicy, now: datetime
) -> tuple[ModelState, list[Reason]]:
    """Compare what events said with what lies there: the listing is the truth."""
    data_at = data_due_at(state, policy)
    if fresh and data_at is None:
        text = f"{len(fresh)} new files were found by listing, no event told of them"
        state = replace(state, landing_first_at=now, landing_last_at=now)
        return state, [Reason("found_by_listing", text)]
    if not fresh and data_at is not None and data_at <= now:
        state = replace(state, landing_first_at=None, landing_last_at=None)
        text = "nothing is left to train of what landed"
        if state.manifest is not None:
            text = f"all files that landed are in data {state.manifest.data_version} already"
        return state, [Reason("nothing_new", text)]
    return state, []


def _cause(state: ModelState, slot: Slot | None, *, data_due: bool) -> str | None:
    if slot is not None:
        return "slot"
    if state.waiting_order is not None:
        return "order"
    return "data" if data_due else None


def _nothing_to_train(
    state: ModelState, slot: Slot | None, notes: list[Reason], now: datetime
) -> Step:
    about = []
    if slot is not None:
        state = dealt_with(state, slot)
        notes = [*notes, Reason("slot_skipped", f"slot {slot.key}: no data has landed yet")]
        about.append(f"slot:{slot.key}")
    if state.waiting_order is not None:
        about.append(f"order:{state.waiting_order.order_id}")
        notes = [*notes, Reason("no_data", "the order is refused: no data has landed yet")]
        state = replace(state, waiting_order=None, last_refusal="no data has landed yet")
    return Step(state, Kind.REFUSED, tuple(notes), about=tuple(about), due_at=now)


def _begin(
    state: ModelState,
    facts: Facts,
    release: Release,
    files: tuple[PinnedFile, ...],
    cause: str,
    slot: Slot | None,
    notes: list[Reason],
    policy: RetrainingPolicy,
    now: datetime,
) -> Step:
    manifest, ordered = pin(state.model, files)
    because = _because(state, slot, len(files) - len(facts.pinned & _keys(files)))
    stamp = slot.key if slot else f"{now:%Y%m%dt%H%M%S}"
    training = Training(
        job=job_name(state.model, cause, stamp, 1),
        cause=cause,
        because=because,
        stamp=stamp,
        attempt=1,
        planned_at=now,
        manifest=manifest,
        previous=state.manifest,
        spec_path=facts.spec_path,
        component=release.component,
        slot=slot.key if slot else None,
    )
    training = against_whom(state, training)
    about = [f"job:{training.job}", f"data:{manifest.data_version}"]
    about += [f"slot:{slot.key}"] if slot else []
    about += [f"order:{state.waiting_order.order_id}"] if state.waiting_order else []
    state = replace(
        dealt_with(state, slot) if slot else state,
        training=training,
        trained_at=now,
        manifest=manifest,
        waiting_order=None,
        landing_first_at=None,
        landing_last_at=None,
    )
    actions: tuple[Action, ...] = (
        PinData(manifest, ordered, _first_read(facts, ordered, training.job)),
        SubmitJob(training),
    )
    if training.accepted is not None:
        text = f"not compared with champion {training.accepted.champion}; {training.accepted.words}"
        notes = [*notes, Reason("uncompared", text)]
    reason = Reason(f"{cause}_due", because)
    due = now + policy.poll
    return Step(state, Kind.ACTED, (*notes, reason), actions, tuple(about), due_at=due)


def _first_read(facts: Facts, files: tuple[PinnedFile, ...], job: str) -> dict[str, str]:
    """By path the job that reads each file first: this one, if the last did not have it."""
    keys = {file.path: (file.path, file.etag) for file in files}
    found = {
        path: facts.first_read.get(key, "") if key in facts.pinned else job
        for path, key in keys.items()
    }
    return {path: first for path, first in found.items() if first}


def _because(state: ModelState, slot: Slot | None, fresh: int) -> str:
    parts = [f"slot {slot.key}"] if slot else []
    if state.waiting_order is not None:
        parts.append(f"{state.waiting_order.who} asked: {state.waiting_order.because}")
    if fresh:
        parts.append(f"{fresh} new files")
    return ", ".join(parts)


def _wait(state: ModelState, slots: SlotFacts, policy: RetrainingPolicy, now: datetime) -> Step:
    """Nothing asks for a training now; when will something?"""
    times = [(state.listed_at or now) + policy.listing_every]
    reason = Reason("nothing_due", "nothing is due")
    if slots.next is not None:
        times.append(slots.next.due_at)
        reason = Reason("nothing_due", f"the next slot is {slots.next.key}")
    data_at = data_due_at(state, policy)
    if data_at is not None and data_at > now:
        times.append(data_at)
        reason = Reason("settling", f"new data is left to settle until {_stamp(data_at)}")
    return Step(state, Kind.HELD, (reason,), due_at=min(times))


def _kind(notes: list[Reason]) -> Kind:
    codes = {note.code for note in notes}
    if "slot_skipped" in codes:
        return Kind.REFUSED
    return Kind.DUPLICATE if "nothing_new" in codes else Kind.HELD


def _keys(files: tuple[PinnedFile, ...]) -> set[tuple[str, str]]:
    return {(file.path, file.etag) for file in files}


def _stamp(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}Z"
