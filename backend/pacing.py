"""How quickly a model is loaded: at once, or piece by piece with long rests between them.

A challenger is loaded in the process that answers callers, and nobody waits for it. Loaded at
once it would slow one request in ten or twenty for as long as that takes; with rests a hundred
times as long as the work, one in a hundred of any second at most meets a piece of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

REST_PER_WORK = 100.0
REST_SECONDS_MAX = 1.0
"""After one piece, so that a large model is there in time, too."""

Rest = Callable[[], object]
"""What is called between two pieces of loading."""


def at_once() -> None:
    """No rest: callers wait for this model."""


class Pace:
    """Rests after each piece of work, by the processor time that it took of this thread."""

    def __init__(
        self,
        sleep: Callable[[float], object],
        worked_seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        self._sleep = sleep
        self._worked_seconds = worked_seconds
        self._before = worked_seconds()

    def __call__(self) -> None:
        """A piece is done."""
        worked = self._worked_seconds() - self._before
        self._sleep(min(worked * REST_PER_WORK, REST_SECONDS_MAX))
        self._before = self._worked_seconds()
