"""How much may wait: refuses early what could only be answered late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from backend.problems import Problem
from backend.settings import Settings

DISCARDED_LIMITS_MAX = 4
"""How far too large a body is still read to its end, so that its sender hears why."""

FEW_REQUESTS = 32
"""So many of one turn are answered however late: a pause of the whole machine is no queue."""

BODY_SECONDS_MAX = 30.0
"""How long a large body may take to arrive."""

BUSY = Problem(
    429,
    "Too many requests are waiting",
    "Nothing was scored; send it again.",
    headers=(("Retry-After", "1"),),
)

Receive = Callable[[], Awaitable[Any]]


class Admission:
    """Bounds what waits for its turn on the event loop, and the large bodies beside it."""

    def __init__(self, settings: Settings) -> None:
        self._wait_seconds_max = settings.queue_milliseconds_max / 1000
        self._bytes_max = settings.body_bytes_max
        self._large_max = settings.queue_bodies_max
        self._large = 0
        self._turn_began_at = 0.0
        self._turn_requests = 0
        # One thread: whatever waits for it is bounded here, and small requests keep a processor.
        self.thread = ThreadPoolExecutor(1, "large-bodies")

    def late(self, now: float) -> bool:
        """Whether a request that begins only now was ready too long ago.

        All requests that a turn of the event loop finds are answered one after another, so the
        time since the turn's first is how long this one has waited.
        """
        self._turn_requests += 1
        if self._turn_requests == 1:
            self._turn_began_at = now
            asyncio.get_running_loop().call_soon(self._end_turn)
            return False
        waited = now - self._turn_began_at
        return self._turn_requests > FEW_REQUESTS and waited > self._wait_seconds_max

    @contextmanager
    def large_body(self) -> Iterator[bool]:
        """Counts a large body while it is read and scored; False when there are too many."""
        if self._large >= self._large_max:
            yield False
            return
        self._large += 1
        try:
            yield True
        finally:
            self._large -= 1

    async def rest_of(self, message: Any, receive: Receive) -> bytes | Problem:
        """The whole body that begins with a message, or why it is not taken."""
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                return await self._rest_of(message, receive)
        except TimeoutError:
            return Problem(408, "The body did not arrive in time", headers=_CLOSE)

    async def _rest_of(self, message: Any, receive: Receive) -> bytes | Problem:
        body = bytearray()
        received = 0
        while True:
            if message["type"] == "http.disconnect":
                return Problem(400, "The body ended early", headers=_CLOSE)
            chunk = message.get("body", b"")
            received += len(chunk)
            if received <= self._bytes_max:
                body += chunk
            if not message.get("more_body") or received > self._bytes_max * DISCARDED_LIMITS_MAX:
                break
            message = await receive()
        if received > self._bytes_max:
            # The rest of the body may still be on its way; nobody will read it.
            detail = f"At most {self._bytes_max} bytes a request."
            return Problem(413, "The body is too large", detail, headers=_CLOSE)
        return bytes(body)

    def _end_turn(self) -> None:
        self._turn_requests = 0


_CLOSE = (("Connection", "close"),)
