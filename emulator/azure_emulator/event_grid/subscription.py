"""An event subscription: where events go, which ones, and what happens when they fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from .errors import malformed, unsupported
from .event import CLOUD_EVENTS, EVENT_GRID, Event, key_of
from .filters import Filter, parse_filter

TYPE = "Microsoft.EventGrid/eventSubscriptions"
SYSTEM_TOPIC_TYPE = "Microsoft.EventGrid/systemTopics"
BATCH_EVENTS_MAX = 5000
BATCH_KILOBYTES_MAX = 1024
# What the real service would heed and this one cannot: refused, since ignoring it would mislead.
REFUSED_IN_DESTINATION = (
    "deliveryAttributeMappings",
    "azureActiveDirectoryTenantId",
    "azureActiveDirectoryApplicationIdOrUri",
)
ATTEMPTS_MAX = 30
LIFETIME_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as it was accepted.

    `scope` is the resource whose events it wants; `parent` where the subscription lies in ARM:
    the same resource, or a system topic of it.
    """

    scope: str
    name: str
    parent: str
    url: str
    schema: str
    filter: Filter
    attempts_max: int
    lifetime_minutes: int
    batch_events_max: int
    batch_kilobytes: int
    expires_at: datetime | None
    dead_letter_container: str | None
    properties: dict[str, Any]

    @property
    def id(self) -> str:
        """Return the ARM id."""
        parent = f"/{self.parent.strip('/')}"
        if is_system_topic(parent):
            return f"{parent}/eventSubscriptions/{self.name}"
        return f"{parent}/providers/{TYPE}/{self.name}"

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
            "properties": {
                "endpointUrl": None,
                "endpointBaseUrl": base,
                "maxEventsPerBatch": self.batch_events_max,
                "preferredBatchSizeInKilobytes": self.batch_kilobytes,
            },
        }
        of_topic = is_system_topic(self.parent)
        return {
            "id": self.id,
            "name": self.name,
            "type": f"{SYSTEM_TOPIC_TYPE}/eventSubscriptions" if of_topic else TYPE,
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


def is_system_topic(resource_id: str) -> bool:
    """Tell whether an ARM id is that of a system topic."""
    return f"/providers/{SYSTEM_TOPIC_TYPE}/".lower() in f"/{resource_id.strip('/')}/".lower()


def parse_subscription(
    scope: str, name: str, body: dict[str, Any], parent: str = ""
) -> Subscription:
    """Read the body of a PUT, or refuse it; without `parent` it lies below its scope."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise malformed("The request's body has no 'properties' object.")
    if not 3 <= len(name) <= 64:
        raise malformed("The name of an event subscription has 3 to 64 characters.")
    schema = str(properties.get("eventDeliverySchema") or EVENT_GRID)
    if schema not in (EVENT_GRID, CLOUD_EVENTS):
        raise unsupported(f"The delivery schema {schema!r}")
    if properties.get("deliveryWithResourceIdentity"):
        raise unsupported("deliveryWithResourceIdentity")
    policy = properties.get("retryPolicy") or {}
    webhook = _webhook(properties.get("destination") or {})
    return Subscription(
        scope=scope,
        name=name,
        parent=parent or scope,
        url=str(webhook["endpointUrl"]),
        schema=schema,
        filter=parse_filter(properties.get("filter") or {}),
        attempts_max=_between(policy, "maxDeliveryAttempts", ATTEMPTS_MAX, 30),
        lifetime_minutes=_between(policy, "eventTimeToLiveInMinutes", LIFETIME_MINUTES, 1440),
        batch_events_max=_between(webhook, "maxEventsPerBatch", 1, BATCH_EVENTS_MAX),
        batch_kilobytes=_between(webhook, "preferredBatchSizeInKilobytes", 64, BATCH_KILOBYTES_MAX),
        expires_at=_expiry(properties.get("expirationTimeUtc")),
        dead_letter_container=_dead_letter(properties),
        properties=properties,
    )


def matching(subscriptions: Iterable[Subscription], event: Event) -> list[Subscription]:
    """Return the subscriptions that want an event."""
    topic = key_of(event.topic)
    return [
        subscription
        for subscription in subscriptions
        if key_of(subscription.scope) == topic
        and (subscription.expires_at is None or event.at < subscription.expires_at)
        and subscription.filter.wants(event)
    ]


def _webhook(destination: dict[str, Any]) -> dict[str, Any]:
    kind = destination.get("endpointType")
    if kind != "WebHook":
        raise unsupported(f"The destination type {kind!r}")
    properties: dict[str, Any] = destination.get("properties") or {}
    url = str(properties.get("endpointUrl") or "")
    if urlsplit(url).scheme not in ("http", "https"):
        raise malformed("destination.properties.endpointUrl must be an http or https address.")
    for name in REFUSED_IN_DESTINATION:
        if properties.get(name):
            raise unsupported(f"destination.properties.{name}")
    return properties


def _between(properties: dict[str, Any], name: str, default: int, highest: int) -> int:
    value = properties.get(name)
    value = default if value is None else value
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
        raise malformed(f"{name} must be a whole number between 1 and {highest}.")
    return value


def _expiry(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise malformed(f"expirationTimeUtc {text!r} is not an instant.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _dead_letter(properties: dict[str, Any]) -> str | None:
    by_identity = properties.get("deadLetterWithResourceIdentity") or {}
    destination = properties.get("deadLetterDestination") or by_identity.get(
        "deadLetterDestination"
    )
    if not destination:
        return None
    if destination.get("endpointType") != "StorageBlob":
        raise unsupported(f"The dead-letter destination {destination.get('endpointType')!r}")
    container = (destination.get("properties") or {}).get("blobContainerName")
    if not container:
        raise malformed("deadLetterDestination.properties.blobContainerName is missing.")
    return str(container)
