"""Where the workspace's events go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from starlette.routing import Route

    from .event_grid.faults import EventFaults


class EventSink(Protocol):
    """Takes events of ARM resources and delivers them."""

    faults: EventFaults

    async def start(self) -> None:
        """Begin to deliver."""

    async def stop(self) -> None:
        """Stop delivering; what is accepted stays."""

    def publish(self, scope: str, event_type: str, subject: str, data: dict[str, Any]) -> None:
        """Accept one event durably; from any thread."""

    def routes(self) -> list[Route]:
        """Give the ARM routes of the subscriptions."""
