"""One event, and how it looks in each of the two schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

EVENT_GRID = "EventGridSchema"
CLOUD_EVENTS = "CloudEventSchemaV1_0"


@dataclass(frozen=True, slots=True)
class Event:
    """A fact about one resource (its topic)."""

    id: str
    topic: str
    type: str
    subject: str
    data: dict[str, Any]
    at: datetime

    def in_schema(self, schema: str) -> dict[str, Any]:
        """Return the event as a subscriber of this schema gets it."""
        if schema == CLOUD_EVENTS:
            return {
                "id": self.id,
                "source": self.topic,
                "subject": self.subject,
                "type": self.type,
                "time": instant(self.at),
                "data": self.data,
                "specversion": "1.0",
            }
        return {
            "id": self.id,
            "topic": self.topic,
            "subject": self.subject,
            "eventType": self.type,
            "eventTime": instant(self.at),
            "data": self.data,
            "dataVersion": "",
            "metadataVersion": "1",
        }


def instant(moment: datetime) -> str:
    """Write an instant as the service does, with seven decimals."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z"


def key_of(scope: str) -> str:
    """Return the form of a resource id by which ids are compared."""
    return scope.strip("/").lower()
