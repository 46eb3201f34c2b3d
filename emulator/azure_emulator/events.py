"""Where the workspace's events go."""

from __future__ import annotations

from typing import Any, Protocol


class EventSink(Protocol):
    """Takes events of ARM resources and delivers them."""

    async def start(self) -> None:
        """Begin to deliver."""

    async def stop(self) -> None:
        """Stop delivering; what is accepted stays."""

    def publish(self, scope: str, event_type: str, subject: str, data: dict[str, Any]) -> None:
        """Accept one event durably; from any thread."""
