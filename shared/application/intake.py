"""What comes in from outside becomes a row or a message; nothing is decided here but whose it is.

Everything here answers within a second and touches no Azure ML.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from shared.application.plane import NOBODY, ControlPlane
from shared.application.reconcile import TICK, reconcile
from shared.application.records import failed, keys_of_event, new_id
from shared.application.rulings import (
    Ignored,
    Ruling,
    Wake,
    rule_message,
    rule_raw,
)
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.errors import NotFoundError
from shared.domain.events import Message, Order, Verb
from shared.domain.signals import Dimension, Log, Metric, Span
from shared.telemetry import Attributes, Value


def receive(plane: ControlPlane, raw: object) -> None:
    """Take in an event as it was delivered; one that cannot be read is recorded, not raised.

    An error would bring the same event again, up to thirty times, and never better. What is
    raised is recorded too: then the event comes again.
    """
    ruling = rule_raw(plane, raw)
    try:
        with plane.telemetry.span(Span.EVENT, attributes=_about(ruling)):
            _follow(plane, ruling)
    except Exception as error:
        if isinstance(ruling, Wake):
            decision = failed(ruling.message, plane.ports.clock.now(), error)
            with suppress(Exception):
                plane.ports.decisions.append(decision)
        raise


def _about(ruling: Ruling) -> Attributes:
    """What the span of an event says of it."""
    if isinstance(ruling, Ignored):
        return {Dimension.EVENT: ruling.event_id, Dimension.REASON: ruling.code}
    message = ruling.message
    about: dict[str, Value] = {Dimension.MODEL: message.model, Dimension.CAUSE: message.cause}
    return about | {Dimension.EVENT: message.event_id}


def _follow(plane: ControlPlane, ruling: Ruling) -> None:
    if isinstance(ruling, Ignored):
        return _ignore(plane, ruling)
    if ruling.landed_at is not None and ruling.bucket_ends_at is not None:
        model, received_at = ruling.message.model, ruling.landed_at
        if not plane.ports.state.add_landing(model, received_at, ruling.bucket_ends_at):
            return None
    plane.ports.queue.send(ruling.message)
    return None


def _ignore(plane: ControlPlane, ruling: Ignored) -> None:
    """Record that something was looked at and has no effect."""
    now = plane.ports.clock.now()
    reason = Reason(ruling.code, ruling.why)
    about = (*keys_of_event(ruling.event_id), *ruling.about)
    decision = Decision(
        new_id(now), NOBODY, now, ruling.cause, Kind.IGNORED, (reason,), about=about
    )
    plane.ports.decisions.append(decision)


def tick(plane: ControlPlane) -> list[str]:
    """Wake every model that is due, and those never seen; gives their names."""
    with plane.telemetry.span(Span.TICK):
        now = plane.ports.clock.now()
        due = plane.ports.state.next_due()
        names = [name for name in plane.models if due.get(name, now) <= now]
        for name in names:
            plane.ports.queue.send(Message(name, TICK))
        # What was decided of a model whose file is gone by now gets old too.
        plane.retention.pass_over(plane.ports, (*plane.models, *due, NOBODY))
        return names


def wake_all(plane: ControlPlane, cause: str) -> None:
    """Wake every model, whether due or not."""
    with plane.telemetry.span(Span.WAKE, attributes={Dimension.CAUSE: cause}):
        for name in plane.models:
            plane.ports.queue.send(Message(name, cause))


def order(plane: ControlPlane, model: str, verb: Verb, who: str, because: str) -> Order:
    """Keep an operator's order and wake the model; raises NotFoundError for an unknown one."""
    if model not in plane.models:
        raise NotFoundError(f"there is no model {model!r}; known are {', '.join(plane.models)}")
    order_id = plane.new_order_id()
    now = plane.ports.clock.now()
    kept = Order(f"order-{order_id}", order_id, who, because, now, verb)
    about: Attributes = {
        Dimension.MODEL: model,
        Dimension.ORDER: order_id,
        Dimension.VERB: verb.value,
    }
    with plane.telemetry.span(Span.ORDER, attributes=about):
        plane.ports.state.add_order(model, kept)
        plane.ports.queue.send(Message(model, f"{verb.value} {order_id}"))
        text = f"{model}: {verb.value} ordered by {who}: {because}"
        plane.telemetry.log(Log.ORDER, text, {**about, Dimension.WHO: who})
    return kept


def take(plane: ControlPlane, text: str, queued_at: datetime | None = None) -> Decision | None:
    """One pass for the message's model; a message that is not ours is recorded as ignored."""
    ruling = rule_message(plane, text)
    if isinstance(ruling, Ignored):
        _ignore(plane, ruling)
        return None
    message = ruling.message
    about: Attributes = {**_MESSAGING, **_about(ruling)}
    with plane.telemetry.span(
        Span.RECONCILE, "consumer", about, parent=message.traceparent
    ) as span:
        if queued_at is not None:
            waited = (plane.ports.clock.now() - queued_at).total_seconds()
            mine: Attributes = {Dimension.MODEL: message.model}
            plane.telemetry.record(Metric.MESSAGE_AGE, max(0.0, waited), mine)
        decision = reconcile(plane.ports, plane.models[message.model], message, plane.recorded)
        span.note(_decided(decision))
        return decision


_MESSAGING: Attributes = {
    "messaging.system": "azure_queue_storage",
    "messaging.operation.name": "reconcile",
    "messaging.operation.type": "process",
}


def _decided(decision: Decision) -> Attributes:
    """What the span of a pass says of its end."""
    return {
        Dimension.DECISION: decision.id,
        Dimension.KIND: decision.kind.value,
        Dimension.REASON: decision.reasons[0].code if decision.reasons else "",
    }
