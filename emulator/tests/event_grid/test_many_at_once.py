"""Batches, an order of chance, endpoints on probation, letters that must wait, the clock."""

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from azure_emulator.event_grid.ports import SystemClock
from azure_emulator.storage import StorageAccess
from azure_emulator.testing import wait_until

from .conftest import WORKSPACE, letters, webhook

if TYPE_CHECKING:
    from .conftest import Receiver, RunningGrid


def batched(
    running: "RunningGrid", receiver: "Receiver", events: int, **properties: object
) -> None:
    """Subscribe to batches of so many events."""
    destination = webhook(receiver.url, maxEventsPerBatch=events)
    path = f"{WORKSPACE}/providers/Microsoft.EventGrid/eventSubscriptions/sub"
    body = {"properties": {"destination": destination, **properties}}
    assert running.request("PUT", path, json=body).status_code in (200, 201)


def publish_together(running: "RunningGrid", number: int) -> None:
    """Raise events that become due at one instant."""
    running.faults.add({"id": "later", "operation": "Event.*", "count": None, "delay_seconds": 5})
    for index in range(number):
        running.publish(str(index))
    running.faults.remove("later")
    running.clock.advance(5)


@pytest.mark.behaviour("Event Grid delivers batches of up to maxEventsPerBatch events")
def test_events_come_in_batches_when_asked_for(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """As arrays, never longer than asked for; each event once."""
    batched(running_grid, event_receiver, 4)
    publish_together(running_grid, 10)
    running_grid.wait_for_attempts(10)
    sizes = [len(each.body) for each in event_receiver.notified]
    assert max(sizes) == 4
    assert sum(sizes) == 10
    subjects = [event["subject"] for each in event_receiver.notified for event in each.body]
    assert sorted(subjects) == [str(index) for index in range(10)]


@pytest.mark.behaviour("A batch that fails is sent again as a whole")
def test_a_batch_is_delivered_whole_or_not_at_all(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """A failure concerns every event of it."""
    batched(running_grid, event_receiver, 3)
    event_receiver.statuses.append(500)
    publish_together(running_grid, 3)
    running_grid.wait_for_attempts(3)
    running_grid.clock.advance(10)
    running_grid.wait_for_attempts(6)
    assert running_grid.deliveries() == [("delivered", 2)] * 3
    assert [len(each.body) for each in event_receiver.notified] == [3, 3]


def test_a_batch_has_a_preferred_size(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """Events that are larger than it still come, one by one."""
    destination = webhook(event_receiver.url, maxEventsPerBatch=10, preferredBatchSizeInKilobytes=1)
    path = f"{WORKSPACE}/providers/Microsoft.EventGrid/eventSubscriptions/sub"
    running_grid.request("PUT", path, json={"properties": {"destination": destination}})
    running_grid.faults.add({"operation": "Event.*", "count": 2, "delay_seconds": 5})
    running_grid.publish("a", text="x" * 2000)
    running_grid.publish("b", text="x" * 2000)
    running_grid.clock.advance(5)
    running_grid.wait_for_attempts(2)
    assert [len(each.body) for each in event_receiver.notified] == [1, 1]


def test_cloud_events_in_batches_are_an_array(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """With the media type of batches."""
    batched(running_grid, event_receiver, 2, eventDeliverySchema="CloudEventSchemaV1_0")
    publish_together(running_grid, 2)
    running_grid.wait_for_attempts(2)
    (delivery,) = event_receiver.notified
    assert delivery.headers["content-type"].startswith("application/cloudevents-batch+json")
    assert [event["specversion"] for event in delivery.body] == ["1.0", "1.0"]


def shuffled(running: "RunningGrid", receiver: "Receiver", seed: int | None) -> list[str]:
    """Return the order in which twenty events come in one batch."""
    chosen = {"shuffle_seed": seed}
    assert running.request("PUT", "/_emulator/events/settings", json=chosen).json() == {
        **running.request("GET", "/_emulator/events/settings").json(),
        **chosen,
    }
    before = len(receiver.notified)
    publish_together(running, 20)
    wait_until(lambda: len(receiver.notified) > before, what="the batch")
    return [event["subject"] for event in receiver.notified[before].body]


@pytest.mark.behaviour("Event Grid promises no order: a seed shuffles what is due together")
def test_a_seed_shuffles(running_grid: "RunningGrid", event_receiver: "Receiver") -> None:
    """Without one the oldest comes first."""
    batched(running_grid, event_receiver, 100)
    in_order = shuffled(running_grid, event_receiver, None)
    assert in_order == [str(index) for index in range(20)]
    by_chance = shuffled(running_grid, event_receiver, 7)
    assert by_chance != in_order
    assert sorted(by_chance) == sorted(in_order)


@pytest.mark.behaviour("An endpoint that fails again and again rests on probation")
def test_an_endpoint_that_only_fails_is_left_alone_for_a_while(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """New events wait too, without an attempt being counted; a success ends it."""
    running_grid.subscribe(event_receiver.url)
    event_receiver.status = 404
    for index in range(10):
        running_grid.publish(f"sick {index}")
        running_grid.wait_for_attempts(index + 1)
    (resting,) = running_grid.request("GET", "/_emulator/events").json()["probation"]
    assert resting == {"subscription": "sub", "until": "2026-11-23T12:05:00+00:00"}
    event_receiver.status = 200
    running_grid.publish("healthy")
    running_grid.clock.advance(299)
    assert len(event_receiver.notified) == 10
    running_grid.clock.advance(1)
    running_grid.wait_for_attempts(21)
    assert running_grid.deliveries() == [("delivered", 2)] * 10 + [("delivered", 1)]
    assert running_grid.request("GET", "/_emulator/events").json()["probation"] == []


@pytest.mark.behaviour("A dead letter is written five minutes after the last attempt")
def test_a_dead_letter_takes_the_time_that_was_chosen(
    running_grid: "RunningGrid", event_receiver: "Receiver", event_storage: StorageAccess
) -> None:
    """The real service waits five minutes; a restart in between loses nothing."""
    chosen = {"dead_letter_seconds": 300}
    running_grid.request("PUT", "/_emulator/events/settings", json=chosen)
    running_grid.subscribe(event_receiver.url, deadLetterDestination=letters("late-letters"))
    event_receiver.status = 400
    running_grid.publish("refused")
    running_grid.wait_for_attempts(1)
    assert running_grid.deliveries() == [("dead-lettering", 1)]
    running_grid.close()
    running_grid.clock.advance(300)
    running_grid.start()
    wait_until(lambda: running_grid.deliveries() == [("dead-lettered", 1)], what="the letter")
    container = event_storage.container("late-letters")
    (name,) = [blob.name for blob in container.list_blobs()]
    (letter,) = json.loads(container.download_blob(name).readall())
    assert letter["lastDeliveryAttemptTime"] == "2026-11-23T12:00:00.0000000Z"
    assert letter["deliveryAttempts"] == 1


def test_a_letter_that_cannot_be_written_is_dropped_after_four_hours(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """Until then it is tried again and again."""
    running_grid.subscribe(event_receiver.url, deadLetterDestination=letters("No Such Name"))
    event_receiver.status = 400
    running_grid.publish("refused")
    running_grid.wait_for_attempts(1)

    def next_due_later_than(seconds: float) -> bool:
        due_at = running_grid.grid.journal.next_due_at(running_grid.clock.now())
        return due_at is not None and (due_at - running_grid.clock.now()).total_seconds() > seconds

    wait_until(lambda: next_due_later_than(30), what="the next try")
    assert running_grid.deliveries() == [("dead-lettering", 1)]
    running_grid.clock.advance(4 * 3600)
    wait_until(lambda: running_grid.deliveries() == [("dropped", 1)], what="the end")


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"retry_scale": -1}, "retry_scale"),
        ({"data_keys": "snake_case"}, "PascalCase"),
        ({"hierarchical": "yes"}, "hierarchical"),
        ({"shuffle_seed": 1.5}, "shuffle_seed"),
        ({"retry_scale": 0.5, "colour": "red"}, "colour"),
    ],
)
def test_a_choice_that_means_nothing_is_refused_whole(
    running_grid: "RunningGrid", given: dict[str, object], word: str
) -> None:
    """By name; nothing of it is taken."""
    before = running_grid.request("GET", "/_emulator/events/settings").json()
    answer = running_grid.request("PUT", "/_emulator/events/settings", json=given)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]
    assert running_grid.request("GET", "/_emulator/events/settings").json() == before


def test_the_clock_can_be_put_forward(running_grid: "RunningGrid") -> None:
    """Hours of retries pass in an instant."""
    answer = running_grid.request("POST", "/_emulator/events/clock", json={"advance_seconds": 3600})
    assert answer.json() == {"now": "2026-11-23T13:00:00+00:00"}
    wrong = running_grid.request("POST", "/_emulator/events/clock", json={"advance_seconds": "1"})
    assert wrong.status_code == 400


async def _wakes_late_by(clock: SystemClock) -> float:
    moment = clock.now() + timedelta(hours=1)

    async def put_forward() -> None:
        clock.advance(3600)

    await asyncio.gather(clock.sleep_until(moment), put_forward())
    return (clock.now() - moment).total_seconds()


def test_the_machines_clock_wakes_who_sleeps() -> None:
    """When it is put forward."""
    assert asyncio.run(_wakes_late_by(SystemClock())) >= 0
