"""What the store keeps: one resource, and the instant at which something happens to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def now() -> str:
    """Give the present instant as ARM writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Resource:
    """One row: `body` is what callers see, `state` what only the emulator knows."""

    id: str
    kind: str
    parent: str
    name: str
    body: Json
    state: Json
    created_at: str
    modified_at: str
    sequence: int

    @property
    def properties(self) -> Json:
        """Give the `properties` of the body ({} when there are none)."""
        properties: Json = self.body.get("properties") or {}
        return properties
