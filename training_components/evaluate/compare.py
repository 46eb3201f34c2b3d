"""Compares models on the same resamples of the same holdout: a paired bootstrap.

Rows are resampled one by one. Rows of one day have weather and events in common, so that the true
interval is somewhat wider than the one given here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from metrics import Metric

# Weights that are held at once, some 30 MB.
WEIGHTS_AT_ONCE = 4_000_000
# An interval over fewer resamples than this part (the others had only one class) says nothing.
DEFINED_MIN = 0.9
CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True)
class Holdout:
    """The rows to judge by; a classification's target is an index into classes."""

    columns: dict[str, Any]
    target: Any
    classes: list[Any] | None
    seed: int

    @classmethod
    def load(cls, data: Path, spec: dict[str, Any], prepared: dict[str, Any]) -> Holdout:
        """The holdout that prepare wrote; its digest seeds the resamples."""
        with np.load(data / "holdout.npz", allow_pickle=False) as arrays:
            columns = {key.removeprefix("column:"): arrays[key] for key in arrays.files}
        target = columns.pop(spec["target"])
        seed = int(prepared["holdout"]["digest"][:16], 16)
        return cls(columns, target, prepared["classes"], seed)

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference over all resamples; positive means that the challenger is better."""

    mean: float
    low: float
    high: float
    confidence: float
    samples: int


def interval_json(interval: Interval | None) -> dict[str, Any] | None:
    """The interval as metrics.json has it."""
    if interval is None:
        return None
    return {name: getattr(interval, name) for name in Interval.__slots__}


def figure(
    metric: Metric,
    holdout: Holdout,
    challenger: Any,
    against: dict[str, Any],
    settings: dict[str, Any],
    rows: Any = slice(None),
) -> tuple[dict[str, float | None], dict[str, Interval | None]]:
    """Each model's value on these rows, and the challenger's difference to each of the others."""
    truth = holdout.target[rows]
    models = {CHALLENGER: challenger} | against
    functions = {
        name: metric.on(truth, scores[rows])
        for name, scores in models.items()
        if scores is not None
    }
    whole = np.ones((1, len(truth)))
    values = {
        name: _finite(functions[name](whole)[0]) if name in functions else None for name in models
    }
    others = [name for name in against if name in functions]
    samples = int(settings["bootstrap_samples"]) if others else 0
    drawn: dict[str, list[Any]] = {name: [] for name in functions}
    for weights in _resamples(len(truth), samples, holdout.seed):
        for name, function in functions.items():
            drawn[name].append(function(weights))
    sign = 1 if metric.higher_is_better else -1
    differences: dict[str, Interval | None] = dict.fromkeys(against)
    for name in others if samples else ():
        difference = np.concatenate(drawn[CHALLENGER]) - np.concatenate(drawn[name])
        differences[name] = _interval(sign * difference, float(settings["confidence"]))
    return values, differences


def slices(
    metric: Metric,
    holdout: Holdout,
    challenger: Any,
    champion: Any,
    names: list[str],
    settings: dict[str, Any],
) -> list[dict[str, Any]]:
    """Values by each value of each column; differences where a slice has enough rows."""
    found = []
    for name in names:
        if holdout.columns[name].dtype.kind != "U":
            raise ValueError(f"slices are by category, and {name!r} is a number")
        for value in np.unique(holdout.columns[name]).tolist():
            rows = np.flatnonzero(holdout.columns[name] == value)
            enough = len(rows) >= int(settings["slice_rows_min"])
            quick = settings if enough else {**settings, "bootstrap_samples": 0}
            values, differences = figure(
                metric, holdout, challenger, {"champion": champion}, quick, rows
            )
            found.append(
                {
                    "column": name,
                    "value": value,
                    "rows": len(rows),
                    "challenger": values[CHALLENGER],
                    "champion": values["champion"],
                    "difference": interval_json(differences["champion"]),
                }
            )
    return found


def _resamples(rows: int, samples: int, seed: int) -> Iterator[Any]:
    """How often each row is drawn in each resample, in blocks; the same seed, the same draws."""
    random = np.random.default_rng(seed)
    block = max(1, WEIGHTS_AT_ONCE // rows)
    for start in range(0, samples, block):
        count = min(block, samples - start)
        picks = random.integers(0, rows, size=(count, rows))
        picks += np.arange(count)[:, None] * rows
        drawn = np.bincount(picks.ravel(), minlength=count * rows)
        yield drawn.reshape(count, rows).astype(np.float64)


def _interval(differences: Any, confidence: float) -> Interval | None:
    """The percentile interval, or None when too few resamples have a difference."""
    defined = differences[np.isfinite(differences)]
    if len(defined) < DEFINED_MIN * len(differences):
        return None
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(defined.mean()), float(low), float(high), confidence, len(defined))


def _finite(value: Any) -> float | None:
    """The value as JSON can hold it."""
    return float(value) if np.isfinite(value) else None
