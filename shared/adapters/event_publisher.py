"""Noon's own events, as CloudEvents to a custom topic of Azure Event Grid."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

from shared.adapters.azure_errors import azure_errors
from shared.domain.announcements import Announcement

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.eventgrid import EventGridPublisherClient

DATA_SCHEMA = "urn:noon:events:{name}:{schema}"
"""Names what is published in docs/events.md."""


class AzureEventPublisher:
    """A topic by its address; the client is built at the first use."""

    def __init__(self, topic_url: str, source: str, credential: TokenCredential) -> None:
        self._topic_url = topic_url
        self._source = source
        self._credential = credential
        self._lock = Lock()
        self._client: EventGridPublisherClient | None = None

    def publish(self, events: Sequence[Announcement]) -> None:
        """Send them in one request."""
        from azure.core.messaging import CloudEvent

        sent = [
            CloudEvent(
                source=self._source,
                type=event.type.value,
                id=event.event_id,
                time=event.decided_at,
                subject=f"models/{event.model}",
                data=dict(event.data),
                datacontenttype="application/json",
                dataschema=DATA_SCHEMA.format(name=event.type.value, schema=event.data["schema"]),
            )
            for event in events
        ]
        with azure_errors(f"publish {', '.join(event.type for event in events)}"):
            # One attempt: the queue comes again. Said here, since the client ignores it elsewhere.
            self._built().send(sent, retry_total=0, connection_timeout=5, read_timeout=20)

    def _built(self) -> EventGridPublisherClient:
        with self._lock:
            if self._client is None:
                from azure.eventgrid import EventGridPublisherClient

                self._client = EventGridPublisherClient(self._topic_url, self._credential)
            return self._client
