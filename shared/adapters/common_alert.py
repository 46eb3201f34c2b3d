"""Reads alerts of Azure Monitor in the common alert schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from shared.domain.alerts import Alert, Condition
from shared.domain.errors import MalformedError

SCHEMA_ID = "azureMonitorCommonAlertSchema"
MODEL = frozenset({"model", "noon.model"})
"""Dimensions that say the model, and properties with which a rule can say it itself."""
NUMBERS_MAX = 10
TEXT_MAX = 1000
ID_MAX = 200
LINKS_MAX = 2
LINK_MAX = 3000
"""Characters; links to a query carry the whole of it."""


def parse_alert(body: bytes) -> Alert:
    """The alert in a body; raises MalformedError that names the field."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"alert: not JSON: {error}") from None
    document = _object(content, "the body")
    if document.get("schemaId") != SCHEMA_ID:
        found = document.get("schemaId")
        raise MalformedError(f"alert: schemaId is {found!r:.100}, not {SCHEMA_ID!r}")
    data = _object(document.get("data"), "data")
    essentials = _object(data.get("essentials"), "data.essentials")
    context = _object(data.get("alertContext") or {}, "data.alertContext")
    conditions = list(_conditions(context))
    condition = _condition(essentials)
    resolved = condition is Condition.RESOLVED
    return Alert(
        # Of an ARM id the last part; it is a GUID.
        alert_id=_text(essentials, "alertId", LINK_MAX).rstrip("/").rpartition("/")[2][:ID_MAX],
        rule=_text(essentials, "alertRule", ID_MAX),
        condition=condition,
        fired_at=_instant(essentials, "firedDateTime"),
        resolved_at=_instant(essentials, "resolvedDateTime") if resolved else None,
        model=_model(conditions, data, context),
        severity=_optional(essentials, "severity"),
        description=_optional(essentials, "description"),
        numbers=tuple(_number(each) for each in conditions[:NUMBERS_MAX]),
        links=tuple(_links(conditions))[:LINKS_MAX],
    )


def _condition(essentials: Mapping[str, object]) -> Condition:
    text = _text(essentials, "monitorCondition", ID_MAX)
    try:
        return Condition(text.lower())
    except ValueError:
        raise MalformedError(
            f"alert: monitorCondition is {text!r:.100}, not 'Fired' or 'Resolved'"
        ) from None


def _conditions(context: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """What was compared, of metric and of log alerts; other kinds of alerts say nothing here."""
    condition = context.get("condition")
    if condition is None:
        return
    for each in _list(_object(condition, "alertContext.condition").get("allOf"), "allOf"):
        yield _object(each, "alertContext.condition.allOf[]")


def _model(
    conditions: list[Mapping[str, object]],
    data: Mapping[str, object],
    context: Mapping[str, object],
) -> str:
    """By a dimension, else by a property of the rule; empty when neither says it."""
    for condition in conditions:
        for dimension in _list(condition.get("dimensions"), "dimensions"):
            pair = _object(dimension, "dimensions[]")
            if str(pair.get("name")).lower() in MODEL:
                return _text(pair, "value", ID_MAX)
    for place in (data.get("customProperties"), context.get("properties")):
        for name in sorted(MODEL & place.keys() if isinstance(place, Mapping) else ()):
            return _text(_object(place, "properties"), name, ID_MAX)
    return ""


def _number(condition: Mapping[str, object]) -> str:
    """What was measured and what it was compared with, in words; thresholds are texts."""
    what = condition.get("metricName") or condition.get("metricMeasureColumn") or "rows"
    value, threshold = condition.get("metricValue"), condition.get("threshold")
    operator, how = condition.get("operator"), condition.get("timeAggregation")
    dimensions = [
        f"{pair.get('name')} {pair.get('value')}"
        for pair in _list(condition.get("dimensions"), "dimensions")
        if isinstance(pair, Mapping)
    ]
    where = f" ({', '.join(dimensions)})" if dimensions else ""
    return f"{how} of {what}{where}: {value}, {operator} {threshold}"[:TEXT_MAX]


def _links(conditions: list[Mapping[str, object]]) -> Iterator[str]:
    for condition in conditions:
        link = condition.get("linkToFilteredSearchResultsUI")
        # Into an issue goes what is an address, and not what would end the link's brackets.
        if isinstance(link, str) and link.startswith("https://") and len(link) <= LINK_MAX:
            yield link.replace("(", "%28").replace(")", "%29").replace(" ", "%20")


def _instant(fields: Mapping[str, object], name: str) -> datetime:
    text = _text(fields, name, ID_MAX)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedError(f"alert: {name} is {text!r:.100}, no time as ISO 8601") from None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def _text(fields: Mapping[str, object], name: str, most: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise MalformedError(f"alert: {name} must be a text that is not empty, not {value!r:.100}")
    if len(value) > most:
        raise MalformedError(f"alert: {name} has {len(value)} characters, at most {most} are read")
    return value.strip()


def _optional(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise MalformedError(f"alert: {name} must be a text, not {value!r:.100}")
    return (value or "")[:TEXT_MAX]


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise MalformedError(f"alert: {name} must be an object, not {type(value).__name__}")
    return value


def _list(value: object, name: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedError(f"alert: {name} must be a list, not {type(value).__name__}")
    return value
