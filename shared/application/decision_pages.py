"""The decision log of a model in parts, newest first, each for one storage call."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.application.plane import ControlPlane
from shared.application.telling import decision_told, model_of
from shared.domain.decision import Decision, Mark
from shared.domain.errors import MalformedError

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
LOOKED_AT = 500
"""Rows that are read for one request when only some kinds are asked for; a page of a table has
a thousand at the most."""
EVER = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH = datetime.fromtimestamp(0, UTC)
CURSOR = r"^[0-9]{1,16}_[A-Za-z0-9_.:-]{1,200}$"
"""Microseconds after the epoch, and the decision's id."""


def decisions(
    plane: ControlPlane,
    name: str,
    *,
    since: str = "",
    before: str = "",
    kind: Collection[str] = (),
    limit: int = LIMIT_DEFAULT,
) -> dict[str, Any]:
    """A part of the log with cursors to go on; raises NotFoundError, MalformedError by name."""
    model_of(plane, name)
    most = LOOKED_AT if kind else limit + 1
    after = _since(since) if since else EVER
    until = _mark("before", before) if before else None
    read = plane.ports.decisions.since(name, after, most, until)
    read.reverse()
    found = [decision for decision in read if not kind or decision.kind in kind]
    shown = found[:limit]
    return {
        "model": name,
        "decisions": [decision_told(decision) for decision in shown],
        "newest": cursor(read[0]) if read else (since if isinstance(after, Mark) else None),
        "older": _older(found, shown, read, most),
    }


def cursor(decision: Decision) -> str:
    """The decision's place in the log, as a text."""
    return f"{(decision.at - EPOCH) // timedelta(microseconds=1)}_{decision.id}"


def _older(
    found: list[Decision], shown: list[Decision], read: list[Decision], most: int
) -> str | None:
    if len(found) > len(shown):
        return cursor(shown[-1])
    return cursor(read[-1]) if len(read) == most else None


def _since(text: str) -> datetime | Mark:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _mark("since", text)
    if at.tzinfo is None:
        raise MalformedError(f"since: {text!r} says no offset from UTC, such as 2026-11-23T12:00Z")
    return max(at, EVER).astimezone(UTC)


def _mark(name: str, text: str) -> Mark:
    if re.match(CURSOR, text) is None:
        more = ", nor an instant such as 2026-11-23T12:00:00Z" if name == "since" else ""
        raise MalformedError(f"{name}: {text!r} is no cursor of an answer before{more}")
    stamp, _, id_ = text.partition("_")
    return Mark(EPOCH + timedelta(microseconds=int(stamp)), id_)
