"""What a drill is, and how it is held to what was expected of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """How a planted situation ended."""

    got: str
    """A word, and after a colon the codes of the reasons: `Retain: tie`."""
    reason: str = ""
    """The system's own words."""


@dataclass(frozen=True, slots=True)
class Drill:
    """A planted situation and what must become of it."""

    name: str
    expected: str
    play: Callable[[], Found]


@dataclass(frozen=True, slots=True)
class Result:
    """A drill that was played."""

    name: str
    expected: str
    got: str
    passed: bool
    reason: str


def play_all(drills: Iterable[Drill]) -> Iterator[Result]:
    """Each drill's result as soon as it is there; a drill that breaks down is a miss."""
    for drill in drills:
        try:
            found = drill.play()
        except Exception as error:  # whatever it is, it is the result of this drill
            text = " ".join(str(error).split()) or type(error).__name__
            found = Found("broke down", f"{type(error).__name__}: {text}")
        passed = agree(drill.expected, found.got)
        yield Result(drill.name, drill.expected, found.got, passed, found.reason)


def agree(expected: str, got: str) -> bool:
    """The same word, and every code that was expected; more reasons than those are no miss."""
    word, _, codes = expected.partition(": ")
    same, _, others = got.partition(": ")
    return word == same and _codes(codes) <= _codes(others)


def _codes(text: str) -> set[str]:
    return set(text.split(", ")) - {""}
