"""One pass for one model: observe, decide, save, apply, record.

A message only says: look at this model. The pass reads what is there, takes one step towards
what should be there, and returns; a lost, doubled, late or reordered message changes nothing in
the end. Everything that goes wrong outside is tried again by the next pass.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zlib import crc32

from shared.application.apply import apply_all, pin_all
from shared.application.observe import observe
from shared.application.records import OnceRecorded, failed, new_id, will_retry
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.errors import ConflictError, MalformedError, NoonError
from shared.domain.events import Message
from shared.domain.facts import SlotFacts, Snapshot
from shared.domain.plan import Plan, decide, idle, soaking, wanted
from shared.domain.policy import ModelSpec
from shared.ports import LeaseHold, Ports

TICK = "tick"
"""The cause of messages that come by themselves; they need no copy, the next one comes anyway."""

TICK_EVERY = timedelta(minutes=1)
"""What is due by then is looked at anyway, whether it was written down or not."""

RETRY_SECONDS = 15
"""The least delay of a copy of a message that met another pass at work; at most twice that."""


def reconcile(ports: Ports, spec: ModelSpec, message: Message) -> Decision:
    """Take one step for the model; gives the decision that was recorded.

    Raises what nobody foresaw, and what could not be recorded, so that the platform delivers the
    message again.
    """
    log = OnceRecorded(ports.decisions)
    try:
        return _reconcile(replace(ports, decisions=log), spec, message)
    except NoonError as error:
        kept = log.make_up(failed(ports.clock.now(), message.model, message.cause, error))
        if kept is None:
            raise
        # An outage outlasts the five tries that a message has, so a copy comes instead, for as
        # long as it takes; what can never be understood does not get better by it.
        if not isinstance(error, MalformedError):
            _send_copy(ports, message)
        return kept
    except Exception as error:
        log.make_up(failed(ports.clock.now(), message.model, message.cause, error))
        raise


def _reconcile(ports: Ports, spec: ModelSpec, message: Message) -> Decision:
    now = ports.clock.now()
    snapshot = ports.state.load(spec.name)
    ticked = message.cause == TICK and _not_due(snapshot, now)
    if ticked or idle(snapshot, _slots(ports, spec, now), now):
        text = "nothing is due, or another pass has been here before"
        return _record(ports, message, now, Kind.DUPLICATE, Reason("not_due", text))
    looked = _look(ports, spec, message, snapshot) if soaking(snapshot) else None
    if looked is not None:
        return looked
    with ports.lease.hold(spec.name) as lease:
        if lease is None:
            return _come_again(ports, message, now)
        return _pass(ports, spec, message, snapshot, lease)


def _look(ports: Ports, spec: ModelSpec, message: Message, snapshot: Snapshot) -> Decision | None:
    """Judge a step that soaks; None when there is something to write, for which a pass is needed.

    Most looks find that a step needs more time: that takes neither the lease nor a write, and
    the next tick looks again. What is to be written is observed anew, under the lease.
    """
    now = ports.clock.now()
    plan = _planned(ports, spec, snapshot, now)
    assert snapshot.state is not None, "something soaks"
    changed = replace(plan.state, next_due_at=snapshot.state.next_due_at) != snapshot.state
    if changed or plan.actions or not now < plan.state.next_due_at <= now + TICK_EVERY:
        return None
    decision = _decision(message, now, plan, "done")
    ports.decisions.append(decision)
    return decision


def _planned(ports: Ports, spec: ModelSpec, snapshot: Snapshot, now: datetime) -> Plan:
    slots = _slots(ports, spec, now)
    facts = observe(ports, spec, snapshot, slots, wanted(snapshot, slots, spec, now))
    return decide(facts, spec, now)


def _slots(ports: Ports, spec: ModelSpec, now: datetime) -> SlotFacts:
    return ports.slots.around(spec.retraining.schedule, spec.retraining.time_zone, now)


def _pass(
    ports: Ports, spec: ModelSpec, message: Message, snapshot: Snapshot, lease: LeaseHold
) -> Decision:
    now = ports.clock.now()
    plan = _planned(ports, spec, snapshot, now)
    try:
        # What was read before the lease was taken may have changed: then the etag says so.
        etag = _save(ports, spec, plan, snapshot, lease)
    except ConflictError as error:
        return _come_again(ports, message, now, str(error))
    try:
        applied = apply_all(ports, spec, plan.actions, lease)
    except Exception as error:
        # What was saved is decided: the next pass would not say again why.
        ports.decisions.append(_decision(message, now, plan, will_retry(error)))
        raise
    decision = _decision(message, now, plan, applied.outcome)
    ports.decisions.append(decision)
    if applied.refused:
        ports.state.save(replace(plan.state, order_refused=applied.refused), etag)
    if applied.outcome == "done" and plan.state.next_due_at <= now:
        ports.queue.send(Message(spec.name, "continue", message.traceparent))
    return decision


def _save(ports: Ports, spec: ModelSpec, plan: Plan, snapshot: Snapshot, lease: LeaseHold) -> str:
    """Write the wish down before anything is done about it; gives its etag."""
    lease.check()
    # Pins come before the wish: their names are digests, so one too many harms nobody,
    # but a wish whose manifest was never written could not be fulfilled any more.
    pin_all(ports, spec, plan.actions)
    return ports.state.save(plan.state, snapshot.etag, snapshot.rows)


def _not_due(snapshot: Snapshot, now: datetime) -> bool:
    return snapshot.state is not None and not snapshot.rows and snapshot.state.next_due_at > now


def _come_again(ports: Ports, message: Message, now: datetime, why: str = "") -> Decision:
    """Another pass is at work. Never an error: five errors would poison the message."""
    _send_copy(ports, message)
    reason = Reason("busy", why or "another pass for this model is at work")
    return _record(ports, message, now, Kind.COALESCED, reason)


def _send_copy(ports: Ports, message: Message) -> None:
    if message.cause != TICK:
        # Spread by the message itself, so that copies do not meet again; the same in every process.
        delay = RETRY_SECONDS + crc32(f"{message.model} {message.cause}".encode()) % RETRY_SECONDS
        ports.queue.send(message, delay_seconds=delay)


def _record(ports: Ports, message: Message, now: datetime, kind: Kind, reason: Reason) -> Decision:
    decision = Decision(new_id(now), message.model, now, message.cause, kind, (reason,))
    ports.decisions.append(decision)
    return decision


def _decision(message: Message, now: datetime, plan: Plan, outcome: str) -> Decision:
    return Decision(
        id=new_id(now),
        model=message.model,
        at=now,
        cause=message.cause,
        kind=plan.kind if outcome == "done" else Kind.FAILED,
        reasons=plan.reasons,
        actions=plan.orders,
        outcome=outcome,
        about=plan.about,
        facts=plan.facts,
    )
