"""The scoring route: plain ASGI, because a framework would cost several times what a model does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from time import perf_counter
from typing import Any

from backend.access import Guard
from backend.admission import BUSY, Admission
from backend.models import DEPLOYMENT_HEADER, Models, Served
from backend.problems import MEDIA_TYPE, Problem
from backend.settings import Settings
from backend.tracing import Tracing

LOOP_BYTES_MAX = 64_000
"""Larger bodies, of some two hundred rows, are scored in a thread so that others need not wait."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
RawHeaders = Iterable[tuple[bytes, bytes]]

_DEPLOYMENT = DEPLOYMENT_HEADER.encode()
_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", MEDIA_TYPE.encode())
_CLOSE = (b"connection", b"close")
_WRONG_METHOD = Problem(405, "Method Not Allowed", headers=(("Allow", "POST"),))
_ENCODED = Problem(415, "Content-Encoding is not supported", "Send the body as it is.")

_log = logging.getLogger("backend")

Outcome = tuple[bytes, int] | Problem
"""The answer's body and its number of rows, or a refusal."""


class ScoreRoute:
    """Answers POST for whichever models a path stands for."""

    def __init__(self, settings: Settings, guard: Guard | None, tracing: Tracing | None) -> None:
        self.draining = False
        self.admission = Admission(settings)
        self._guard = guard
        self._tracing = tracing
        self._bytes_max = min(settings.body_bytes_max, LOOP_BYTES_MAX)

    async def answer(self, models: Models, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and count it."""
        began_at = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        span = self._tracing.begin(headers, began_at) if self._tracing else None
        signature: RawHeaders = ()
        outcome: Outcome | None = self._refusal(scope["method"], headers, began_at)
        if outcome is None and self._guard is not None:
            outcome = await self.stranger(headers)
        if outcome is None:
            # In an endpoint's container the header is the platform's: it has chosen by it already.
            wanted = headers.get(_DEPLOYMENT, b"") if models.followed else b""
            served = models.chosen(wanted.decode("latin-1"))
            if isinstance(served, Problem):
                outcome = served
            else:
                signature = served.signature
                outcome = await self._scored(served, receive)
        if isinstance(outcome, Problem):
            status, rows = outcome.status, 0
            content, raw = _refused(outcome)
        else:
            status, (content, rows) = 200, outcome
            raw = [_JSON, (b"content-length", b"%d" % len(content))]
        raw += signature
        if self.draining:
            raw.append(_CLOSE)
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})
        models.counts.add(status, rows, perf_counter() - began_at)
        if span is not None and self._tracing:
            self._tracing.end(span, models.name, status, rows)

    async def stranger(self, headers: dict[bytes, bytes]) -> Problem | None:
        """Why a caller is not let in; None for one who is."""
        assert self._guard is not None
        found = self._guard.at_once(headers)
        if found is True:
            return None
        return found or await self._guard.after_asking(headers)

    def _refusal(self, method: str, headers: dict[bytes, bytes], began_at: float) -> Problem | None:
        if self.admission.late(began_at):
            return BUSY
        if method != "POST":
            return _WRONG_METHOD
        if headers.get(b"content-encoding", b"identity") != b"identity":
            return _ENCODED
        return None

    async def _scored(self, served: Served, receive: Receive) -> Outcome:
        message = await receive()
        try:
            body = message.get("body")
            if body is None or message.get("more_body") or len(body) > self._bytes_max:
                return await self._large(served, message, receive)
            if served.batcher is not None:
                return await served.batcher.answer(body)
            return served.scorer.answer(body)
        except Exception as error:
            _log.exception("%s failed", served.deployment or "the model")
            return Problem(500, "The service failed", type(error).__name__)

    async def _large(self, served: Served, message: Any, receive: Receive) -> Outcome:
        with self.admission.large_body() as admitted:
            if not admitted:
                return BUSY
            body = await self.admission.rest_of(message, receive)
            if isinstance(body, Problem):
                return body
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self.admission.thread, served.scorer.answer_apart, body
            )


def _refused(problem: Problem) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    content = problem.content()
    more = [(name.encode(), value.encode()) for name, value in problem.headers]
    return content, [_PROBLEM, (b"content-length", b"%d" % len(content)), *more]
