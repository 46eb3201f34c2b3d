"""Answers callers' rows through the model's endpoint; touches no Azure ML SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from random import getrandbits

from shared.application.addresses import Addresses
from shared.application.deadline import Deadline
from shared.application.health_recorder import HealthRecorder
from shared.application.plane import ControlPlane
from shared.application.problems import Answer, problem
from shared.application.turns import Turns
from shared.domain.errors import NoonError, NotAskedError, UnavailableError
from shared.domain.health import UNKNOWN
from shared.domain.policy import Serving
from shared.domain.state import Address
from shared.ports import Scored, Scorer

BODY_MAX = 5_000_000
"""Bytes; the backend takes no more."""

TIMED_OUT = 408
"""The platform's answer for a container that took too long; no fault of the caller."""

ASKED_AT_ONCE_MAX = 64
"""Requests of one model in flight; a model that hangs takes nothing from the others."""

INSIDE_MAX = 1024
"""With those that wait for their turn; more would only wait until they are too late."""


@dataclass(slots=True)
class _Lane:
    """A model's own share of what can be in flight."""

    turns: Turns = field(default_factory=lambda: Turns(ASKED_AT_ONCE_MAX))
    inside: int = 0


class Predictions:
    """Knows where each model is served and passes rows on.

    A request counts once in the health window, by the answer that its caller got and for the
    deployment that gave it. A lost first try that was made good counts for nobody: the policy
    bounds what callers meet, whose loss it was is not known, and a connection that was closed
    while idle is nobody's. A deployment that always hangs up is still found out, since some
    second tries meet it again. What was never sent does not count either.
    """

    def __init__(
        self,
        plane: ControlPlane,
        scorers: Mapping[Serving, Scorer],
        process: str,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._models = plane.models
        self._clock = plane.ports.clock
        self._scorers = scorers
        self._deadline = Deadline(timeout_seconds)
        widths = {name: spec.rollout.bucket for name, spec in plane.models.items()}
        self._recorder = HealthRecorder(plane.ports.health, process, widths)
        self._writing: set[asyncio.Future[str]] = set()
        self._looked_after: set[str] = set()
        """Models whose last counts are written also if nobody asks any more."""
        self._addresses = Addresses(plane.ports.state, plane.ports.clock)
        self._lanes = {name: _Lane() for name in plane.models}

    async def answer(self, model: str, body: bytes) -> Answer:
        """The predictions for a body of rows, or a problem that says what is wrong."""
        lane = self._lanes.get(model)
        if lane is None:
            known = ", ".join(sorted(self._models))
            return problem(404, "unknown model", f"there is no model {model!r}; known are {known}")
        if len(body) > BODY_MAX:
            text = f"the body has {len(body)} bytes, {BODY_MAX} are allowed: send fewer rows"
            return problem(413, "body too large", text)
        if lane.inside >= INSIDE_MAX:
            text = f"{lane.inside} requests of {model} are under way: come again in a second"
            return problem(429, "too many requests", text, retry_after="1")
        lane.inside += 1
        try:
            return await self._in_time(model, lane, body)
        finally:
            lane.inside -= 1

    async def settled(self) -> None:
        """Wait until what is being written down or read behind the answers is done."""
        await asyncio.gather(*self._writing)
        await self._addresses.settled()

    async def _in_time(self, model: str, lane: _Lane, body: bytes) -> Answer:
        now, sent = self._clock.now(), False
        try:
            with self._deadline:
                address = self._addresses.at_hand(model, now) or await self._address(model, now)
                if isinstance(address, Answer):
                    return address
                if not lane.turns.take_at_once():
                    await lane.turns.take()
                try:
                    sent = True
                    scorer = self._scorers[address.serving]
                    scored = await scorer.score(address.scoring_uri, body)
                finally:
                    lane.turns.give_back()
        except TimeoutError:
            if sent:
                self._count(model, UNKNOWN, True, 0.0)
            text = f"there was no answer within {self._deadline.seconds:g} s"
            return problem(504, "too late", text)
        except NotAskedError as error:
            return problem(503, "cannot sign in to the endpoint", str(error))
        except UnavailableError as error:
            self._count(model, UNKNOWN, True, 0.0)
            return problem(502, "endpoint does not answer", str(error))
        answer = _answer(model, scored, now)
        failed = answer.status >= 500 or scored.status == TIMED_OUT
        self._count(model, scored.deployment or UNKNOWN, failed, scored.latency_ms)
        return answer

    async def _address(self, model: str, now: datetime) -> Address | Answer:
        try:
            address = await self._addresses.find(model, now)
        except NoonError as error:
            return problem(503, "cannot look up the model", str(error))
        if address is None:
            text = f"{model} has no champion yet: train it, and wait for its first rollout"
            return problem(503, "no champion yet", text)
        return address

    def _count(self, model: str, deployment: str, failed: bool, latency_ms: float) -> None:
        """Count an answer; what is written down is written beside it, never before it."""
        now = self._clock.now()
        if self._recorder.note(model, deployment, failed, latency_ms, now):
            self._write(model, now)
        elif model not in self._looked_after:
            self._look_after(model)

    def _look_after(self, model: str) -> None:
        self._looked_after.discard(model)
        now = self._clock.now()
        left = self._recorder.seconds_left(model, now)
        if left:
            self._looked_after.add(model)
            asyncio.get_running_loop().call_later(left, self._look_after, model)
        elif left is not None:
            self._write(model, now)

    def _write(self, model: str, now: datetime) -> None:
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(None, self._recorder.write, model, now)
        # The loop keeps only a weak reference to what runs in it.
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)


def _answer(model: str, scored: Scored, now: datetime) -> Answer:
    if scored.status in (401, 403) and not scored.by_container:
        text = f"it answers {scored.status} to the identity of this app: {scored.body[:200]!r}"
        return problem(502, "endpoint refuses this app", text)
    if 400 <= scored.status < 600:
        return Answer(
            scored.status,
            scored.body,
            scored.content_type,
            scored.retry_after,
            scored.deployment,
        )
    body = scored.body.strip()
    if not (scored.status == 200 and body.startswith(b'{"') and body.endswith(b"}")):
        name = scored.deployment or "it"
        text = f"{name} sent status {scored.status} and no JSON object"
        nonsense = problem(502, "endpoint answers nonsense", text)
        return nonsense._replace(deployment=scored.deployment)
    before, between = _signed(model, scored.deployment)
    stamp = f"{_second(int(now.timestamp()))}{now.microsecond:06}"
    # Joined as bytes: the rows' answers are never parsed here.
    return Answer(
        200,
        body[:-1] + f'{before}{stamp}{between}{getrandbits(32):08x}"}}'.encode(),
        deployment=scored.deployment,
    )


@lru_cache(maxsize=16)
def _second(timestamp: int) -> str:
    """Such as `20261123t120000`; written once for all requests of a second."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y%m%dt%H%M%S}"


@lru_cache(maxsize=256)
def _signed(model: str, deployment: str) -> tuple[str, str]:
    """Who answered and the request's id, as JSON up to its time and on to its chance.

    Time and deployment: enough to find the chain of decisions without a row a prediction.
    """
    version = deployment.removeprefix("v").split("-")[0]
    named = json.dumps({"name": model, "version": version, "deployment": deployment})
    return f',"model":{named},"request_id":"', f".{json.dumps(deployment)[1:-1]}."
