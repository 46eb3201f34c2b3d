"""Tells Event Grid where events go, as the infrastructure does in Azure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from noon.failures import CommandError
from noon.local.environment import (
    ACCOUNT,
    DEAD_LETTERS,
    LANDING,
    RESOURCE_GROUP,
    SUBSCRIPTION,
    WORKSPACE,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from noon.local.emulated import LocalAzure

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers"
WORKSPACE_ID = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
STORAGE_ID = f"{GROUP}/Microsoft.Storage/storageAccounts/{ACCOUNT}"
API = "api-version=2022-06-15"
HANDSHAKE_SECONDS = 20.0


RUN_EVENTS = ("RunCompleted", "RunStatusChanged")


def subscribe(azure: LocalAzure, app_url: str, system_keys: Mapping[str, str]) -> None:
    """Subscribe the app to finished runs and to landed data; again is without effect.

    The app must be running: Event Grid shakes hands with it. Raises CommandError.
    """
    runs = [f"Microsoft.MachineLearningServices.{kind}" for kind in RUN_EVENTS]
    landed = f"/blobServices/default/containers/{LANDING}/"
    wanted = (
        (WORKSPACE_ID, "noon-runs", "job_finished", {"includedEventTypes": runs}),
        (
            STORAGE_ID,
            "noon-landings",
            "data_landed",
            {
                "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
                "subjectBeginsWith": landed,
            },
        ),
    )
    for scope, name, function, chosen in wanted:
        hook = f"{app_url}/runtime/webhooks/EventGrid?functionName={function}"
        endpoint = f"{hook}&code={quote(system_keys['eventgrid_extension'])}"
        path = f"{scope}/providers/Microsoft.EventGrid/eventSubscriptions/{name}?{API}"
        _wait_for_handshake(azure, path, azure.put(path, _subscription(endpoint, chosen)))


def _subscription(endpoint: str, chosen: dict[str, Any]) -> dict[str, Any]:
    return {
        "properties": {
            "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": endpoint}},
            "filter": chosen,
            "eventDeliverySchema": "EventGridSchema",
            "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
            # What a stopped app refused is not sent again: `noon replay --dead-letter` does it.
            "deadLetterDestination": {
                "endpointType": "StorageBlob",
                "properties": {"resourceId": STORAGE_ID, "blobContainerName": DEAD_LETTERS},
            },
        }
    }


def _wait_for_handshake(azure: LocalAzure, path: str, answer: dict[str, Any] | None) -> None:
    deadline = time.monotonic() + HANDSHAKE_SECONDS
    while (state := _state(answer)) != "Succeeded":
        if state == "Failed" or time.monotonic() > deadline:
            name = path.partition("?")[0].rpartition("/")[2]
            raise CommandError(
                f"Event Grid could not subscribe {name} ({state}): see the app's log"
            )
        time.sleep(0.1)
        answer = azure.get(path)


def _state(answer: dict[str, Any] | None) -> str:
    properties = (answer or {}).get("properties") or {}
    return str(properties.get("provisioningState", "missing"))
