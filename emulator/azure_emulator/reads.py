"""What a read sees of what is stored: with the fault that is due nothing, or the past."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from .store import VIEW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .faults import Faults
    from .resource import Resource

PLACES_ABOVE = 8
"""Parts of a path before those below the workspace."""


@contextmanager
def seen_through(faults: Faults, path: str) -> Iterator[None]:
    """Let the faults `Hidden` and `Stale` decide what a GET of this path reads inside."""
    target = path.strip("/").lower()
    decided: dict[str, Resource | None] = {}

    def view(resource: Resource, before: Resource | None) -> Resource | None:
        key = resource.id.strip("/").lower()
        if target not in (key, key.rpartition("/")[0]):
            return resource
        if key not in decided:
            decided[key] = _seen(faults, resource, before)
        return decided[key]

    token = VIEW.set(view)
    try:
        yield
    finally:
        VIEW.reset(token)


def _seen(faults: Faults, resource: Resource, before: Resource | None) -> Resource | None:
    below = resource.id.strip("/").split("/")[PLACES_ABOVE:]
    names, place = ".".join(below[1::2]), "/".join(below)
    if faults.take(f"Hidden.{names}", place, since=_instant(resource.created_at)):
        return None
    if before and faults.take(f"Stale.{names}", place, since=_instant(resource.modified_at)):
        return before
    return resource


def _instant(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()
