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
    hidden: dict[str, bool] = {}
    decided: dict[str, Resource] = {}

    def view(resource: Resource, before: Resource | None) -> Resource | None:
        place = _shown_at(resource.id.strip("/"))
        key = place.lower()
        if target not in (key, key.rpartition("/")[0]):
            return resource
        if key not in hidden:
            hidden[key] = _is_hidden(faults, place, resource)
        if hidden[key]:
            return None
        if resource.id not in decided:
            decided[resource.id] = _seen(faults, place, resource, before)
        return decided[resource.id]

    token = VIEW.set(view)
    try:
        yield
    finally:
        VIEW.reset(token)


def _shown_at(place: str) -> str:
    """Give the path at which a resource is read: how a job goes is kept beside what it is."""
    return place.replace("/runs/", "/jobs/")


def _is_hidden(faults: Faults, place: str, resource: Resource) -> bool:
    since = datetime.fromisoformat(resource.created_at).timestamp()
    return faults.take(f"Hidden.{_names(place)}", _below(place), since=since) is not None


def _seen(faults: Faults, place: str, resource: Resource, before: Resource | None) -> Resource:
    since = datetime.fromisoformat(resource.modified_at).timestamp()
    if before and faults.take(f"Stale.{_names(place)}", _below(place), since=since):
        return before
    return resource


def _below(place: str) -> str:
    return "/".join(place.split("/")[PLACES_ABOVE:])


def _names(place: str) -> str:
    return ".".join(place.split("/")[PLACES_ABOVE + 1 :: 2])
