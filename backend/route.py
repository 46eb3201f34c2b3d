"""The scoring route: plain ASGI, because a framework would cost several times what a model does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from backend.access import Guard
from backend.admission import BUSY, Admission
from backend.batching import Answer, Batcher
from backend.models import DEPLOYMENT_HEADER, Models, Served
from backend.problems import MEDIA_TYPE, Problem
from backend.settings import Settings
from backend.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Span

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

Answered = Callable[[int, RawHeaders, bytes], None]
"""Takes an answer's status, headers and body."""


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
        outcome: Answer | None = self._refusal(scope["method"], headers, began_at)
        if outcome is None and self._guard is not None:
            outcome = await self.stranger(headers)
        signature: RawHeaders = ()
        if outcome is None:
            served = _chosen(models, headers)
            if isinstance(served, Problem):
                outcome = served
            else:
                signature = served.signature
                outcome = await self._scored(served, receive)
        status, rows, content, raw = _worded(outcome)
        raw += signature
        if self.draining:
            raw.append(_CLOSE)
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})
        self._counted(models, status, rows, began_at, span)

    def at_once(self, headers: dict[bytes, bytes]) -> bool:
        """Whether `answer_soon` can answer a request with these headers once its body is there.

        Not while it is drained, when the caller is not known at once or when the body is large.
        """
        length = headers.get(b"content-length", b"")
        if self.draining or not length.isdigit() or int(length) > self._bytes_max:
            return False
        return self._guard is None or self._guard.at_once(headers) is True

    def answer_soon(
        self, models: Models, headers: dict[bytes, bytes], body: bytes, send: Answered
    ) -> Batcher | None:
        """Answer a POST for which `at_once` was true, before the event loop's turn is over.

        Gives the batcher with which the request waits for its answer, if it does.
        """
        began_at = perf_counter()
        span = self._tracing.begin(headers, began_at) if self._tracing else None
        served = BUSY if self.admission.late(began_at) else _chosen(models, headers)
        done = partial(self._end, models, served, began_at, span, send)
        if isinstance(served, Problem):
            done(served)
        elif served.batcher is not None:
            return served.batcher if served.batcher.put(body, done) else None
        else:
            done(_answered(served, body))
        return None

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

    async def _scored(self, served: Served, receive: Receive) -> Answer:
        message = await receive()
        try:
            body = message.get("body")
            if body is None or message.get("more_body") or len(body) > self._bytes_max:
                return await self._large(served, message, receive)
            if served.batcher is not None:
                return await served.batcher.answer(body)
            return served.scorer.answer(body)
        except Exception as error:
            return _failure(served, error)

    async def _large(self, served: Served, message: Any, receive: Receive) -> Answer:
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

    def _end(
        self,
        models: Models,
        served: Served | Problem,
        began_at: float,
        span: Span | None,
        send: Answered,
        outcome: Answer | Exception,
    ) -> None:
        if isinstance(outcome, Exception):
            outcome = _failure(served, outcome)
        status, rows, content, raw = _worded(outcome)
        self._counted(models, status, rows, began_at, span)
        if isinstance(served, Served):
            raw += served.signature
        send(status, raw, content)

    def _counted(
        self, models: Models, status: int, rows: int, began_at: float, span: Span | None
    ) -> None:
        models.counts.add(status, rows, perf_counter() - began_at)
        if span is not None and self._tracing:
            self._tracing.end(span, models.name, status, rows)


def _chosen(models: Models, headers: dict[bytes, bytes]) -> Served | Problem:
    # In an endpoint's container the header is the platform's: it has chosen by it already.
    wanted = headers.get(_DEPLOYMENT, b"") if models.followed else b""
    return models.chosen(wanted.decode("latin-1"))


def _answered(served: Served, body: bytes) -> Answer | Exception:
    try:
        return served.scorer.answer(body)
    except Exception as error:
        return error


def _failure(served: Served | Problem, error: Exception) -> Problem:
    """The problem that a caller hears of; logged with its traceback."""
    name = served.deployment if isinstance(served, Served) else ""
    _log.error("%s failed", name or "the model", exc_info=error)
    return Problem(500, "The service failed", type(error).__name__)


def _worded(outcome: Answer) -> tuple[int, int, bytes, list[tuple[bytes, bytes]]]:
    """Status, rows, content and headers."""
    if isinstance(outcome, Problem):
        return outcome.status, 0, *_refused(outcome)
    content, rows = outcome
    return 200, rows, content, [_JSON, (b"content-length", b"%d" % len(content))]


def _refused(problem: Problem) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    content = problem.content()
    more = [(name.encode(), value.encode()) for name, value in problem.headers]
    return content, [_PROBLEM, (b"content-length", b"%d" % len(content)), *more]
