"""metrics.json as a value, read strictly: what is missing, extra or not finite is an error.

The published schema is training_components/metrics.schema.json. It is read here by hand, so that
the gate needs the standard library only and says which field is wrong.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import MalformedError

VERSION_DIGITS_MAX = 9
"""More are no version of ours, and in the end more than Python turns into a number."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A paired bootstrap interval of a difference; above zero the challenger is better."""

    mean: float
    low: float
    high: float
    confidence: float

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


@dataclass(frozen=True, slots=True)
class Scored:
    """A registered version's score on the same holdout."""

    version: int
    value: float


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of the holdout with one value in one column."""

    name: str
    rows: int
    difference: Interval | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What `evaluate` measured."""

    model: str
    job: str
    data_version: str
    metric: str
    higher_is_better: bool
    landed_rows: int
    trained_rows: int
    holdout_rows: int
    holdout_digest: str
    challenger: float
    baseline_name: str
    baseline: float
    champion: Scored | None
    anchor: Scored | None
    versus_baseline: Interval
    versus_champion: Interval | None
    versus_anchor: Interval | None
    slices: tuple[Slice, ...]
    parity_rows: int
    parity_difference: float
    parity_flipped: int
    latency_ms_p95: float
    sample_rows: int

    def gain(self, value: float, over: float) -> float:
        """How much better one value is than another, in the metric's direction."""
        return value - over if self.higher_is_better else over - value


def read_metrics(text: str | None) -> Metrics:
    """The metrics in the text.

    Raises MalformedError with the field's name: a number that is missing or not finite is never
    taken for zero.
    """
    if text is None:
        raise MalformedError("metrics.json is missing")
    try:
        # NaN and Infinity are no JSON, but Python would read them.
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"metrics.json cannot be read: {error}") from None
    metrics = _metrics(_Reader(data, ""))
    _check_pairs(metrics)
    return metrics


def _metrics(root: _Reader) -> Metrics:
    if root.integer("schema") != 1:
        raise MalformedError(f"metrics.json: schema {root.data['schema']} is not known")
    root.text("task")
    metric, holdout = root.child("metric"), root.child("holdout")
    holdout.ignore("from", "to")
    challenger, baseline = root.child("challenger"), root.child("baseline")
    parity, latency = root.child("parity"), root.child("latency")
    latency.integer("rows")
    latency.number("p50_ms")
    metrics = Metrics(
        model=root.text("model"),
        job=root.text("job_name"),
        data_version=root.text("data_version"),
        metric=metric.text("name"),
        higher_is_better=metric.flag("higher_is_better"),
        landed_rows=root.integer("landed_rows"),
        trained_rows=root.integer("trained_rows"),
        holdout_rows=holdout.integer("rows"),
        holdout_digest=holdout.text("digest"),
        challenger=challenger.number("value"),
        baseline_name=baseline.text("name"),
        baseline=baseline.number("value"),
        champion=_scored(root.optional("champion")),
        anchor=_scored(root.optional("anchor")),
        versus_baseline=_interval(root.child("versus_baseline")),
        versus_champion=_maybe_interval(root.optional("versus_champion")),
        versus_anchor=_maybe_interval(root.optional("versus_anchor")),
        slices=tuple(_slice(item) for item in root.children("slices")),
        parity_rows=parity.integer("rows"),
        parity_difference=parity.number("max_difference"),
        parity_flipped=parity.integer("flipped"),
        latency_ms_p95=latency.number("p95_ms"),
        sample_rows=root.integer("sample_rows"),
    )
    for reader in (root, metric, holdout, challenger, baseline, parity, latency):
        reader.done()
    return metrics


def _check_pairs(metrics: Metrics) -> None:
    pairs = (
        ("champion", metrics.champion, metrics.versus_champion),
        ("anchor", metrics.anchor, metrics.versus_anchor),
    )
    for name, scored, difference in pairs:
        if (scored is None) != (difference is None):
            raise MalformedError(f"metrics.json: {name} and versus_{name} must come together")


def _scored(reader: _Reader | None) -> Scored | None:
    if reader is None:
        return None
    version = reader.text("version")
    if not version.isdecimal() or len(version) > VERSION_DIGITS_MAX:
        raise MalformedError(f"metrics.json: {reader.path}version {version!r} is not a number")
    scored = Scored(int(version), reader.number("value"))
    reader.done()
    return scored


def _interval(reader: _Reader) -> Interval:
    reader.integer("samples")
    interval = Interval(
        reader.number("mean"),
        reader.number("low"),
        reader.number("high"),
        reader.number("confidence"),
    )
    reader.done()
    # A percentile interval of a skewed statistic need not hold its mean; its ends have an order.
    if interval.low > interval.high:
        name = reader.path.removesuffix(".")
        raise MalformedError(f"metrics.json: {name} has its ends the wrong way round")
    return interval


def _maybe_interval(reader: _Reader | None) -> Interval | None:
    return None if reader is None else _interval(reader)


def _slice(reader: _Reader) -> Slice:
    column, value = reader.text("column"), reader.take("value")
    reader.ignore("challenger", "champion")
    result = Slice(
        f"{column}={value}",
        reader.integer("rows"),
        _maybe_interval(reader.optional("difference")),
    )
    reader.done()
    return result


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number that can be compared")


class _Reader:
    """One object of the file; remembers what was read, so that the rest can be refused."""

    def __init__(self, data: Any, path: str) -> None:
        if not isinstance(data, dict):
            name = path.removesuffix(".") or "the file"
            raise MalformedError(f"metrics.json: {name} is not an object")
        self.data: dict[str, Any] = data
        self.path = path
        self._seen: set[str] = set()

    def take(self, key: str) -> Any:
        self._seen.add(key)
        if key not in self.data:
            raise MalformedError(f"metrics.json: {self.path}{key} is missing")
        return self.data[key]

    def ignore(self, *keys: str) -> None:
        for key in keys:
            self.take(key)

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not value:
            raise MalformedError(f"metrics.json: {self.path}{key} must be a text")
        return value

    def flag(self, key: str) -> bool:
        value = self.take(key)
        if not isinstance(value, bool):
            raise MalformedError(f"metrics.json: {self.path}{key} must be true or false")
        return value

    def integer(self, key: str) -> int:
        value = self.take(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise MalformedError(f"metrics.json: {self.path}{key} must be a count")
        return value

    def number(self, key: str) -> float:
        value = self.take(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise MalformedError(f"metrics.json: {self.path}{key} is not a number")
        try:
            figure = float(value)
        except OverflowError:
            figure = math.inf
        if not math.isfinite(figure):
            raise MalformedError(f"metrics.json: {self.path}{key} is not finite")
        return figure

    def child(self, key: str) -> _Reader:
        return _Reader(self.take(key), f"{self.path}{key}.")

    def optional(self, key: str) -> _Reader | None:
        return None if self.take(key) is None else self.child(key)

    def children(self, key: str) -> list[_Reader]:
        value = self.take(key)
        if not isinstance(value, list):
            raise MalformedError(f"metrics.json: {self.path}{key} must be a list")
        return [_Reader(item, f"{self.path}{key}[{at}].") for at, item in enumerate(value)]

    def done(self) -> None:
        extra = sorted(set(self.data) - self._seen)
        if extra:
            raise MalformedError(f"metrics.json: {self.path}{extra[0]} is not known")
