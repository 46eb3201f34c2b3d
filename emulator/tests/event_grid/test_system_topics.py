"""System topics and the event subscriptions below them, as infrastructure code makes them."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from azure_emulator.testing import wait_until

from .conftest import COMPLETED, STORAGE, WORKSPACE, letters, webhook

if TYPE_CHECKING:
    from .conftest import Receiver, RunningGrid

TOPICS = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.EventGrid/systemTopics"
WORKSPACE_TYPE = "Microsoft.MachineLearningServices.Workspaces"


def make_topic(
    running: "RunningGrid", name: str = "runs", source: str = WORKSPACE, kind: str = WORKSPACE_TYPE
) -> httpx.Response:
    """Make a system topic."""
    properties = {"source": source, "topicType": kind}
    body = {"location": "westeurope", "properties": properties}
    return running.request("PUT", f"{TOPICS}/{name}?api-version=2022-06-15", json=body)


def subscribe(running: "RunningGrid", url: str, **properties: Any) -> httpx.Response:
    """Subscribe to the topic `runs`."""
    body = {"properties": {"destination": webhook(url), **properties}}
    return running.request("PUT", f"{TOPICS}/runs/eventSubscriptions/sub", json=body)


@pytest.mark.behaviour("Event subscriptions of a system topic get the events of its source")
def test_a_subscription_of_a_system_topic_gets_the_events_of_its_source(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """With the source as topic, not the system topic."""
    made = make_topic(running_grid)
    assert made.status_code == 201
    assert made.json()["properties"]["provisioningState"] == "Succeeded"
    answer = subscribe(running_grid, event_receiver.url)
    assert answer.status_code == 201
    shown = answer.json()
    assert shown["id"] == f"{TOPICS}/runs/eventSubscriptions/sub"
    assert shown["type"] == "Microsoft.EventGrid/systemTopics/eventSubscriptions"
    assert shown["properties"]["topic"] == WORKSPACE
    running_grid.publish(runId="r")
    (delivery,) = wait_until(lambda: event_receiver.notified, what="the delivery")
    assert delivery.body[0]["topic"] == WORKSPACE
    listed = running_grid.request("GET", f"{TOPICS}/runs/eventSubscriptions").json()["value"]
    assert [each["name"] for each in listed] == ["sub"]
    direct = f"{WORKSPACE}/providers/Microsoft.EventGrid/eventSubscriptions"
    assert running_grid.request("GET", direct).json() == {"value": []}


def test_a_system_topic_survives_a_restart_and_goes_with_its_subscriptions(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """What is on its way to them is given up."""
    make_topic(running_grid)
    subscribe(running_grid, event_receiver.url)
    running_grid.close()
    running_grid.start()
    shown = running_grid.request("GET", f"{TOPICS.upper()}/RUNS").json()
    assert shown["properties"]["source"] == WORKSPACE
    assert [each["name"] for each in running_grid.request("GET", TOPICS).json()["value"]] == [
        "runs"
    ]
    event_receiver.status = 500
    running_grid.publish()
    running_grid.wait_for_attempts(1)
    assert running_grid.request("DELETE", f"{TOPICS}/runs").status_code == 200
    assert running_grid.deliveries() == [("subscription deleted", 1)]
    assert running_grid.request("GET", f"{TOPICS}/runs").status_code == 404
    assert running_grid.request("DELETE", f"{TOPICS}/runs").status_code == 204
    assert subscribe(running_grid, event_receiver.url).status_code == 404


@pytest.mark.parametrize(
    ("source", "kind", "status"),
    [
        (WORKSPACE, "Microsoft.Storage.StorageAccounts", 400),
        (f"{STORAGE}other", "Microsoft.Storage.StorageAccounts", 404),
        ("/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v", "x", 501),
        ("", "", 501),
    ],
)
def test_a_system_topic_of_the_wrong_source_is_refused(
    running_grid: "RunningGrid", source: str, kind: str, status: int
) -> None:
    """The type must be that of the source, and the source must be here."""
    assert make_topic(running_grid, source=source, kind=kind).status_code == status


@pytest.mark.behaviour("A source has one system topic at the most")
def test_a_source_has_one_system_topic(running_grid: "RunningGrid") -> None:
    """A second one is refused with the name of the first."""
    assert make_topic(running_grid).status_code == 201
    assert make_topic(running_grid).status_code == 200
    second = make_topic(running_grid, name="second")
    assert second.status_code == 400
    assert "runs" in second.json()["error"]["message"]


@pytest.mark.behaviour("An update of an event subscription shakes hands again")
def test_an_update_shakes_hands_again(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """It changes what it names and leaves the rest."""
    running_grid.subscribe(event_receiver.url, labels=["mine"])
    path = f"{WORKSPACE}/providers/Microsoft.EventGrid/eventSubscriptions/sub"
    changed = {
        "filter": {"includedEventTypes": ["Nothing"]},
        "destination": webhook(event_receiver.url),
    }
    answer = running_grid.request("PATCH", path, json=changed)
    assert answer.status_code == 200
    assert answer.json()["properties"]["labels"] == ["mine"]
    assert len(event_receiver.received) == 2
    running_grid.publish()
    assert [event["deliveries"] for event in running_grid.report()] == [[]]
    event_receiver.agrees = False
    assert running_grid.request("PATCH", path, json={"filter": {}}).status_code == 400
    kept = running_grid.request("GET", path).json()["properties"]["filter"]
    assert kept == {"includedEventTypes": ["Nothing"]}


def test_a_subscription_ends_when_it_expires(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """Events after its expirationTimeUtc are not for it."""
    running_grid.subscribe(event_receiver.url, expirationTimeUtc="2026-11-23T12:30:00Z")
    running_grid.publish("before")
    running_grid.clock.advance(1800)
    running_grid.publish("after")
    running_grid.wait_for_attempts(1)
    assert [len(event["deliveries"]) for event in running_grid.report()] == [1, 0]


def test_dead_letters_by_identity_are_dead_letters(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """As infrastructure code asks for them."""
    by_identity = {
        "identity": {"type": "SystemAssigned"},
        "deadLetterDestination": letters("by-identity"),
    }
    running_grid.subscribe(event_receiver.url, deadLetterWithResourceIdentity=by_identity)
    event_receiver.status = 403
    running_grid.publish()
    wait_until(lambda: running_grid.deliveries() == [("dead-lettered", 1)], what="the letter")


@pytest.mark.parametrize(
    ("properties", "status", "word"),
    [
        ({"maxEventsPerBatch": 5001}, 400, "maxEventsPerBatch"),
        ({"preferredBatchSizeInKilobytes": True}, 400, "preferredBatchSizeInKilobytes"),
        ({"deliveryAttributeMappings": [{"name": "x"}]}, 501, "deliveryAttributeMappings"),
        ({"azureActiveDirectoryTenantId": "t"}, 501, "azureActiveDirectoryTenantId"),
    ],
)
def test_what_cannot_be_heeded_is_refused_by_name(
    running_grid: "RunningGrid",
    event_receiver: "Receiver",
    properties: dict[str, Any],
    status: int,
    word: str,
) -> None:
    """Rather than ignored."""
    destination = webhook(event_receiver.url, **properties)
    path = f"{WORKSPACE}/providers/Microsoft.EventGrid/eventSubscriptions/sub"
    answer = running_grid.request("PUT", path, json={"properties": {"destination": destination}})
    assert answer.status_code == status
    assert word in answer.json()["error"]["message"]


@pytest.mark.behaviour("Keys of run events come in camelCase or in PascalCase, as chosen")
def test_both_published_spellings_can_be_had(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """Of the keys of `data`, not of what the run itself was tagged with."""
    running_grid.subscribe(event_receiver.url, filter={"includedEventTypes": [COMPLETED]})
    chosen = {"data_keys": "PascalCase"}
    running_grid.request("PUT", "/_emulator/events/settings", json=chosen)
    running_grid.publish(runId="r", runTags={"model": "flights"})
    (delivery,) = wait_until(lambda: event_receiver.notified, what="the delivery")
    assert delivery.body[0]["data"] == {"RunId": "r", "RunTags": {"model": "flights"}}
