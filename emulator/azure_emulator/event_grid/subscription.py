"""An event subscription: where events go, which ones, and what happens when they fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .errors import malformed, unsupported
from .event import CLOUD_EVENTS, EVENT_GRID, Event, key_of
from .filters import Filter, parse_filter

TYPE = "Microsoft.EventGrid/eventSubscriptions"
ATTEMPTS_MAX = 30
LIFETIME_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as it was accepted."""

    scope: str
    name: str
    url: str
    schema: str
    filter: Filter
    attempts_max: int
    lifetime_minutes: int
    dead_letter_container: str | None
    properties: dict[str, Any]

    @property
    def id(self) -> str:
        """Return the ARM id."""
        return f"/{self.scope.strip('/')}/providers/{TYPE}/{self.name}"

    @property
    def key(self) -> str:
        """Return the id in the form by which ids are compared."""
        return key_of(self.id)

    def as_json(self) -> dict[str, Any]:
        """Return what ARM shows; like there, the address comes without its query."""
        parts = urlsplit(self.url)
        base = f"{parts.scheme}://{parts.netloc}{parts.path}"
        destination = {
            "endpointType": "WebHook",
            "properties": {"endpointUrl": None, "endpointBaseUrl": base},
        }
        return {
            "id": self.id,
            "name": self.name,
            "type": TYPE,
            "properties": {
                **self.properties,
                "topic": self.scope,
                "provisioningState": "Succeeded",
                "destination": destination,
                "eventDeliverySchema": self.schema,
                "retryPolicy": {
                    "maxDeliveryAttempts": self.attempts_max,
                    "eventTimeToLiveInMinutes": self.lifetime_minutes,
                },
            },
        }


def parse_subscription(scope: str, name: str, body: dict[str, Any]) -> Subscription:
    """Read the body of a PUT, or refuse it."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise malformed("The request's body has no 'properties' object.")
    if not 3 <= len(name) <= 64:
        raise malformed("The name of an event subscription has 3 to 64 characters.")
    schema = str(properties.get("eventDeliverySchema") or EVENT_GRID)
    if schema not in (EVENT_GRID, CLOUD_EVENTS):
        raise unsupported(f"The delivery schema {schema!r}")
    if "deliveryWithResourceIdentity" in properties:
        raise unsupported("deliveryWithResourceIdentity")
    policy = properties.get("retryPolicy") or {}
    return Subscription(
        scope=scope,
        name=name,
        url=_webhook(properties.get("destination") or {}),
        schema=schema,
        filter=parse_filter(properties.get("filter") or {}),
        attempts_max=_between(policy, "maxDeliveryAttempts", ATTEMPTS_MAX, 30),
        lifetime_minutes=_between(policy, "eventTimeToLiveInMinutes", LIFETIME_MINUTES, 1440),
        dead_letter_container=_dead_letter(properties.get("deadLetterDestination")),
        properties=properties,
    )


def matching(subscriptions: Iterable[Subscription], event: Event) -> list[Subscription]:
    """Return the subscriptions that want an event."""
    topic = key_of(event.topic)
    return [
        subscription
        for subscription in subscriptions
        if key_of(subscription.scope) == topic and subscription.filter.wants(event)
    ]


def _webhook(destination: dict[str, Any]) -> str:
    kind = destination.get("endpointType")
    if kind != "WebHook":
        raise unsupported(f"The destination type {kind!r}")
    properties = destination.get("properties") or {}
    url = str(properties.get("endpointUrl") or "")
    if urlsplit(url).scheme not in ("http", "https"):
        raise malformed("destination.properties.endpointUrl must be an http or https address.")
    if int(properties.get("maxEventsPerBatch") or 1) != 1:
        raise unsupported("maxEventsPerBatch other than 1")
    return url


def _between(policy: dict[str, Any], name: str, default: int, highest: int) -> int:
    value = policy.get(name, default)
    if not isinstance(value, int) or not 1 <= value <= highest:
        raise malformed(f"retryPolicy.{name} must be between 1 and {highest}.")
    return value


def _dead_letter(destination: dict[str, Any] | None) -> str | None:
    if not destination:
        return None
    if destination.get("endpointType") != "StorageBlob":
        raise unsupported(f"The dead-letter destination {destination.get('endpointType')!r}")
    container = (destination.get("properties") or {}).get("blobContainerName")
    if not container:
        raise malformed("deadLetterDestination.properties.blobContainerName is missing.")
    return str(container)
