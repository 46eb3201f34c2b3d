"""Where each model is served, read beside the requests that need to know it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from shared.domain.errors import NoonError
from shared.domain.state import Address
from shared.ports import Clock, StateStore

FRESH_FOR = timedelta(seconds=5)
"""After this it is read anew behind an answer: an address changes about once in its life."""

BELIEVED_FOR = timedelta(minutes=1)
"""After such a silence the next request waits a moment for what is read anew."""

WAITED_SECONDS = 0.5
"""So long it waits; storage that hangs holds up one request, not all."""


class Addresses:
    """Addresses from the saved state, one reading at a time for each model."""

    def __init__(self, state: StateStore, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._known: dict[str, tuple[datetime, Address]] = {}
        self._reading: dict[str, asyncio.Task[Address | None]] = {}

    async def find(self, model: str, now: datetime) -> Address | None:
        """The model's address, from memory while requests keep coming; None without a champion.

        While the state cannot be read what was known last holds, however old: predictions
        outlive an outage of storage. Raises NoonError when nothing was ever known.
        """
        if address := self.at_hand(model, now):
            return address
        renewal, known = self._renewal(model), self._known.get(model)
        if known is None:
            return await asyncio.shield(renewal)
        await asyncio.wait({renewal}, timeout=WAITED_SECONDS)
        return renewal.result() if renewal.done() else known[1]

    def at_hand(self, model: str, now: datetime) -> Address | None:
        """The model's address when nobody needs to wait for it, which is nearly always."""
        known = self._known.get(model)
        if known is None:
            return None
        age = now - known[0]
        if age < FRESH_FOR or self._being_read(model):
            return known[1]
        if age >= BELIEVED_FOR:
            return None
        self._renewal(model)
        return known[1]

    async def settled(self) -> None:
        """Wait until whatever is being read is read."""
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    def _being_read(self, model: str) -> bool:
        reading = self._reading.get(model)
        return reading is not None and not reading.done()

    def _renewal(self, model: str) -> asyncio.Task[Address | None]:
        if not self._being_read(model):
            reading = self._reading[model] = asyncio.create_task(self._read(model))
            # Nobody may be waiting for it: an error was seen also when it is not awaited.
            reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._reading[model]

    async def _read(self, model: str) -> Address | None:
        now, known = self._clock.now(), self._known.get(model)
        try:
            snapshot = await asyncio.to_thread(self._state.load, model)
        except NoonError:
            if known is None:
                raise
            # Believed anew, and so asked again only when that has become old.
            self._known[model] = (now, known[1])
            return known[1]
        address = snapshot.state.address if snapshot.state else None
        if address is not None:
            self._known[model] = (now, address)
        return address
