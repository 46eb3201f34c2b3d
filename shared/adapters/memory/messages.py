"""The queue and the lease in memory."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from shared.domain.errors import ConflictError
from shared.domain.events import Message
from shared.ports import Clock


class MemoryMessageQueue:
    """Messages with the instant from which they can be seen."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[datetime, Message]] = []

    @property
    def waiting(self) -> list[tuple[datetime, Message]]:
        """Every message with its instant, the next one first."""
        return sorted(self._waiting, key=lambda entry: entry[0])

    def send(self, message: Message, delay_seconds: int = 0) -> None:
        """Enqueue; it becomes visible after the delay."""
        visible_at = self._clock.now() + timedelta(seconds=delay_seconds)
        self._waiting.append((visible_at, message))

    def receive(self) -> Message | None:
        """Take the next message that can be seen; None when there is none."""
        for entry in self.waiting:
            if entry[0] <= self._clock.now():
                self._waiting.remove(entry)
                return entry[1]
        return None


class MemoryLeaseHold:
    """A lease, and the block in which it is held if it was free."""

    def __init__(self, lease: MemoryLease, model: str) -> None:
        self._lease = lease
        self._model = model

    def __enter__(self) -> MemoryLeaseHold | None:
        return self if self._lease.take(self._model, self) else None

    def __exit__(self, *_: object) -> None:
        self._lease.give_back(self._model, self)

    def check(self) -> None:
        """Renew it; raises ConflictError when it is no longer ours."""
        self._lease.renew(self._model, self)


class MemoryLease:
    """At most one holder per model; a lease that is not renewed runs out."""

    def __init__(self, clock: Clock, lease_seconds: int = 60) -> None:
        self._clock = clock
        self._length = timedelta(seconds=lease_seconds)
        self._holders: dict[str, tuple[MemoryLeaseHold, datetime]] = {}

    def hold(self, model: str) -> AbstractContextManager[MemoryLeaseHold | None]:
        """Take the model's lease and give it back in the end; None when somebody has it."""
        return MemoryLeaseHold(self, model)

    def take(self, model: str, hold: MemoryLeaseHold) -> bool:
        """Whether the lease was free, and is this one's now."""
        now = self._clock.now()
        free = self._holders.get(model, (None, now))[1] <= now
        if free:
            self._holders[model] = (hold, now + self._length)
        return free

    def give_back(self, model: str, hold: MemoryLeaseHold) -> None:
        """Nobody has the lease, if it still is this one's."""
        if self._holder(model) is hold:
            del self._holders[model]

    def renew(self, model: str, hold: MemoryLeaseHold) -> None:
        """Make the lease last its whole length again; also after it ran out, if nobody took it."""
        if self._holder(model) is not hold:
            raise ConflictError(f"renew the lease of {model}: it was lost")
        self._holders[model] = (hold, self._clock.now() + self._length)

    def break_off(self, model: str) -> None:
        """Take the lease away from whoever has it."""
        self._holders.pop(model, None)

    def _holder(self, model: str) -> MemoryLeaseHold | None:
        return self._holders.get(model, (None,))[0]
