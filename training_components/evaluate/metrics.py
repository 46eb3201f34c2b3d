"""Metrics of many weighted resamples at once, so that a bootstrap takes seconds.

A resample is a vector of how often each row was drawn; each function takes the truth, the scores
and a matrix of such weights (resamples x rows) and gives one value per resample, NaN where it is
not defined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

# A probability of exactly 0 or 1 would make one wrong answer infinitely bad.
PROBABILITY_MIN = 1e-15


@dataclass(frozen=True, slots=True)
class Metric:
    """A way to judge scores; prepared does once per model what does not depend on the weights."""

    name: str
    task: str
    higher_is_better: bool
    prepare: Callable[[Any, Any], Callable[[Any], Any]]

    def on(self, truth: Any, scores: Any) -> Callable[[Any], Any]:
        """The metric of these scores as a function of the weights."""
        return self.prepare(truth, scores)


def _roc_auc(truth: Any, scores: Any) -> Callable[[Any], Any]:
    """Area under the ROC curve for two classes; equal scores count half."""
    if scores.shape[1] != 2:
        raise ValueError("roc_auc needs two classes: choose accuracy or log_loss")
    order = np.argsort(scores[:, 1], kind="stable")
    ranked = scores[order, 1]
    # Rows of equal score form one group; groups begin where the score changes.
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    positive = truth[order] == 1

    def value(weights: Any) -> Any:
        ordered = weights[:, order]
        positives = np.add.reduceat(ordered * positive, starts, axis=1)
        negatives = np.add.reduceat(ordered * ~positive, starts, axis=1)
        below = np.cumsum(negatives, axis=1) - negatives / 2
        pairs = positives.sum(axis=1) * negatives.sum(axis=1)
        with np.errstate(invalid="ignore"):
            return (positives * below).sum(axis=1) / np.where(pairs > 0, pairs, np.nan)

    return value


def _mean(per_row: Any) -> Callable[[Any], Any]:
    """The weighted mean of a value per row."""
    return lambda weights: weights @ per_row / weights.sum(axis=1)


def _accuracy(truth: Any, scores: Any) -> Callable[[Any], Any]:
    return _mean((scores.argmax(axis=1) == truth).astype(np.float64))


def _log_loss(truth: Any, scores: Any) -> Callable[[Any], Any]:
    given = scores[np.arange(len(truth)), truth]
    return _mean(-np.log(np.clip(given, PROBABILITY_MIN, 1)))


def _absolute_error(truth: Any, scores: Any) -> Callable[[Any], Any]:
    return _mean(np.abs(scores[:, 0] - truth))


def _root_squared_error(truth: Any, scores: Any) -> Callable[[Any], Any]:
    mean = _mean((scores[:, 0] - truth) ** 2)
    return lambda weights: np.sqrt(mean(weights))


def _negated(prepare: Callable[[Any, Any], Callable[[Any], Any]]) -> Any:
    """A metric of which less is better, turned round."""

    def turned(truth: Any, scores: Any) -> Callable[[Any], Any]:
        value = prepare(truth, scores)
        return lambda weights: -value(weights)

    return turned


_CLASSIFICATION, _REGRESSION = "classification", "regression"
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", _CLASSIFICATION, True, _roc_auc),
        Metric("accuracy", _CLASSIFICATION, True, _accuracy),
        Metric("log_loss", _CLASSIFICATION, False, _log_loss),
        Metric("neg_log_loss", _CLASSIFICATION, True, _negated(_log_loss)),
        Metric("mean_absolute_error", _REGRESSION, False, _absolute_error),
        Metric("neg_mean_absolute_error", _REGRESSION, True, _negated(_absolute_error)),
        Metric("root_mean_squared_error", _REGRESSION, False, _root_squared_error),
        Metric("neg_root_mean_squared_error", _REGRESSION, True, _negated(_root_squared_error)),
    )
}
