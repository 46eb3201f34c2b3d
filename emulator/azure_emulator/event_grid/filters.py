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


def _none_of(holds: Callable[[Any, Values], bool]) -> Callable[[Any, Values], bool]:
    # A key that is missing has none of the values: it fits.
    return lambda actual, wanted: not holds(actual, wanted)


def _in_range(actual: Any, ranges: Values) -> bool:
    return _is_number(actual) and any(low <= actual <= high for low, high in ranges)


_is_one_of = _any_text(lambda actual, wanted: actual == wanted)
_contains = _any_text(lambda actual, wanted: wanted in actual)
_begins = _any_text(str.startswith)
_ends = _any_text(str.endswith)
_equals = _number(lambda actual, wanted: actual == wanted)
OPERATORS: dict[str, Callable[[Any, Values], bool]] = {
    "stringin": _is_one_of,
    "stringnotin": _none_of(_is_one_of),
    "stringcontains": _contains,
    "stringnotcontains": _none_of(_contains),
    "stringbeginswith": _begins,
    "stringnotbeginswith": _none_of(_begins),
    "stringendswith": _ends,
    "stringnotendswith": _none_of(_ends),
    "boolequals": lambda actual, wanted: isinstance(actual, bool) and actual in wanted,
    "numberin": _equals,
    "numbernotin": _none_of(_equals),
    "numberinrange": _in_range,
    "numbernotinrange": _none_of(_in_range),
    "numbergreaterthan": _number(lambda actual, wanted: actual > wanted),
    "numbergreaterthanorequals": _number(lambda actual, wanted: actual >= wanted),
    "numberlessthan": _number(lambda actual, wanted: actual < wanted),
    "numberlessthanorequals": _number(lambda actual, wanted: actual <= wanted),
    "isnullorundefined": lambda actual, _: actual is None,
    "isnotnull": lambda actual, _: actual is not None,
}
WITHOUT_VALUES = ("isnullorundefined", "isnotnull")
CONDITIONS_MAX = 25


@dataclass(frozen=True, slots=True)
class Condition:
    """One advanced filter: a key, an operator, and the values of which one must fit.

    With `on_arrays` a list fits when one of its items does, and a negation when all do.
    """

    key: str
    operator: str
    values: Values
    on_arrays: bool = False

    def holds(self, event: Event) -> bool:
        """Tell whether the event fits; a key that is missing fits only a negation."""
        operator, actual = OPERATORS[self.operator], _lookup(event, self.key)
        if not (self.on_arrays and isinstance(actual, list)):
            return operator(actual, self.values)
        every = all if "not" in self.operator else any
        return every(operator(item, self.values) for item in actual)


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
    conditions = document.get("advancedFilters") or ()
    on_arrays = bool(document.get("enableAdvancedFilteringOnArrays"))
    if len(conditions) > CONDITIONS_MAX:
        raise malformed(f"A subscription has at most {CONDITIONS_MAX} advanced filters.")
    return Filter(
        types=None if types is None else frozenset(str(name).lower() for name in types),
        begins_with=str(document.get("subjectBeginsWith") or ""),
        ends_with=str(document.get("subjectEndsWith") or ""),
        case_sensitive=bool(document.get("isSubjectCaseSensitive")),
        conditions=tuple(_condition(item, on_arrays) for item in conditions),
    )


def _condition(item: Mapping[str, Any], on_arrays: bool) -> Condition:
    name = str(item.get("operatorType") or "")
    operator = name.lower()
    if operator not in OPERATORS:
        raise unsupported(f"The advanced filter operator {name!r}")
    key = str(item.get("key") or "")
    if not key:
        raise malformed("An advanced filter needs a key.")
    if operator in WITHOUT_VALUES:
        return Condition(key, operator, (), on_arrays)
    values = item["values"] if "values" in item else [item.get("value")]
    if not isinstance(values, list):
        raise malformed(f"The values of the advanced filter on {key!r} must be a list.")
    if not all(_fits_operator(value, operator) for value in values):
        raise malformed(f"The values {values!r} do not fit {name} on {key!r}.")
    return Condition(key, operator, tuple(values), on_arrays)


def _fits_operator(value: Any, operator: str) -> bool:
    if operator.endswith("range"):
        is_pair = isinstance(value, list) and len(value) == 2
        return is_pair and all(_is_number(end) for end in value)
    if operator.startswith("number"):
        return _is_number(value)
    return isinstance(value, bool if operator.startswith("bool") else str)


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
