"""Ports that tell operators of each call; the same ports otherwise.

Only calls inside a span are told of: what nobody traces costs one look at a variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from shared.domain.decision import PRIVATE_REASONS, Decision
from shared.domain.events import Message
from shared.domain.policy import ModelSpec
from shared.domain.signals import Dimension, Log, Metric, Span
from shared.domain.state import ModelState, Subject, Training, Version
from shared.ports import DecisionLog, MessageQueue, Ports, Scored, Scorer
from shared.telemetry import Attributes, Telemetry, Value

T = TypeVar("T")
AZURE_ML = "Azure Machine Learning"
BEHIND = {
    "jobs": AZURE_ML,
    "registry": AZURE_ML,
    "endpoint": AZURE_ML,
    "prober": "deployment",
    "containers": "scoring container",
    "state": "tables",
    "releases": "tables",
    "health": "tables",
    "landing": "blobs",
    "files": "blobs",
}
"""What answers behind each port, by the port's name; Application Insights shows it as target.

Clock and slots ask nobody. The lease is a block of its own and is not told of.
"""
PEER = "peer.service"
TEXT_MAX = 1000


def watched(ports: Ports, telemetry: Telemetry, queue_name: str) -> Ports:
    """The same ports, watched."""
    changed: dict[str, Any] = {
        name: _watched(getattr(ports, name), telemetry, name) for name in BEHIND
    }
    changed["queue"] = WatchedQueue(ports.queue, telemetry, queue_name)
    changed["decisions"] = WatchedDecisions(ports.decisions, telemetry)
    return replace(ports, **changed)


class _Watched:
    """Any port, with a span around each of its calls."""

    def __init__(self, inner: object, telemetry: Telemetry, port: str, peer: str) -> None:
        self._inner = inner
        self._telemetry = telemetry
        self._port = port
        self._peer = peer

    def __getattr__(self, name: str) -> Any:
        inner, telemetry = getattr(self._inner, name), self._telemetry
        what, peer = f"{self._port}.{name}", {PEER: self._peer}

        def call(*given: Any, **named: Any) -> Any:
            if not telemetry.traceparent():
                return inner(*given, **named)
            with telemetry.span(what, "client", peer | dict(_about(given))):
                return inner(*given, **named)

        self.__dict__[name] = call
        return call


def _watched(inner: T, telemetry: Telemetry, port: str) -> T:
    return cast("T", _Watched(inner, telemetry, port, BEHIND[port]))


def _about(given: Sequence[object]) -> Attributes:
    """Which model, job, version and deployment a call is about."""
    about: dict[str, Value] = {}
    for each in given:
        match each:
            case ModelSpec(name=name):
                about[Dimension.MODEL] = name
            case ModelState(model=name):
                about[Dimension.MODEL] = name
            case Training(job=job):
                about[Dimension.JOB] = job
            case Version(number=number, job=job):
                about |= {Dimension.VERSION: str(number), Dimension.JOB: job}
            case Subject(version=number):
                about |= {
                    Dimension.VERSION: str(number),
                    Dimension.DEPLOYMENT: each.deployment,
                }
    return about


class WatchedQueue:
    """A queue whose messages carry the trace in which they were sent."""

    def __init__(self, inner: MessageQueue, telemetry: Telemetry, name: str) -> None:
        self._inner = inner
        self._telemetry = telemetry
        self._sending: Attributes = {
            "messaging.system": "azure_queue_storage",
            "messaging.destination.name": name,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            PEER: name,
        }

    def send(self, message: Message, delay_seconds: int = 0) -> None:
        """Enqueue, as the last thing that a span knows of the message."""
        about: Attributes = {Dimension.MODEL: message.model, Dimension.CAUSE: message.cause}
        with self._telemetry.span(Span.SEND, "producer", {**self._sending, **about}):
            sent = replace(message, traceparent=self._telemetry.traceparent())
            self._inner.send(sent, delay_seconds)


class WatchedDecisions:
    """A log of decisions that counts what is kept, and tells of it in a line."""

    def __init__(self, inner: DecisionLog, telemetry: Telemetry) -> None:
        self._inner = inner
        self._telemetry = telemetry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def append(self, decision: Decision, also: Sequence[Decision] = ()) -> None:
        """Keep it, and then count it; `also` was counted by whoever made it, or died with him."""
        about: Attributes = {Dimension.DECISION: decision.id, PEER: "tables"}
        with self._telemetry.span("decisions.append", "client", about):
            self._inner.append(decision, also)
        self._telemetry.count(Metric.DECISIONS, counted(decision))
        self._telemetry.log(
            Log.DECISION,
            _line(decision),
            told(decision),
            warning=decision.kind in ("failed", "refused"),
        )


def counted(decision: Decision) -> Attributes:
    """What decisions are counted by."""
    first = decision.reasons[0].code if decision.reasons else ""
    verdict = decision.facts.get("verdict")
    return {
        Dimension.MODEL: decision.model,
        Dimension.KIND: decision.kind.value,
        Dimension.REASON: first,
        **({Dimension.VERDICT: str(verdict)} if verdict else {}),
    }


def told(decision: Decision) -> Attributes:
    """What a line tells of a decision besides its words."""
    keys = dict(key.partition(":")[::2] for key in decision.about)
    found: dict[str, Value] = {
        Dimension.JOB: keys.get("job", ""),
        Dimension.VERSION: keys.get("version", ""),
        Dimension.DEPLOYMENT: keys.get("deployment", ""),
        Dimension.EVENT: keys.get("event", ""),
        Dimension.ORDER: keys.get("order", ""),
        Dimension.ACTIONS: "; ".join(decision.actions)[:TEXT_MAX],
    }
    return {
        **counted(decision),
        Dimension.DECISION: decision.id,
        Dimension.REASON: ",".join(dict.fromkeys(reason.code for reason in decision.reasons)),
        Dimension.CAUSE: decision.cause,
        Dimension.OUTCOME: decision.outcome[:TEXT_MAX],
        **{name: value for name, value in found.items() if value},
    }


def _line(decision: Decision) -> str:
    words = [
        f"{reason.code} (noon why {decision.id})" if reason.code in PRIVATE_REASONS else reason.text
        for reason in decision.reasons
    ]
    return f"{decision.model}: {decision.kind.value}: {'; '.join(words)}"[:TEXT_MAX]


class WatchedScorer:
    """A scorer whose questions are part of the trace of a prediction that has one."""

    def __init__(self, inner: Scorer, telemetry: Telemetry) -> None:
        self._inner = inner
        self._telemetry = telemetry

    async def score(self, scoring_uri: str, body: bytes) -> Scored:
        """Pass the body on; what stands in it is nobody's business here."""
        if not self._telemetry.traceparent():
            return await self._inner.score(scoring_uri, body)
        with self._telemetry.span(Span.SCORE, "client", {PEER: "deployment"}) as span:
            scored = await self._inner.score(scoring_uri, body)
            span.note({Dimension.DEPLOYMENT: scored.deployment, Dimension.STATUS: scored.status})
            if scored.status >= 500:
                span.fail(str(scored.status))
            return scored
