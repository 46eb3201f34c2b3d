"""Everything that goes wrong between the control plane and the outside, as one wrapper.

A wrapped port throws dice before each call: the call is lost before or after it had its effect,
answers 409, 429 or 5xx, is slow while another worker passes, or the process dies right there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar, cast

from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.messages import MemoryLease
from shared.domain.errors import BusyError, ConflictError, UnavailableError
from shared.domain.facts import EndpointFacts
from shared.ports import LeaseHold

T = TypeVar("T")

RATE = 0.006
"""Of all calls through a port, so many meet a fault."""

ANY = ("lost_before", "lost_after", "slow", "crash_before", "crash_after")
WRITES = {
    ("state", "save"): ("race", "conflict"),
    ("jobs", "submit"): ("busy",),
    ("jobs", "cancel"): ("busy",),
    ("registry", "register"): ("busy",),
    ("endpoint", "get"): ("stale", "stale"),
    ("endpoint", "deploy"): ("busy", "busy"),
    ("endpoint", "set_traffic"): ("busy", "busy"),
    ("endpoint", "delete_deployment"): ("busy",),
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
        self.outages: dict[str, datetime] = {}
        """Ports that do not answer at all, until when."""
        self.meanwhile: Callable[[], None] = lambda: None
        """What another worker does while a call of this one takes its time."""
        self.replaced: dict[str, Mapping[str, int]] = {}
        """The traffic of each endpoint before the last write, which reads can still show."""

    def call(
        self, port: str, name: str, inner: Callable[..., Any], *given: Any, **named: Any
    ) -> Any:
        """The call with whatever goes wrong with it."""
        fault = self._random.choice(ANY + WRITES.get((port, name), ()))
        self.counts[fault] += 1
        self._note(f"fault: {fault} at {port}.{name}")
        return self._faulty(fault, f"{port}.{name}", inner, *given, **named)

    def _faulty(
        self, fault: str, what: str, inner: Callable[..., Any], *given: Any, **named: Any
    ) -> Any:
        match fault:
            case "lost_before":
                raise UnavailableError(f"{what}: 503")
            case "crash_before":
                raise CrashError(what)
            case "busy":
                raise BusyError(f"{what}: {self._random.choice(('409', '429'))}")
            case "conflict":
                raise ConflictError(f"{what}: the etag is old")
            case "race":
                self.meanwhile()
            case "slow":
                seconds = self._random.uniform(1, SLOW_SECONDS_MAX)
                self._clock.advance(timedelta(seconds=seconds))
                self.meanwhile()
        answer = inner(*given, **named)
        match fault:
            case "lost_after":
                raise UnavailableError(f"{what}: the answer was lost")
            case "crash_after":
                raise CrashError(what)
            case "stale":
                return self._older(answer)
        return answer

    def refuse(self, port: str, name: str) -> None:
        """No answer while the port is out."""
        until = self.outages.get(port)
        if until is not None and self._clock.now() < until:
            self.counts["outage"] += 1
            self._note("")
            raise UnavailableError(f"{port}.{name}: no answer")

    def _older(self, facts: EndpointFacts | None) -> EndpointFacts | None:
        """The deployments of now with the traffic from before the last write."""
        if facts is None or facts.name not in self.replaced:
            return facts
        return replace(facts, traffic=self.replaced[facts.name])


class _Faulty:
    """Any port, with faults around each of its calls."""

    def __init__(self, inner: object, faults: Faults, port: str) -> None:
        self._inner = inner
        self._faults = faults
        self._port = port

    def __getattr__(self, name: str) -> Any:
        inner, faults, port = getattr(self._inner, name), self._faults, self._port

        def call(*given: Any, **named: Any) -> Any:
            # Most calls go well: the way there is as short as can be.
            if faults.outages:
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
        self._faults = faults
        self._graves: list[AbstractContextManager[LeaseHold | None]] = []

    @contextmanager
    def hold(self, model: str) -> Iterator[LeaseHold | None]:
        """Take the model's lease; after a crash it is not given back."""
        block = self._inner.hold(model)
        held = block.__enter__()
        try:
            yield None if held is None else faulty(held, self._faults, "lease")
        except CrashError:
            # Kept, since a block that is thrown away would give the lease back.
            self._graves = [*self._graves[-20:], block]
            raise
        except BaseException:
            block.__exit__(None, None, None)
            raise
        block.__exit__(None, None, None)


def survivable(error: BaseException) -> bool:
    """An error that the platform is there for, as opposed to a mistake of ours."""
    return isinstance(error, (BusyError, ConflictError, UnavailableError, CrashError))
