"""What somebody asks `why` about: told from the form of its id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from shared.application.plane import ControlPlane
from shared.application.rulings import reader_of
from shared.domain.errors import MalformedError, NotFoundError
from shared.domain.places import CANARIES

What = Literal[
    "job",
    "version",
    "deployment",
    "request",
    "blob",
    "slot",
    "order",
    "data",
    "landing",
    "event",
    "canary",
]

FORMS: tuple[tuple[What, str], ...] = (
    ("event", r"event:.+|(?:/.+/alerts/)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    ("job", r"(?P<model>.+)-(?:slot|data|order)-\d{8}t\d{4,}-a[1-9]\d*"),
    ("request", r"(?P<at>\d{8}t\d{12})\.v(?P<number>\d{1,9})-e\d{1,9}\.[0-9a-f]{8}"),
    ("deployment", r"v(?P<number>\d{1,9})-e\d{1,9}"),
    ("version", r"(?:(?P<model>[^:/]+):)?(?P<number>\d{1,9})"),
    ("slot", r"\d{8}t\d{4}"),
    ("order", r"[0-9a-f]{12}"),
    ("data", r"[0-9a-f]{16}"),
    ("landing", r"landing[- ](?P<stamp>\d{8}t\d{6}(?:\d{6})?)"),
    ("canary", rf"(?:[^/]+/)?{CANARIES}(?P<canary>.+)"),
    ("blob", r".+/.+"),
)
"""The first that fits is meant."""

MODELS_ASKED = 3
"""An event does not say its model: of so few, each is asked."""

EXAMPLES = (
    "a job flights-slot-20261123t1200-a1, a version flights:3 or 3, a deployment v3-e1, "
    "a request id 20261123t120000000000.v3-e1.ab12cd34, a file flights/2013-01-01.csv, "
    "a slot 20261123t1200, an order 0123456789ab, a data version 0123456789abcdef, "
    "the landings of a minute landing-20261123t120100, "
    "an event 0a1b2c3d-0123-4567-89ab-0a1b2c3d4e5f, or with another id event:ID"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing of one model."""

    what: What
    model: str
    value: str
    number: int = 0
    """Of the version, when the id says it."""
    at: datetime | None = None
    """When a request was answered."""


def understand(plane: ControlPlane, text: str, model: str) -> Asked:
    """What an id means; raises MalformedError, or NotFoundError for a model that is not there."""
    what, parts = _form(text)
    # An alert is known by the last part of its ARM id, as an event is by its id.
    text = text.rpartition("/alerts/")[2] if what == "event" else text
    if what == "blob":
        text = text.removeprefix(f"{plane.landing_container}/")
        reader = reader_of(plane, text)
        if reader is None:
            raise NotFoundError(f"no model reads the file {text!r}")
        return Asked(what, reader.name, text)
    if what == "canary":
        return Asked(what, "", parts["canary"])
    if what == "event" and not model and len(plane.models) <= MODELS_ASKED:
        return Asked(what, "", text.removeprefix("event:"))
    named = _model(plane, parts.get("model") or model, text)
    if what == "event":
        return Asked(what, named, text.removeprefix("event:"))
    if what == "landing":
        # Its row says microseconds, which people need not.
        return Asked(what, named, f"landing-{parts['stamp']:0<21}")
    at = _instant(text, parts["at"]) if what == "request" else None
    return Asked(what, named, text, int(parts.get("number") or 0), at)


def _form(text: str) -> tuple[What, dict[str, str]]:
    for what, form in FORMS:
        found = re.fullmatch(form, text)
        if found is not None:
            return what, found.groupdict()
    raise MalformedError(f"{text!r} is nothing that decisions are about; known are {EXAMPLES}")


def _model(plane: ControlPlane, name: str, text: str) -> str:
    known = sorted(plane.models)
    if name in plane.models:
        return name
    if name:
        raise NotFoundError(f"there is no model {name!r}; known are {', '.join(known)}")
    if len(known) == 1:
        return known[0]
    raise MalformedError(f"{text!r} does not say its model: say which of {', '.join(known)}")


def _instant(text: str, stamp: str) -> datetime:
    try:
        return datetime.strptime(stamp, "%Y%m%dt%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        raise MalformedError(f"the request id {text!r} holds no time") from None
