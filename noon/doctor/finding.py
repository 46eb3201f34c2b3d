"""What a check comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.errors import NoonError


class State(StrEnum):
    """How the thing that was looked at stands."""

    OK = "ok"
    WARN = "warn"
    """It works, and will not for long, or something waits for a person."""
    FAIL = "fail"
    SKIPPED = "skipped"
    """Not looked at, since something that it needs is not there."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was seen, and what to do about it."""

    state: State
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    state: State
    found: str
    advice: str
    seconds: float


class SkippedError(NoonError):
    """The check needs what is not there; says what."""


def ok(text: str) -> Found:
    """It is well."""
    return Found(State.OK, text)


def warn(text: str, advice: str) -> Found:
    """It works, and somebody should look at it."""
    return Found(State.WARN, text, advice)


def fail(text: str, advice: str) -> Found:
    """It does not work."""
    return Found(State.FAIL, text, advice)
