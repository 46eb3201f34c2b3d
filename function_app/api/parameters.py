"""The parameters of operations: how they are described, and how a query is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.application.decision_pages import CURSOR
from shared.domain.decision import Kind
from shared.domain.errors import MalformedError
from shared.domain.events import Verb

Json = dict[str, Any]
KEY = "code"
"""Carries the key in a query where a header cannot."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path, or of what follows the question mark."""

    name: str
    place: Literal["path", "query"]
    schema: Json
    description: str
    style: Json = field(default_factory=dict)


def read_query(parameters: Iterable[Parameter], given: Mapping[str, str]) -> Json:
    """What a query says, by name; raises MalformedError that names what is wrong."""
    known = {each.name: each for each in parameters if each.place == "query"}
    unknown = sorted(set(given) - {*known, KEY})
    if unknown:
        allowed = ", ".join(known) or "none"
        raise MalformedError(f"{unknown[0]} is no parameter of this; allowed are: {allowed}")
    return {name: _value(known[name], text) for name, text in given.items() if name != KEY}


def _value(parameter: Parameter, text: str) -> Any:
    schema, name = parameter.schema, parameter.name
    if schema["type"] == "integer":
        low, high = schema["minimum"], schema["maximum"]
        if re.fullmatch(r"-?[0-9]{1,9}", text) is None or not low <= int(text) <= high:
            raise MalformedError(f"{name} must be a whole number from {low} to {high}")
        return int(text)
    if schema["type"] == "array":
        allowed, values = schema["items"]["enum"], [each for each in text.split(",") if each]
        strange = [each for each in values if each not in allowed]
        if strange:
            raise MalformedError(f"{name}: {strange[0]!r} is none of {', '.join(allowed)}")
        return values
    return text


def limit(default: int, most: int, what: str) -> Parameter:
    """How many of something are answered."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Parameter("limit", "query", schema, f"So many {what} at the most")


MODEL = Parameter("model", "path", {"type": "string"}, "Name of the model")
SINCE = Parameter(
    "since",
    "query",
    {
        "type": "string",
        "anyOf": [{"pattern": CURSOR}, {"format": "date-time"}],
    },
    "Only what is newer: the `newest` of an answer before, or an instant (ISO 8601, with `Z`)",
)
BEFORE = Parameter(
    "before",
    "query",
    {"type": "string", "pattern": CURSOR},
    "Only what is older: the `older` of an answer before",
)
KIND = Parameter(
    "kind",
    "query",
    {"type": "array", "items": {"type": "string", "enum": [kind.value for kind in Kind]}},
    "Only these kinds, with commas between them",
    {"style": "form", "explode": False},
)
VERB = Parameter(
    "verb", "path", {"type": "string", "enum": [verb.value for verb in Verb]}, "What is ordered"
)
WHY_ID = Parameter(
    "id",
    "path",
    {"type": "string", "minLength": 1},
    "A job, version, deployment, request, file, slot, order, data version, landing or event; the "
    "slashes of a file's path are sent as they are",
)
WHY_MODEL = Parameter(
    "model", "query", {"type": "string"}, "Whose id it is, where the id itself does not say it"
)
