"""Answers callers' rows through the model's endpoint; touches no Azure ML SDK."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.application.health_recorder import HealthRecorder
from shared.application.plane import ControlPlane
from shared.domain.errors import BusyError, NoonError, UnavailableError
from shared.domain.health import UNKNOWN
from shared.domain.policy import Serving
from shared.domain.state import Address
from shared.ports import Scored, Scorer

BODY_MAX = 5_000_000
"""Bytes; the backend takes no more."""

TIMED_OUT = 408
"""The platform's answer for a container that took too long; no fault of the caller."""

FRESH_FOR = timedelta(seconds=5)
"""So long the address of a model's endpoint is believed; it changes about once in its life."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and its type, ready to be sent."""

    status: int
    body: bytes
    content_type: str = "application/json"


class Predictions:
    """Knows where each model is served and passes rows on."""

    def __init__(
        self, plane: ControlPlane, scorers: Mapping[Serving, Scorer], process: str
    ) -> None:
        self._plane = plane
        self._scorers = scorers
        widths = {name: spec.rollout.bucket for name, spec in plane.models.items()}
        self._recorder = HealthRecorder(plane.ports.health, process, widths)
        self._writing: set[asyncio.Future[str]] = set()
        self._known: dict[str, tuple[datetime, Address]] = {}

    async def answer(self, model: str, body: bytes) -> Answer:
        """The predictions for a body of rows, or a problem that says what is wrong."""
        if model not in self._plane.models:
            known = ", ".join(sorted(self._plane.models))
            return problem(404, "unknown model", f"there is no model {model!r}; known are {known}")
        if len(body) > BODY_MAX:
            text = f"the body has {len(body)} bytes, {BODY_MAX} are allowed: send fewer rows"
            return problem(413, "body too large", text)
        now = self._plane.ports.clock.now()
        try:
            address = await self._address(model, now)
            if address is None:
                text = f"{model} has no champion yet: train it, and wait for its first rollout"
                return problem(503, "no champion yet", text)
        except NoonError as error:
            return problem(503, "cannot look up the model", str(error))
        return await self._scored(model, address, body, now)

    async def _scored(self, model: str, address: Address, body: bytes, now: datetime) -> Answer:
        """Ask the endpoint and count its answer."""
        try:
            scored = await self._scorers[address.serving].score(address.scoring_uri, body)
        except BusyError as error:
            self._count(model, UNKNOWN, True, 0.0)
            return problem(504, "too late", str(error))
        except UnavailableError as error:
            self._count(model, UNKNOWN, True, 0.0)
            return problem(502, "endpoint does not answer", str(error))
        failed = scored.status >= 500 or scored.status == TIMED_OUT
        self._count(model, scored.deployment or UNKNOWN, failed, scored.latency_ms)
        return _answer(model, scored, now)

    def _count(self, model: str, deployment: str, failed: bool, latency_ms: float) -> None:
        """Count an answer; what is written down is written beside it, never before it."""
        now = self._plane.ports.clock.now()
        if self._recorder.note(model, deployment, failed, latency_ms, now):
            loop = asyncio.get_running_loop()
            writing = loop.run_in_executor(None, self._recorder.write, model, now)
            # The loop keeps only a weak reference to what runs in it.
            self._writing.add(writing)
            writing.add_done_callback(self._writing.discard)

    async def settled(self) -> None:
        """Wait until what is being written down is written."""
        await asyncio.gather(*self._writing)

    async def _address(self, model: str, now: datetime) -> Address | None:
        known = self._known.get(model)
        if known is not None and now - known[0] < FRESH_FOR:
            return known[1]
        snapshot = await asyncio.to_thread(self._plane.ports.state.load, model)
        address = snapshot.state.address if snapshot.state else None
        if address is not None:
            self._known[model] = (now, address)
        return address


def problem(status: int, title: str, detail: str) -> Answer:
    """An error as RFC 9457 has it."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Answer(status, json.dumps(content).encode(), "application/problem+json")


def _answer(model: str, scored: Scored, now: datetime) -> Answer:
    if scored.status != 200:
        return Answer(scored.status, scored.body, scored.content_type)
    body = scored.body.strip()
    if not (body.startswith(b'{"') and body.endswith(b"}")):
        return problem(502, "endpoint answers nonsense", f"{scored.deployment} sent no JSON object")
    name = scored.deployment
    version = name.removeprefix("v").split("-")[0]
    extra = {
        "model": {"name": model, "version": version, "deployment": name},
        # Time and deployment: enough to find the chain of decisions without a row a prediction.
        "request_id": f"{now:%Y%m%dt%H%M%S%f}.{name}.{uuid.uuid4().hex[:8]}",
    }
    # Joined as bytes: the rows' answers are never parsed here.
    return Answer(200, body[:-1] + b"," + json.dumps(extra).encode()[1:])
