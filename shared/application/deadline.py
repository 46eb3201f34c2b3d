"""One timer for everybody who has equally long."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadline:
    """Ends with TimeoutError whatever takes longer; each task enters it for itself.

    As `asyncio.timeout`, which makes a timer for each and is a twentieth of what a prediction
    costs the proxy: who has equally long is late in the order of coming, so that the timer of
    the eldest is enough. It is wound once in the time that they have.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until: dict[asyncio.Task[object], float] = {}
        """By the loop's clock, the eldest first."""
        self._loop: asyncio.AbstractEventLoop | None = None
        """Whose timer is wound; none when nobody was left to watch over."""

    def __enter__(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None, "only a task can be late"
        self._until[task] = until = loop.time() + self.seconds
        if self._loop is not loop:
            # An earlier loop ended with its timer and its tasks.
            self._loop = loop
            loop.call_at(until, self._end_late, loop)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None, "it entered"
        in_time = self._until.pop(task, None) is not None
        # Whoever else cancelled it wants it to end, not to go on with an error.
        if not in_time and task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _end_late(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:
            return
        now = loop.time()
        for task, until in [*self._until.items()]:
            if until > now:
                loop.call_at(until, self._end_late, loop)
                return
            del self._until[task]
            task.cancel()
        self._loop = None
