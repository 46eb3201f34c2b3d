"""How many may be at something at a time."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """So many at once, the others in the order of their coming.

    As `asyncio.Semaphore`, but whoever need not wait, which is nearly everybody, needs no
    coroutine for it.
    """

    __slots__ = ("_free", "_waiting")

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_at_once(self) -> bool:
        """Take a turn if there is one for which nobody waits."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def take(self) -> None:
        """Take a turn; waits for it."""
        if self.take_at_once():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # Its turn may have come in the same moment.
            if turn.done() and not turn.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        """End a turn: it is the next one's."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
