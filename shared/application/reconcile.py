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
from shared.application.records import (
    PassLog,
    Recorded,
    failed,
    keys_of_event,
    new_id,
    of_message,
    will_retry,
)
from shared.domain.decision import OUTCOME_UNKNOWN, Decision, Json, Kind, Reason
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
"""The least delay of a copy of a message that met another pass or an outage; at most twice that."""

DOUBLINGS_MAX = 5
"""Each further copy comes after twice as long, until these doublings: 8 to 16 minutes.

Otherwise what waits for the end of an outage is a storm while it lasts. Nobody waits for a copy
then: the tick finds what is due as soon as it can.
"""


def reconcile(
    ports: Ports, spec: ModelSpec, message: Message, recorded: Recorded | None = None
) -> Decision:
    """Take one step for the model; gives the decision that was recorded.

    Raises what nobody foresaw, and what could not be recorded, so that the platform delivers the
    message again.
    """
    log = PassLog(ports, recorded or Recorded())
    try:
        return _reconcile(ports, log, spec, message)
    except NoonError as error:
        kept = log.make_up(failed(message, ports.clock.now(), error))
        if kept is None:
            raise
        # An outage outlasts the five tries that a message has, so a copy comes instead, for as
        # long as it takes; what can never be understood does not get better by it.
        if not isinstance(error, MalformedError):
            _send_copy(ports, message)
        return kept
    except Exception as error:
        log.make_up(failed(message, ports.clock.now(), error))
        raise


def _reconcile(ports: Ports, log: PassLog, spec: ModelSpec, message: Message) -> Decision:
    now = ports.clock.now()
    snapshot = ports.state.load(spec.name)
    log.saw(snapshot)
    ticked = message.cause == TICK and _not_due(snapshot, now)
    if ticked or idle(snapshot, _slots(ports, spec, now), now):
        return _nothing_due(log, snapshot, message, now)
    looked = _look(ports, log, spec, message, snapshot) if soaking(snapshot) else None
    if looked is not None:
        return looked
    with ports.lease.hold(spec.name) as lease:
        if lease is None:
            return _come_again(ports, log, message, now, _at_work(snapshot))
        return _pass(ports, log, spec, message, snapshot, lease)


def _nothing_due(log: PassLog, snapshot: Snapshot, message: Message, now: datetime) -> Decision:
    """Whatever the message is about was seen to by the pass that saved last."""
    last = snapshot.last_decision
    facts: dict[str, Json] = {"duplicate_of": last} if last else {}
    text = f"nothing is due since decision {last}" if last else "nothing is due"
    reason = Reason("not_due", text)
    decision = replace(of_message(message, now, Kind.DUPLICATE, reason), facts=facts)
    log.append(decision)
    return decision


def _look(
    ports: Ports, log: PassLog, spec: ModelSpec, message: Message, snapshot: Snapshot
) -> Decision | None:
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
    decision = _decision(message, now, plan)
    log.append(decision)
    return decision


def _planned(ports: Ports, spec: ModelSpec, snapshot: Snapshot, now: datetime) -> Plan:
    slots = _slots(ports, spec, now)
    facts = observe(ports, spec, snapshot, slots, wanted(snapshot, slots, spec, now))
    return decide(facts, spec, now)


def _slots(ports: Ports, spec: ModelSpec, now: datetime) -> SlotFacts:
    return ports.slots.around(spec.retraining.schedule, spec.retraining.time_zone, now)


def _pass(
    ports: Ports,
    log: PassLog,
    spec: ModelSpec,
    message: Message,
    snapshot: Snapshot,
    lease: LeaseHold,
) -> Decision:
    log.make_room()
    now = ports.clock.now()
    plan = _planned(ports, spec, snapshot, now)
    decision = _decision(message, now, plan)
    try:
        # What was read before the lease was taken may have changed: then the etag says so.
        etag = _save(ports, log, spec, plan, snapshot, decision, lease)
    except ConflictError as error:
        return _come_again(ports, log, message, now, _first_writer(ports, spec, snapshot, error))
    try:
        applied = apply_all(ports, spec, plan.actions, lease)
    except Exception as error:
        # What was saved is decided: the next pass would not say again why.
        log.append(_ended(decision, will_retry(error)))
        raise
    decision = _ended(decision, applied.outcome)
    log.append(decision)
    if applied.refused:
        state = replace(plan.state, order_refused=applied.refused, refused_to=applied.refused_to)
        ports.state.save(state, etag, unsaid=[decision])
    if applied.outcome == "done" and plan.state.next_due_at <= now:
        ports.queue.send(Message(spec.name, "continue", message.traceparent))
    return decision


def _save(
    ports: Ports,
    log: PassLog,
    spec: ModelSpec,
    plan: Plan,
    snapshot: Snapshot,
    decision: Decision,
    lease: LeaseHold,
) -> str:
    """Write the wish down before anything is done about it, and why; gives its etag.

    Whatever else than a conflict stops it is recorded, with what it was about.
    """
    saved = "no"
    try:
        lease.check()
        # Pins come before the wish: their names are digests, so one too many harms nobody,
        # but a wish whose manifest was never written could not be fulfilled any more.
        pin_all(ports, spec, plan.actions)
        saved = "unknown"
        # Of a process that dies now nobody hears how the orders went.
        unsure = _ended(decision, OUTCOME_UNKNOWN if plan.actions else "done")
        return ports.state.save(plan.state, snapshot.etag, snapshot.rows, [*log.waiting, unsure])
    except ConflictError:
        raise
    except Exception as error:
        # If it was saved, the answer was lost; if not, the next pass decides it anew.
        facts: dict[str, Json] = {**decision.facts, "saved": saved}
        log.append(replace(_ended(decision, will_retry(error)), facts=facts))
        raise


def _not_due(snapshot: Snapshot, now: datetime) -> bool:
    return snapshot.state is not None and not snapshot.waits and snapshot.state.next_due_at > now


def _at_work(snapshot: Snapshot) -> str:
    """The pass that has the lease, by what it is about."""
    state = snapshot.state
    about = [f"job {state.training.job}"] if state and state.training else []
    if state and state.rollout and not state.rollout.phase.ended:
        about.append(f"deployment {state.rollout.deployment}")
    after = [f"after decision {snapshot.last_decision}"] if snapshot.last_decision else []
    return ", ".join(["the pass at work", *about, *after])


def _first_writer(
    ports: Ports, spec: ModelSpec, snapshot: Snapshot, conflict: ConflictError
) -> str:
    """The pass that saved between our reading and our writing, by its decision."""
    last = ports.state.load(spec.name).last_decision
    if last != snapshot.last_decision:
        return f"decision {last}, which was saved first"
    return f"another pass ({conflict})"


def _come_again(ports: Ports, log: PassLog, message: Message, now: datetime, into: str) -> Decision:
    """Another pass is at work. Never an error: five errors would poison the message."""
    seconds = _send_copy(ports, message)
    copy = f"; its copy comes in {seconds} s" if seconds else "; the next tick looks again"
    reason = Reason("busy", f"coalesced into {into}{copy}")
    decision = of_message(message, now, Kind.COALESCED, reason)
    decision = replace(decision, facts={"coalesced_into": into})
    log.append(decision)
    return decision


def _send_copy(ports: Ports, message: Message) -> int:
    """Send it again for later; gives the delay, 0 for a message that needs no copy."""
    if message.cause == TICK:
        return 0
    # Spread by the message itself, so that copies do not meet again; the same in every process.
    delay = RETRY_SECONDS + crc32(f"{message.model} {message.cause}".encode()) % RETRY_SECONDS
    delay <<= min(message.attempt, DOUBLINGS_MAX)
    ports.queue.send(replace(message, attempt=message.attempt + 1), delay_seconds=delay)
    return delay


def _decision(message: Message, now: datetime, plan: Plan) -> Decision:
    """What is decided, as if it were done."""
    return Decision(
        new_id(now),
        message.model,
        now,
        message.cause,
        plan.kind,
        plan.reasons,
        plan.orders,
        about=(*plan.about, *keys_of_event(message.event_id)),
        facts=plan.facts,
    )


def _ended(decision: Decision, outcome: str) -> Decision:
    """The decision with what became of its orders."""
    if outcome == decision.outcome == "done":
        return decision
    kind = decision.kind if outcome == "done" else Kind.FAILED
    return replace(decision, kind=kind, outcome=outcome)
