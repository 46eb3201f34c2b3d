"""Faults on demand: the next events of a type are lost, or delivered twice."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS = ("lose", "duplicate")


@dataclass(slots=True)
class EventFault:
    """What happens to the next `count` events whose type matches."""

    action: str
    type: str
    count: int


class EventFaults:
    """The faults that are not spent yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[EventFault] = []

    def lose(self, type: str, count: int = 1) -> None:  # noqa: A002  the word of the contract
        """Never deliver the next `count` events of a type (a name or a pattern with `*`)."""
        self._add(EventFault("lose", type, count))

    def duplicate(self, type: str, count: int = 1) -> None:  # noqa: A002  as above
        """Deliver each of the next `count` events of a type twice, with the same id."""
        self._add(EventFault("duplicate", type, count))

    def add(self, rule: Mapping[str, Any]) -> None:
        """Take `{"event": type, "action": "lose" or "duplicate", "count": 1}`, or refuse it."""
        action = rule.get("action", "lose")
        if action not in ACTIONS or not rule.get("event"):
            raise ValueError(f"give 'event' (its type) and 'action' ({' or '.join(ACTIONS)})")
        self._add(EventFault(str(action), str(rule["event"]), int(rule.get("count", 1))))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Return the faults that are left."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def copies(self, event_type: str) -> int:
        """Return how often the next event of this type is delivered, counting its fault down."""
        with self._lock:
            for fault in self._faults:
                if fnmatchcase(event_type.lower(), fault.type.lower()):
                    fault.count -= 1
                    if fault.count <= 0:
                        self._faults.remove(fault)
                    return 0 if fault.action == "lose" else 2
        return 1

    def _add(self, fault: EventFault) -> None:
        if fault.count < 1:
            raise ValueError("count must be at least 1")
        with self._lock:
            self._faults.append(fault)
