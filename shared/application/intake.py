"""What comes in from outside becomes a row or a message; nothing is decided here but whose it is.

Everything here answers within a second and touches no Azure ML.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.application.reconcile import TICK, reconcile
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.errors import MalformedError, NotFoundError
from shared.domain.events import DataLanded, Event, Message, Order, RunEnded, UnknownEvent, Verb
from shared.domain.policy import ModelSpec
from shared.ports import Ports

NOBODY = "_events"
"""The partition of decisions about events that belong to no model."""

ENDED = frozenset({"completed", "failed", "canceled", "cancelled"})
"""Run statuses after which nothing more comes."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The models that are looked after, and where their events come from."""

    ports: Ports
    models: Mapping[str, ModelSpec]
    workspace: str
    """ARM id."""
    landing_container: str
    read_event: Callable[[object], Event]
    """Parses an Event Grid envelope; raises MalformedError."""
    read_message: Callable[[str], Message]
    """Parses the text of a queue message; raises MalformedError."""


def receive(plane: ControlPlane, raw: object) -> None:
    """Take in an event as it was delivered; one that cannot be read is recorded, not raised.

    An error would bring the same event again, up to thirty times, and never better.
    """
    try:
        accept(plane, plane.read_event(raw))
    except MalformedError as error:
        refuse_event(plane, "unreadable", f"malformed event: {error}", "malformed")


def accept(plane: ControlPlane, event: Event) -> None:
    """Note an event and wake the model that it is about; others are recorded as ignored."""
    match event:
        case DataLanded():
            _data_landed(plane, event)
        case RunEnded():
            _run_ended(plane, event)
        case UnknownEvent(event_id, kind, subject):
            refuse_event(plane, event_id, f"{kind or 'an event without a type'} of {subject}")


def refuse_event(plane: ControlPlane, event_id: str, why: str, code: str = "unknown") -> None:
    """Record that an event was looked at and has no effect."""
    now = plane.ports.clock.now()
    reason = Reason(code, why)
    decision = Decision(
        id=f"{now:%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:8]}",
        model=NOBODY,
        at=now,
        cause=f"event {event_id}",
        kind=Kind.IGNORED,
        reasons=(reason,),
    )
    plane.ports.decisions.append(decision)


def tick(plane: ControlPlane) -> list[str]:
    """Wake every model that is due, and those never seen; gives their names."""
    now = plane.ports.clock.now()
    due = plane.ports.state.next_due()
    names = [name for name in plane.models if due.get(name, now) <= now]
    for name in names:
        plane.ports.queue.send(Message(name, TICK))
    return names


def wake_all(plane: ControlPlane, cause: str) -> None:
    """Wake every model, whether due or not."""
    for name in plane.models:
        plane.ports.queue.send(Message(name, cause))


def order(plane: ControlPlane, model: str, verb: Verb, who: str, because: str) -> Order:
    """Keep an operator's order and wake the model; raises NotFoundError for an unknown one."""
    if model not in plane.models:
        raise NotFoundError(f"there is no model {model!r}; known are {', '.join(plane.models)}")
    order_id = uuid.uuid4().hex[:12]
    now = plane.ports.clock.now()
    kept = Order(f"order-{order_id}", order_id, who, because, now, verb)
    plane.ports.state.add_order(model, kept)
    plane.ports.queue.send(Message(model, f"{verb.value} {order_id}"))
    return kept


def take(plane: ControlPlane, text: str) -> Decision | None:
    """One pass for the message's model; a message that is not ours is recorded as ignored."""
    try:
        message = plane.read_message(text)
    except MalformedError as error:
        refuse_event(plane, "queue", f"malformed message: {error}", "malformed")
        return None
    spec = plane.models.get(message.model)
    if spec is None:
        refuse_event(plane, message.cause, f"message for unknown model {message.model!r}")
        return None
    return reconcile(plane.ports, spec, message)


def _data_landed(plane: ControlPlane, event: DataLanded) -> None:
    name = f"{event.container}/{event.path}"
    if event.container != plane.landing_container:
        return refuse_event(plane, event.event_id, f"{name} is not a landing", "foreign")
    if event.size == 0:
        # Hierarchical storage announces the empty file first and the written one later.
        return refuse_event(plane, event.event_id, f"{name} is empty ({event.api})", "empty")
    spec = reader_of(plane, event.path)
    if spec is None:
        return refuse_event(plane, event.event_id, f"no model reads {name}", "unread")
    now = plane.ports.clock.now()
    ends_at = bucket_end(now, spec.retraining.landing_bucket)
    if plane.ports.state.add_landing(spec.name, now, ends_at):
        plane.ports.queue.send(Message(spec.name, f"landing {ends_at:%Y%m%dt%H%M%S}"))
    return None


def bucket_end(now: datetime, width: timedelta) -> datetime:
    """The end of the bucket of receipt that `now` falls into."""
    seconds = width.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)


def reader_of(plane: ControlPlane, path: str) -> ModelSpec | None:
    """The model that trains on a landed file: the one with the longest prefix of its path."""
    readers = [spec for spec in plane.models.values() if path.startswith(spec.prefix)]
    return max(readers, key=lambda spec: len(spec.prefix), default=None)


def _run_ended(plane: ControlPlane, event: RunEnded) -> None:
    run = f"run {event.run_id}"
    if event.workspace.casefold().strip("/") != plane.workspace.casefold().strip("/"):
        return refuse_event(plane, event.event_id, f"{run} is of another workspace", "foreign")
    # Events carry no parent; the children of our jobs have names of the service's own making.
    owners = [name for name in plane.models if _is_job_of(name, event.run_id)]
    if not owners:
        text = f"{run} is no training of ours: a step of one, or somebody else's"
        return refuse_event(plane, event.event_id, text, "child")
    if event.status.casefold() not in ENDED:
        return refuse_event(plane, event.event_id, f"{run} is {event.status}", "not_ended")
    model = max(owners, key=len)
    plane.ports.queue.send(Message(model, f"{run} {event.status}"))
    return None


def _is_job_of(model: str, run_id: str) -> bool:
    causes = ("slot", "data", "order")
    return any(run_id.startswith(f"{model}-{cause}-") for cause in causes)
