"""How events reach a subscriber, and what happens when they do not."""

import json
import logging
from typing import TYPE_CHECKING

import pytest
from azure_emulator.storage import StorageAccess
from azure_emulator.testing import wait_until

from .conftest import letters

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Receiver, RunningGrid

GROUP = "/subscriptions/s/resourceGroups/rg/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/ws"
COMPLETED = "Microsoft.MachineLearningServices.RunCompleted"


def test_an_event_arrives_as_an_array_of_one(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """In the Event Grid schema, with the headers of a notification."""
    running_grid.subscribe(event_receiver.url)
    running_grid.publish(runId="r", runTags={"model": "flights"})
    (delivery,) = wait_until(lambda: event_receiver.notified, what="the delivery")
    (event,) = delivery.body
    assert event["eventType"] == COMPLETED
    assert event["topic"] == WORKSPACE
    assert event["subject"] == "experiments/e/runs/r"
    assert event["eventTime"] == "2026-11-23T12:00:00.0000000Z"
    assert event["data"] == {"runId": "r", "runTags": {"model": "flights"}}
    assert (event["dataVersion"], event["metadataVersion"]) == ("", "1")
    assert delivery.headers["aeg-subscription-name"] == "SUB"
    assert delivery.headers["aeg-delivery-count"] == "0"


def test_a_cloud_event_arrives_as_one_object(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """In the CloudEvents schema."""
    running_grid.subscribe(event_receiver.url, eventDeliverySchema="CloudEventSchemaV1_0")
    running_grid.publish(runId="r")
    (delivery,) = wait_until(lambda: event_receiver.notified, what="the delivery")
    assert delivery.headers["content-type"].startswith("application/cloudevents+json")
    assert delivery.body["specversion"] == "1.0"
    assert (delivery.body["type"], delivery.body["source"]) == (COMPLETED, WORKSPACE)


def test_no_log_tells_the_secret_of_an_address(
    running_grid: "RunningGrid", event_receiver: "Receiver", caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the handshake nor a delivery nor a failure does."""
    caplog.set_level(logging.INFO)
    running_grid.subscribe(event_receiver.url)
    event_receiver.statuses.extend([503, 403])
    running_grid.publish()
    running_grid.wait_for_attempts(1)
    running_grid.clock.advance(30)
    running_grid.wait_for_attempts(2)
    assert "UndeliverableDueToClientError" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204])
def test_a_success_ends_it(
    running_grid: "RunningGrid", event_receiver: "Receiver", status: int
) -> None:
    """One attempt, delivered."""
    running_grid.subscribe(event_receiver.url)
    event_receiver.status = status
    running_grid.publish()
    running_grid.wait_for_attempts(1)
    assert running_grid.deliveries() == [("delivered", 1)]


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_a_clients_mistake_is_never_retried(
    running_grid: "RunningGrid", event_receiver: "Receiver", status: int
) -> None:
    """Without a dead letter the event is gone at once."""
    running_grid.subscribe(event_receiver.url)
    event_receiver.status = status
    running_grid.publish()
    running_grid.wait_for_attempts(1)
    assert running_grid.deliveries() == [("dropped", 1)]


def test_failures_are_retried_on_the_schedule(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """After 10 s, 30 s, 1 min, 5 min …, and not a second earlier."""
    running_grid.subscribe(event_receiver.url)
    event_receiver.statuses.extend([500, 503, 404, 429])
    running_grid.publish()
    running_grid.wait_for_attempts(1)
    for attempt, pause in enumerate([10, 30, 60, 300], start=1):
        assert running_grid.grid.journal.next_due_at(running_grid.clock.now()) is not None
        running_grid.clock.advance(pause - 1)
        assert not running_grid.grid.journal.due(running_grid.clock.now(), 1, ())
        running_grid.clock.advance(1)
        running_grid.wait_for_attempts(attempt + 1)
    assert running_grid.deliveries() == [("delivered", 5)]
    counts = [each.headers["aeg-delivery-count"] for each in event_receiver.notified]
    assert counts == ["0", "1", "2", "3", "4"]


def test_a_dead_letter_tells_why(
    running_grid: "RunningGrid", event_receiver: "Receiver", event_storage: StorageAccess
) -> None:
    """The event lies in the container with reason, attempts, outcome and times."""
    running_grid.subscribe(
        event_receiver.url,
        deadLetterDestination=letters("deadletters"),
        retryPolicy={"maxDeliveryAttempts": 2},
    )
    event_receiver.status = 503
    running_grid.publish(runId="r")
    running_grid.wait_for_attempts(1)
    running_grid.clock.advance(30)
    running_grid.wait_for_attempts(2)
    wait_until(lambda: running_grid.deliveries() == [("dead-lettered", 2)], what="the letter")
    container = event_storage.container("deadletters")
    (name,) = [blob.name for blob in container.list_blobs()]
    assert name.startswith("SUB/2026/11/23/12/")
    (letter,) = json.loads(container.download_blob(name).readall())
    assert letter["data"] == {"runId": "r"}
    assert letter["deadLetterReason"] == "MaxDeliveryAttemptsExceeded"
    assert letter["deliveryAttempts"] == 2
    assert letter["lastDeliveryOutcome"] == "ServiceUnavailable"
    assert letter["publishTime"] == "2026-11-23T12:00:00.0000000Z"
    assert letter["lastDeliveryAttemptTime"] == "2026-11-23T12:00:30.0000000Z"


def test_an_event_that_grew_too_old_is_dropped(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """A retry that would come after its lifetime is not made."""
    running_grid.subscribe(event_receiver.url, retryPolicy={"eventTimeToLiveInMinutes": 1})
    event_receiver.status = 500
    running_grid.publish()
    running_grid.wait_for_attempts(1)
    running_grid.clock.advance(10)
    running_grid.wait_for_attempts(2)
    running_grid.clock.advance(30)
    running_grid.wait_for_attempts(3)
    assert running_grid.deliveries() == [("dropped", 3)]


def test_what_was_accepted_survives_a_restart(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """An event published while nobody delivers arrives after the next start."""
    running_grid.subscribe(event_receiver.url)
    event_receiver.status = 503
    running_grid.publish("experiments/e/runs/1")
    running_grid.wait_for_attempts(1)
    running_grid.close()
    event_receiver.status = 200
    running_grid.clock.advance(30)
    running_grid.start()
    running_grid.wait_for_attempts(2)
    assert running_grid.deliveries() == [("delivered", 2)]
    assert set(event_receiver.subjects) == {"experiments/e/runs/1"}


def test_events_of_other_topics_and_types_do_not_arrive(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """The topic is compared without case, the types by the filter."""
    running_grid.subscribe(event_receiver.url, filter={"includedEventTypes": [COMPLETED.lower()]})
    publish = running_grid.grid.publish
    publish(f"{WORKSPACE}2", COMPLETED, "other workspace", {})
    publish(WORKSPACE, "Microsoft.MachineLearningServices.ModelDeployed", "other type", {})
    publish(WORKSPACE.lower(), COMPLETED, "wanted", {})
    running_grid.wait_for_attempts(1)
    assert event_receiver.subjects == ["wanted"]
    assert [len(event["deliveries"]) for event in running_grid.report()] == [0, 0, 1]


def test_a_deleted_subscription_gets_nothing_more(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """Not even what was waiting for its next try."""
    running_grid.subscribe(event_receiver.url)
    event_receiver.status = 503
    running_grid.publish()
    running_grid.wait_for_attempts(1)
    path = f"{WORKSPACE}/providers/Microsoft.EventGrid/eventSubscriptions/sub"
    running_grid.request("DELETE", path)
    running_grid.clock.advance(1000)
    assert running_grid.deliveries() == [("subscription deleted", 1)]
    assert running_grid.grid.journal.next_due_at(running_grid.clock.now()) is None


def test_a_lost_event_never_arrives(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """The next ones do."""
    running_grid.subscribe(event_receiver.url)
    running_grid.faults.add({"operation": "Event.RunCompleted", "drop": "before"})
    running_grid.publish("first")
    running_grid.publish("second")
    running_grid.wait_for_attempts(1)
    assert event_receiver.subjects == ["second"]
    assert [event["lost"] for event in running_grid.report()] == [True, False]
    assert running_grid.faults.listed() == []


def test_a_duplicated_event_arrives_twice_with_one_id(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """At least once is all that Event Grid promises."""
    running_grid.subscribe(event_receiver.url)
    running_grid.faults.add({"operation": "Event.*", "copies": 2})
    running_grid.publish()
    running_grid.wait_for_attempts(2)
    assert len({each.body[0]["id"] for each in event_receiver.notified}) == 1
    assert len(event_receiver.notified) == 2


def test_a_delayed_event_is_overtaken(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """Order is not promised."""
    running_grid.subscribe(event_receiver.url)
    rule = {"operation": "Event.*", "resource": "*first", "delay_seconds": 20}
    running_grid.faults.add(rule)
    running_grid.publish("first")
    running_grid.publish("second")
    running_grid.wait_for_attempts(1)
    running_grid.clock.advance(20)
    running_grid.wait_for_attempts(2)
    assert event_receiver.subjects == ["second", "first"]


def test_a_stopped_app_loses_the_event_to_the_dead_letters(
    running_grid: "RunningGrid", event_receiver: "Receiver", event_storage: StorageAccess
) -> None:
    """It answers 403, which is never tried again."""
    running_grid.subscribe(event_receiver.url, deadLetterDestination=letters("stopped"))
    running_grid.faults.add({"operation": "Delivery.sub", "status": 403})
    running_grid.publish("first")
    wait_until(lambda: running_grid.deliveries() == [("dead-lettered", 1)], what="the letter")
    (blob,) = event_storage.container("stopped").list_blobs()
    (letter,) = json.loads(event_storage.container("stopped").download_blob(blob.name).readall())
    assert letter["deadLetterReason"] == "UndeliverableDueToClientError"
    assert letter["lastDeliveryOutcome"] == "Forbidden"
    assert event_receiver.notified == []


def test_an_answer_that_is_lost_makes_a_duplicate(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """The subscriber has processed it, and gets it once more."""
    running_grid.subscribe(event_receiver.url)
    running_grid.faults.add({"operation": "Delivery.sub", "drop": "after"})
    running_grid.publish("first")
    running_grid.wait_for_attempts(1)
    running_grid.clock.advance(10)
    running_grid.wait_for_attempts(2)
    assert event_receiver.subjects == ["first", "first"]
    assert running_grid.deliveries() == [("delivered", 2)]


def test_events_can_be_sent_again_in_reverse(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """In the order asked for, with the same ids, as often as asked for."""
    running_grid.subscribe(event_receiver.url)
    for name in ("a", "b", "c"):
        running_grid.publish(name)
    running_grid.wait_for_attempts(3)
    first = {each.body[0]["subject"]: each.body[0]["id"] for each in event_receiver.notified}
    body = {"all": True, "reverse": True, "times": 2}
    answer = running_grid.request("POST", "/_emulator/events/redeliver", json=body)
    assert answer.json() == {"sent": 6}
    assert event_receiver.subjects[3:] == ["c", "b", "a", "c", "b", "a"]
    again = {each.body[0]["subject"]: each.body[0]["id"] for each in event_receiver.notified[3:]}
    assert again == first


def test_one_event_can_be_sent_again(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """Named by its id; a failure goes on the schedule of retries."""
    running_grid.subscribe(event_receiver.url)
    running_grid.publish("a")
    running_grid.publish("b")
    running_grid.wait_for_attempts(2)
    wanted = running_grid.report()[1]["id"]
    event_receiver.statuses.append(503)
    body = {"ids": [wanted]}
    answer = running_grid.request("POST", "/_emulator/events/redeliver", json=body)
    assert answer.json() == {"sent": 1}
    running_grid.clock.advance(30)
    running_grid.wait_for_attempts(4)
    assert event_receiver.subjects[2:] == ["b", "b"]


def test_local_runs_need_not_wait(
    start_event_grid: "Callable[..., RunningGrid]", event_receiver: "Receiver"
) -> None:
    """The scale shortens every pause alike."""
    running = start_event_grid(retry_scale=0.1)
    running.subscribe(event_receiver.url)
    event_receiver.statuses.append(503)
    running.publish()
    running.wait_for_attempts(1)
    running.clock.advance(3)
    running.wait_for_attempts(2)
    assert running.deliveries() == [("delivered", 2)]
