"""Which events a subscription wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import malformed, unsupported
from .event import Event

Values = tuple[Any, ...]


def _text(value: Any) -> str:
    return str(value).lower()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _any_text(compare: Callable[[str, str], bool]) -> Callable[[Any, Values], bool]:
    def holds(actual: Any, wanted: Values) -> bool:
        return isinstance(actual, str) and any(
            compare(actual.lower(), _text(value)) for value in wanted
        )

    return holds


def _number(compare: Callable[[float, float], bool]) -> Callable[[Any, Values], bool]:
    def holds(actual: Any, wanted: Values) -> bool:
        return _is_number(actual) and any(compare(actual, float(value)) for value in wanted)

    return holds


_is_one_of = _any_text(lambda actual, wanted: actual == wanted)
OPERATORS: dict[str, Callable[[Any, Values], bool]] = {
    "stringin": _is_one_of,
    "stringnotin": lambda actual, wanted: not _is_one_of(actual, wanted),
    "stringcontains": _any_text(lambda actual, wanted: wanted in actual),
    "stringbeginswith": _any_text(str.startswith),
    "stringendswith": _any_text(str.endswith),
    "boolequals": lambda actual, wanted: isinstance(actual, bool) and actual in wanted,
    "numberin": _number(lambda actual, wanted: actual == wanted),
    "numbergreaterthan": _number(lambda actual, wanted: actual > wanted),
    "numbergreaterthanorequals": _number(lambda actual, wanted: actual >= wanted),
    "numberlessthan": _number(lambda actual, wanted: actual < wanted),
    "numberlessthanorequals": _number(lambda actual, wanted: actual <= wanted),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One advanced filter: a key, an operator, and the values of which one must fit."""

    key: str
    operator: str
    values: Values

    def holds(self, event: Event) -> bool:
        """Tell whether the event fits; a key that is missing fits only a negation."""
        return OPERATORS[self.operator](_lookup(event, self.key), self.values)


@dataclass(frozen=True, slots=True)
class Filter:
    """What the `filter` of a subscription says."""

    types: frozenset[str] | None
    begins_with: str
    ends_with: str
    case_sensitive: bool
    conditions: tuple[Condition, ...]

    def wants(self, event: Event) -> bool:
        """Tell whether the event is to be delivered."""
        if self.types is not None and event.type.lower() not in self.types:
            return False
        subject, begin, end = event.subject, self.begins_with, self.ends_with
        if not self.case_sensitive:
            subject, begin, end = subject.lower(), begin.lower(), end.lower()
        fits = subject.startswith(begin) and subject.endswith(end)
        return fits and all(condition.holds(event) for condition in self.conditions)


def parse_filter(document: Mapping[str, Any]) -> Filter:
    """Read the `filter` of a subscription, or refuse it."""
    types = document.get("includedEventTypes")
    if types is not None and not isinstance(types, list):
        raise malformed("filter.includedEventTypes must be a list.")
    return Filter(
        types=None if types is None else frozenset(str(name).lower() for name in types),
        begins_with=str(document.get("subjectBeginsWith") or ""),
        ends_with=str(document.get("subjectEndsWith") or ""),
        case_sensitive=bool(document.get("isSubjectCaseSensitive")),
        conditions=tuple(_condition(item) for item in document.get("advancedFilters") or ()),
    )


def _condition(item: Mapping[str, Any]) -> Condition:
    operator = str(item.get("operatorType") or "")
    if operator.lower() not in OPERATORS:
        raise unsupported(f"The advanced filter operator {operator!r}")
    key = str(item.get("key") or "")
    if not key:
        raise malformed("An advanced filter needs a key.")
    values = item["values"] if "values" in item else [item.get("value")]
    if not isinstance(values, list):
        raise malformed(f"The values of the advanced filter on {key!r} must be a list.")
    return Condition(key, operator.lower(), tuple(values))


def _lookup(event: Event, key: str) -> Any:
    """Find `data.runTags.kind` and the like; keys are compared without case."""
    own = {
        "id": event.id,
        "topic": event.topic,
        "source": event.topic,
        "subject": event.subject,
        "eventtype": event.type,
        "type": event.type,
        "data": event.data,
    }
    value: Any = own
    for part in key.split("."):
        if not isinstance(value, Mapping):
            return None
        value = {str(name).lower(): inner for name, inner in value.items()}.get(part.lower())
    return value
