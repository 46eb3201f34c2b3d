"""What becomes of messages and events that were left behind."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.azure_queues import message_text
from shared.application.replay import replay_events, replay_poison
from shared.domain.errors import MalformedError
from shared.domain.events import Message
from tests.application.conftest import World
from tests.application.counting import counted
from tests.application.story import blob_event, complete, land, run_event, running


class MemoryPoison:
    """A poison queue in memory."""

    def __init__(self, *texts: str) -> None:
        self.texts = {str(number): text for number, text in enumerate(texts)}
        self.hidden: set[str] = set()

    def peek(self, most: int) -> list[str]:
        """The next ones stay."""
        return list(self.texts.values())[:most]

    def count(self) -> int:
        """All of them."""
        return len(self.texts)

    def take(self, most: int) -> list[tuple[str, str]]:
        """The next ones are hidden."""
        free = [(text, key) for key, text in self.texts.items() if key not in self.hidden][:most]
        self.hidden |= {key for _, key in free}
        return free

    def remove(self, receipt: str) -> None:
        """It is gone."""
        self.texts.pop(receipt, None)


def dead_letter(event: dict[str, Any]) -> dict[str, Any]:
    """An event as it lies in the container of dead letters."""
    return event | {"deadLetterReason": "MaxDeliveryAttemptsExceeded", "deliveryAttempts": 30}


def content(*events: object) -> list[tuple[str, bytes]]:
    """One file of events."""
    return [("dead.json", json.dumps(list(events)).encode())]


MESSAGES = [
    message_text(Message("flights", "run flights-slot-1-a1 Completed")),
    message_text(Message("ships", "tick")),
    "{",
]


def test_dry_run_tells_and_does_nothing(world: World) -> None:
    """What would come of each is told by the rules that take them in; nothing is called."""
    poison, (plane, calls) = MemoryPoison(*MESSAGES), counted(world.plane)
    told = list(replay_poison(plane, poison, do=False))
    assert [(each["kind"], each["model"]) for each in told] == [
        ("wakes", "flights"),
        ("ignored", None),
        ("ignored", None),
    ]
    events = content(dead_letter(blob_event("flights/a.csv")), run_event("x"), {"id": 1})
    told = list(replay_events(plane, events, do=False))
    assert [each.get("code", each["what"]) for each in told] == [
        "landing 20261123t120100",
        "child",
        "malformed",
    ]
    assert not any(each["done"] for each in told)
    assert calls.total() == 0
    assert poison.peek(32) == MESSAGES


def test_of_many_the_first_are_told(world: World) -> None:
    """As many as a queue shows at once."""
    poison = MemoryPoison(*[MESSAGES[0]] * 40)
    assert len(list(replay_poison(world.plane, poison, do=False))) == 32
    assert poison.count() == 40


def test_one_event_needs_no_list(world: World) -> None:
    """A file may hold an event as it is."""
    event = json.dumps(blob_event("flights/a.csv")).encode()
    (told,) = replay_events(world.plane, [("event.json", event)], do=True)
    assert (told["source"], told["kind"], told["model"]) == ("event.json", "wakes", "flights")
    assert len(world.queue.waiting) == 1


def test_poison_is_sent_again_and_goes(world: World) -> None:
    """What can be understood is queued, the rest is recorded as ignored; all of it is removed."""
    poison = MemoryPoison(*MESSAGES)
    told = list(replay_poison(world.plane, poison, do=True))
    assert [each["done"] for each in told] == [True] * 3
    assert poison.texts == {}
    assert [message.model for _, message in world.queue.waiting] == ["flights"]
    assert world.codes("_events") == ["unknown", "malformed"]
    assert list(replay_poison(world.plane, poison, do=True)) == []


def test_message_that_comes_back_does_not_hold_the_command_for_ever(world: World) -> None:
    """However fast poison comes, a replay ends."""
    text = MESSAGES[0]

    class Spring(MemoryPoison):
        def take(self, most: int) -> list[tuple[str, str]]:
            """There are always more."""
            return [(text, "1")] * most

    assert len(list(replay_poison(world.plane, Spring(), do=True))) <= 1000


def test_landing_that_was_never_told_is_trained(world: World) -> None:
    """The event of a dead letter has the effect that it would have had."""
    world.landing.put("flights/a.csv", b"a")
    list(replay_events(world.plane, content(dead_letter(blob_event("flights/a.csv"))), do=True))
    world.go_on(5)
    assert running(world).cause == "data"


def test_replay_twice_is_harmless(world: World) -> None:
    """Events that had their effect before start nothing, however often they come."""
    land(world, "a.csv")
    world.go_on(5)
    job = complete(world).job
    world.go_on(10)
    world.clock.advance(timedelta(hours=2))
    world.go_on(2)
    files = content(dead_letter(blob_event("flights/a.csv")), run_event(job))
    for _ in range(2):
        assert all(each["done"] for each in replay_events(world.plane, files, do=True))
        list(replay_poison(world.plane, MemoryPoison(*MESSAGES), do=True))
        world.go_on(20)
    state = world.state.load("flights").state
    assert state is not None
    assert state.last_version == 1
    assert world.jobs.running == []


@pytest.mark.parametrize("text", [b"hello", b"[" * 60_000], ids=["words", "too deep"])
def test_file_that_is_not_json_stops_it_before_anything_is_done(world: World, text: bytes) -> None:
    """A wrong file among good ones is named, and none is taken in."""
    files = [*content(blob_event("flights/a.csv")), ("notes.txt", text)]
    with pytest.raises(MalformedError, match=r"notes.txt is not JSON"):
        list(replay_events(world.plane, files, do=True))
    assert world.queue.waiting == []
