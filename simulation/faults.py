"""Everything that goes wrong between the control plane and the outside, as one wrapper.

A wrapped port throws dice before each call: the call is lost before or after it had its effect,
answers 409, 429 or 5xx, is slow while another worker passes, or the process dies right there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from random import Random
from types import TracebackType
from typing import Any, TypeVar, cast

from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.messages import MemoryLease
from shared.domain.errors import BusyError, ConflictError, UnavailableError
from shared.ports import LeaseHold
from simulation.stale import StaleReads

T = TypeVar("T")

RATE = 0.006
"""Of all calls through a port, so many meet a fault."""

ANY = (
    "lost_before",
    "lost_after",
    "slow",
    "throttled_429",
    "failing_5xx",
    "crash_before",
    "crash_after",
)
BESIDES = {
    ("state", "save"): ("etag_race", "etag_race", "etag_conflict"),
    ("jobs", "get"): ("stale",) * 4,
    ("jobs", "submit"): ("conflict_409",) * 4,
    ("jobs", "cancel"): ("conflict_409",) * 4,
    ("registry", "job_of"): ("stale",) * 4,
    ("registry", "register"): ("conflict_409",) * 4,
    ("endpoint", "get"): ("stale",) * 12,
    ("endpoint", "deploy"): ("conflict_409",) * 8,
    ("endpoint", "set_traffic"): ("conflict_409",) * 8,
    ("endpoint", "delete_deployment"): ("conflict_409",) * 4,
}
"""What can happen to these calls besides."""

SLOW_SECONDS_MAX = 150
"""Longer than the lease lasts."""


class CrashError(BaseException):
    """The process died at this place: nothing catches it but the platform."""


class Faults:
    """The dice, and what they brought."""

    def __init__(self, random: Random, clock: MemoryClock, note: Callable[[str], None]) -> None:
        self._random = random
        self._clock = clock
        self._note = note
        self.rate = RATE
        self.throw = random.random
        self.counts: Counter[str] = Counter()
        """Everything that went wrong in the world, how often."""
        self.calls: Counter[str] = Counter()
        """Every call through a port, by port and name."""
        self.outages: dict[str, datetime] = {}
        """Ports that do not answer at all, until when."""
        self.meanwhile: Callable[[], None] = lambda: None
        """What another worker does while a call of this one takes its time."""
        self.stale = StaleReads(clock)

    def call(
        self, port: str, name: str, inner: Callable[..., Any], *given: Any, **named: Any
    ) -> Any:
        """The call with whatever goes wrong with it."""
        what, fault = f"{port}.{name}", self._random.choice(ANY + BESIDES.get((port, name), ()))
        if fault == "stale":
            answer = inner(*given, **named)
            older = self.stale.older(port, given, answer)
            if older != answer:
                self._happened(fault, what)
            return older
        self._happened(fault, what)
        self._before(fault, what)
        answer = inner(*given, **named)
        self._after(fault, what)
        return answer

    def refuse(self, port: str, name: str) -> None:
        """No answer while the port is out."""
        if self._clock.now() < self.outages[port]:
            self.counts["outage"] += 1
            self._note("")
            raise UnavailableError(f"{port}.{name}: no answer")
        del self.outages[port]

    def _happened(self, fault: str, what: str) -> None:
        self.counts[fault] += 1
        self._note(f"fault: {fault} at {what}")

    def _before(self, fault: str, what: str) -> None:
        match fault:
            case "lost_before":
                raise UnavailableError(f"{what}: connection refused")
            case "failing_5xx":
                raise UnavailableError(f"{what}: 503")
            case "crash_before":
                raise CrashError(what)
            case "throttled_429":
                raise BusyError(f"{what}: 429")
            case "conflict_409":
                raise BusyError(f"{what}: 409")
            case "etag_conflict":
                raise ConflictError(f"{what}: the etag is old")
            case "etag_race":
                self.meanwhile()
            case "slow":
                seconds = self._random.uniform(1, SLOW_SECONDS_MAX)
                self._clock.advance(timedelta(seconds=seconds))
                self.meanwhile()

    def _after(self, fault: str, what: str) -> None:
        match fault:
            case "lost_after":
                raise UnavailableError(f"{what}: the answer was lost")
            case "crash_after":
                raise CrashError(what)


class _Faulty:
    """Any port, with faults around each of its calls."""

    def __init__(self, inner: object, faults: Faults, port: str) -> None:
        self._inner = inner
        self._faults = faults
        self._port = port

    def __getattr__(self, name: str) -> Any:
        inner, faults, port = getattr(self._inner, name), self._faults, self._port
        what = f"{port}.{name}"

        def call(*given: Any, **named: Any) -> Any:
            # Most calls go well: the way there is as short as can be.
            faults.calls[what] += 1
            if port in faults.outages:
                faults.refuse(port, name)
            if faults.throw() < faults.rate:
                return faults.call(port, name, inner, *given, **named)
            return inner(*given, **named)

        self.__dict__[name] = call
        return call


def faulty(inner: T, faults: Faults, port: str) -> T:
    """The same port, which now and then fails."""
    return cast("T", _Faulty(inner, faults, port))


class FaultyLease:
    """A lease that a process takes along into its grave: it ends only when it has run out."""

    def __init__(self, inner: MemoryLease, faults: Faults) -> None:
        self._inner = faulty(inner, faults, "lease")
        self.faults = faults
        self.at_work: Counter[str] = Counter()

    def hold(self, model: str) -> AbstractContextManager[LeaseHold | None]:
        """Take the model's lease; after a crash it is not given back."""
        return _FaultyBlock(self, model, self._inner.hold(model))


class _FaultyBlock:
    """A block in which a process has a lease, or has none."""

    def __init__(
        self, lease: FaultyLease, model: str, block: AbstractContextManager[LeaseHold | None]
    ) -> None:
        self._lease = lease
        self._model = model
        self._block = block

    def __enter__(self) -> LeaseHold | None:
        held, lease = self._block.__enter__(), self._lease
        if held is not None:
            # The other one waits for an answer so long that its lease has run out.
            lease.faults.counts["two_workers"] += lease.at_work[self._model] > 0
        lease.at_work[self._model] += 1
        return None if held is None else faulty(held, lease.faults, "lease")

    def __exit__(
        self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        self._lease.at_work[self._model] -= 1
        if kind is None or not issubclass(kind, CrashError):
            self._block.__exit__(None, None, None)


def survivable(error: BaseException) -> bool:
    """An error that the platform is there for, as opposed to a mistake of ours."""
    return isinstance(error, (BusyError, ConflictError, UnavailableError, CrashError))
