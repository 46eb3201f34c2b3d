"""What an event or a message comes to: whom it wakes, or why it has no effect. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from shared.application.plane import ControlPlane
from shared.domain.chain_keys import canary_key
from shared.domain.errors import MalformedError
from shared.domain.events import DataLanded, Event, Message, RunEnded, UnknownEvent
from shared.domain.places import CANARIES
from shared.domain.policy import ModelSpec

ENDED = frozenset({"completed", "failed", "canceled", "cancelled"})
"""Run statuses after which nothing more comes."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A pass for the model is due."""

    message: Message
    landed_at: datetime | None = None
    """When it was received, if data landed."""
    bucket_ends_at: datetime | None = None
    """End of the bucket that stands for all landings received in it."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """It was looked at and has no effect."""

    cause: str
    code: str
    why: str
    event_id: str = ""
    """Of the event, where it is known."""
    about: tuple[str, ...] = ()
    """Keys besides that of the event."""


Ruling = Wake | Ignored


def rule_raw(plane: ControlPlane, raw: object) -> Ruling:
    """The ruling on an event as it was delivered."""
    try:
        return rule_event(plane, plane.read_event(raw))
    except MalformedError as error:
        return Ignored("event unreadable", "malformed", f"malformed event: {error}")


def rule_event(plane: ControlPlane, event: Event) -> Ruling:
    """The ruling on an event."""
    match event:
        case DataLanded():
            return _data_landed(plane, event)
        case RunEnded():
            return _run_ended(plane, event)
        case UnknownEvent(event_id, kind, subject):
            text = f"{kind or 'an event without a type'} of {subject}"
            return Ignored(f"event {event_id}", "unknown", text, event_id)


def rule_message(plane: ControlPlane, text: str) -> Ruling:
    """The ruling on the text of a queue message."""
    try:
        message = plane.read_message(text)
    except MalformedError as error:
        return Ignored("event queue", "malformed", f"malformed message: {error}")
    if message.model not in plane.models:
        why = f"message for unknown model {message.model!r}"
        return Ignored(f"event {message.cause}", "unknown", why)
    return Wake(message)


def bucket_end(now: datetime, width: timedelta) -> datetime:
    """The end of the bucket of receipt that `now` falls into."""
    seconds = width.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)


def reader_of(plane: ControlPlane, path: str) -> ModelSpec | None:
    """The model that trains on a landed file: the one with the longest prefix of its path."""
    readers = [spec for spec in plane.models.values() if path.startswith(spec.prefix)]
    return max(readers, key=lambda spec: len(spec.prefix), default=None)


def _data_landed(plane: ControlPlane, event: DataLanded) -> Ruling:
    ignored = partial(Ignored, f"event {event.event_id}", event_id=event.event_id)
    name = f"{event.container}/{event.path}"
    if event.container != plane.landing_container:
        return ignored("foreign", f"{name} is not a landing")
    if event.size == 0:
        # Hierarchical storage announces the empty file first and the written one later.
        return ignored("empty", f"{name} is empty ({event.api})")
    if event.path.startswith(CANARIES):
        # A deployment asks whether events still arrive: their way ends here, in a decision.
        canary = event.path.removeprefix(CANARIES)
        return ignored("canary", f"canary event {canary}", about=(canary_key(canary),))
    spec = reader_of(plane, event.path)
    if spec is None:
        return ignored("unread", f"no model reads {name}")
    now = plane.ports.clock.now()
    ends_at = bucket_end(now, spec.retraining.landing_bucket)
    cause = f"landing {ends_at:%Y%m%dt%H%M%S}"
    return Wake(Message(spec.name, cause, event_id=event.event_id), now, ends_at)


def _run_ended(plane: ControlPlane, event: RunEnded) -> Ruling:
    ignored = partial(Ignored, f"event {event.event_id}", event_id=event.event_id)
    run = f"run {event.run_id}"
    if event.workspace.casefold().strip("/") != plane.workspace.casefold().strip("/"):
        return ignored("foreign", f"{run} is of another workspace")
    # Events carry no parent; the children of our jobs have names of the service's own making.
    owners = [name for name in plane.models if _is_job_of(name, event.run_id)]
    if not owners:
        text = f"{run} is no training of ours: a step of one, or somebody else's"
        return ignored("child", text)
    if event.status.casefold() not in ENDED:
        return ignored("not_ended", f"{run} is {event.status}")
    cause = f"{run} {event.status}"
    return Wake(Message(max(owners, key=len), cause, event_id=event.event_id))


def _is_job_of(model: str, run_id: str) -> bool:
    causes = ("slot", "data", "order")
    return any(run_id.startswith(f"{model}-{cause}-") for cause in causes)
