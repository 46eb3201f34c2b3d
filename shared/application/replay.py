"""What was left behind: messages that failed too often, and events that could not be delivered.

First what would come of each is told, by the very rules that take them in; then they are taken
in again. Twice is harmless: they only say that a model is to be looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from shared.application import intake
from shared.application.plane import ControlPlane
from shared.application.rulings import Ruling, Wake, rule_message, rule_raw
from shared.domain.errors import MalformedError

PAGE = 32
"""Messages that a queue shows at once."""
MOST = 1000
"""Of one command; a message that fails again could come back for ever."""


class PoisonQueue(Protocol):
    """Messages of which every attempt failed."""

    def peek(self, most: int) -> list[str]:
        """The texts of the next ones, at the most 32; they stay."""
        ...

    def count(self) -> int:
        """How many there are, as far as the service knows."""
        ...

    def take(self, most: int) -> list[tuple[str, str]]:
        """The next ones as text and receipt, hidden for a minute."""
        ...

    def remove(self, receipt: str) -> None:
        """Delete one that was taken; one that is gone is success."""
        ...


class DeadLetters(Protocol):
    """Events that Event Grid gave up."""

    def read(self, most: int) -> list[tuple[str, bytes]]:
        """The first ones as name and content; they stay."""
        ...


@dataclass(frozen=True, slots=True)
class Left:
    """One thing that was left behind."""

    source: str
    ruling: Ruling
    redo: Callable[[], object]
    """Takes it in again."""

    def told(self, done: bool) -> dict[str, Any]:
        """What would come of it, or has, as plain data."""
        ruling = self.ruling
        told: dict[str, Any] = {"source": self.source, "done": done}
        if isinstance(ruling, Wake):
            message = ruling.message
            return told | {"kind": "wakes", "model": message.model, "what": message.cause}
        return told | {"kind": "ignored", "model": None, "what": ruling.why, "code": ruling.code}


def replay_events(
    plane: ControlPlane, named: list[tuple[str, bytes]], *, do: bool
) -> Iterator[dict[str, Any]]:
    """Tell what comes of the events in each content, and take them in if it is to be done.

    Contents are JSON: an event or a list of them, as they travel or as dead letters. Raises
    MalformedError for what is not JSON, before anything was done.
    """
    found = [left for name, content in named for left in _events(plane, name, content)]
    for left in found:
        if do:
            left.redo()
        yield left.told(do)


def replay_poison(plane: ControlPlane, queue: PoisonQueue, *, do: bool) -> Iterator[dict[str, Any]]:
    """Tell what comes of the messages, and send them again if it is to be done."""
    if not do:
        for text in queue.peek(PAGE):
            yield _message(plane, text).told(False)
        return
    for _ in range(MOST // PAGE):
        taken = queue.take(PAGE)
        if not taken:
            return
        for text, receipt in taken:
            left = _message(plane, text)
            left.redo()
            # Afterwards: between the two it is there twice, never not at all.
            queue.remove(receipt)
            yield left.told(True)


def _message(plane: ControlPlane, text: str) -> Left:
    ruling = rule_message(plane, text)
    if isinstance(ruling, Wake):
        message = ruling.message
        return Left("poison", ruling, lambda: plane.ports.queue.send(message))
    return Left("poison", ruling, lambda: intake.take(plane, text))


def _events(plane: ControlPlane, name: str, content: bytes) -> list[Left]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{name} is not JSON: {error}") from None
    events = found if isinstance(found, list) else [found]
    return [_event(plane, name, event) for event in events]


def _event(plane: ControlPlane, name: str, event: object) -> Left:
    return Left(name, rule_raw(plane, event), lambda: intake.receive(plane, event))
