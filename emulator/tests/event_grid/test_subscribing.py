"""Event subscriptions as in Azure Resource Manager."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from .conftest import Receiver, RunningGrid

GROUP = "/subscriptions/s/resourceGroups/rg/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/ws"
COLLECTION = f"{WORKSPACE}/providers/Microsoft.EventGrid/eventSubscriptions"


def test_a_subscription_is_accepted_after_its_handshake(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """The endpoint gets one validation event and gives back its code."""
    answer = running_grid.subscribe(event_receiver.url)
    assert answer.status_code == 201
    assert answer.json()["properties"]["provisioningState"] == "Succeeded"
    (request,) = event_receiver.received
    assert request.headers["aeg-event-type"] == "SubscriptionValidation"
    (event,) = request.body
    assert event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert event["topic"] == WORKSPACE


def test_cloud_events_shake_hands_with_options(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """The endpoint names the origin that it allows."""
    schema = {"eventDeliverySchema": "CloudEventSchemaV1_0"}
    assert running_grid.subscribe(event_receiver.url, **schema).status_code == 201
    (request,) = event_receiver.received
    assert request.method == "OPTIONS"
    assert request.headers["webhook-request-origin"] == "eventgrid.azure.net"


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_an_endpoint_that_does_not_agree_is_refused(
    running_grid: "RunningGrid", event_receiver: "Receiver", schema: str
) -> None:
    """A wrong code or origin: the subscription does not come into being."""
    event_receiver.agrees = False
    answer = running_grid.subscribe(event_receiver.url, eventDeliverySchema=schema)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "Url validation"
    assert "secret" not in answer.text
    assert running_grid.request("GET", COLLECTION).json() == {"value": []}


def test_a_handshake_answered_with_202_is_refused(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """Only 200 counts, though 202 would do for an event."""
    event_receiver.status = 202
    answer = running_grid.subscribe(event_receiver.url)
    assert "answered 202" in answer.json()["error"]["message"]


def test_an_endpoint_that_is_not_there_is_refused(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """The code must run before the subscription is made."""
    event_receiver.server.close()
    assert running_grid.subscribe(event_receiver.url).status_code == 400


def test_an_update_shakes_hands_again_and_a_refused_one_changes_nothing(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """The old subscription stays as it was."""
    running_grid.subscribe(event_receiver.url)
    updated = running_grid.subscribe(event_receiver.url, name="SUB", labels=["new"])
    assert updated.status_code == 200
    assert len(event_receiver.received) == 2
    event_receiver.agrees = False
    assert running_grid.subscribe(event_receiver.url, labels=["newer"]).status_code == 400
    (only,) = running_grid.request("GET", COLLECTION).json()["value"]
    assert only["properties"]["labels"] == ["new"]


def test_ids_are_compared_without_case(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """GET and DELETE find the subscription under any spelling."""
    running_grid.subscribe(event_receiver.url)
    other = f"{COLLECTION}/sub".replace("resourceGroups", "resourcegroups").upper()
    other = other.replace("/SUBSCRIPTIONS/S", "/Subscriptions/S")
    assert running_grid.request("GET", other).json()["name"] == "sub"
    assert running_grid.request("DELETE", other).status_code == 200
    assert running_grid.request("DELETE", other).status_code == 204
    assert running_grid.request("GET", other).status_code == 404


def test_the_secret_of_the_address_is_shown_only_on_demand(
    running_grid: "RunningGrid", event_receiver: "Receiver"
) -> None:
    """GET gives the address without its query, getFullUrl the whole."""
    running_grid.subscribe(event_receiver.url)
    shown = running_grid.request("GET", f"{COLLECTION}/sub")
    assert "secret" not in shown.text
    full = running_grid.request("POST", f"{COLLECTION}/sub/getFullUrl")
    assert full.json() == {"endpointUrl": event_receiver.url}


def test_management_asks_for_a_token(running_grid: "RunningGrid") -> None:
    """401 without a bearer token, as in Azure."""
    answer = httpx.get(running_grid.server.url + COLLECTION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AuthenticationFailed")


@pytest.mark.parametrize(
    ("properties", "status", "said"),
    [
        ({"destination": {"endpointType": "EventHub"}}, 501, "destination type 'EventHub'"),
        ({"eventDeliverySchema": "CustomInputSchema"}, 501, "CustomInputSchema"),
        ({"retryPolicy": {"maxDeliveryAttempts": 31}}, 400, "maxDeliveryAttempts"),
        (
            {"filter": {"advancedFilters": [{"operatorType": "SoundsLike", "key": "data.x"}]}},
            501,
            "SoundsLike",
        ),
        ({"deadLetterDestination": {"endpointType": "StorageBlob"}}, 400, "blobContainerName"),
        ({"destination": {"endpointType": "WebHook"}}, 400, "endpointUrl"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    running_grid: "RunningGrid", properties: dict[str, Any], status: int, said: str
) -> None:
    """501 for what only Azure can do, 400 for a mistake."""
    answer = running_grid.subscribe("http://127.0.0.1:9/", **properties)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


def test_another_storage_account_is_not_found(running_grid: "RunningGrid") -> None:
    """Only the account of this emulator raises events."""
    scope = f"{GROUP}/Microsoft.Storage/storageAccounts/elsewhere"
    assert running_grid.subscribe("http://127.0.0.1:9/", scope=scope).status_code == 404
