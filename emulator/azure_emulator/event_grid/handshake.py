"""Asks an endpoint whether it wants events, as Event Grid does before it accepts a subscription."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import httpx

from .delivery import ANSWER_SECONDS
from .errors import RefusedError
from .event import CLOUD_EVENTS, instant

if TYPE_CHECKING:
    from datetime import datetime

    from .subscription import Subscription

ORIGIN = "eventgrid.azure.net"


async def shake_hands(subscription: Subscription, now: datetime) -> None:
    """Return when the endpoint agrees; raise RefusedError when it does not."""
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
        try:
            if subscription.schema == CLOUD_EVENTS:
                problem = await _cloud_events(client, subscription)
            else:
                problem = await _event_grid(client, subscription, now)
        except httpx.HTTPError as error:
            problem = f"{type(error).__name__}: {error}"
    if problem:
        address = subscription.url.partition("?")[0]
        raise RefusedError(
            400,
            "Url validation",
            f"Webhook validation handshake failed for {address}. {problem}",
        )


async def _event_grid(
    client: httpx.AsyncClient, subscription: Subscription, now: datetime
) -> str | None:
    code = str(uuid.uuid4())
    event = {
        "id": str(uuid.uuid4()),
        "topic": subscription.scope,
        "subject": "",
        "data": {"validationCode": code},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": instant(now),
        "metadataVersion": "1",
        "dataVersion": "1",
    }
    headers = {
        "aeg-event-type": "SubscriptionValidation",
        "aeg-subscription-name": subscription.name.upper(),
        "aeg-delivery-count": "0",
        "aeg-data-version": "1",
        "aeg-metadata-version": "1",
    }
    answer = await client.post(subscription.url, json=[event], headers=headers)
    if answer.status_code != 200:
        return f"It must answer 200, but it answered {answer.status_code}."
    if _validation_response(answer) != code:
        return "It did not give back the validation code as validationResponse."
    return None


async def _cloud_events(client: httpx.AsyncClient, subscription: Subscription) -> str | None:
    headers = {"WebHook-Request-Origin": ORIGIN}
    answer = await client.request("OPTIONS", subscription.url, headers=headers)
    if answer.status_code != 200:
        return f"It must answer OPTIONS with 200, but it answered {answer.status_code}."
    allowed = answer.headers.get("WebHook-Allowed-Origin", "")
    if allowed not in (ORIGIN, "*"):
        return f"WebHook-Allowed-Origin must be {ORIGIN}, but it is {allowed!r}."
    return None


def _validation_response(answer: httpx.Response) -> Any:
    try:
        return answer.json()["validationResponse"]
    except (ValueError, LookupError, TypeError):
        return None
