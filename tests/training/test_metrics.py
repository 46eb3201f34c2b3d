"""The metrics and the bootstrap beside scikit-learn's metrics on the same numbers."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tests.training.steps import COMPONENTS

SETTINGS = {"bootstrap_samples": 400, "confidence": 0.95}


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(
        f"evaluate_{name}", COMPONENTS / "evaluate" / f"{name}.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


METRICS: dict[str, Any] = _load("metrics").METRICS
compare: Any = _load("compare")


def _classified(rows: int, seed: int) -> tuple[Any, Any]:
    """Classes, and probabilities that know something of them, with many equal values."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, rows)
    chance = np.clip(np.round(0.3 * truth + 0.7 * random.random(rows), 2), 0.01, 0.99)
    return truth, np.column_stack([1 - chance, chance])


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("roc_auc", lambda y, p, w: sklearn_metrics.roc_auc_score(y, p[:, 1], sample_weight=w)),
        (
            "accuracy",
            lambda y, p, w: sklearn_metrics.accuracy_score(y, p.argmax(axis=1), sample_weight=w),
        ),
        ("log_loss", lambda y, p, w: sklearn_metrics.log_loss(y, p, sample_weight=w)),
        ("neg_log_loss", lambda y, p, w: -sklearn_metrics.log_loss(y, p, sample_weight=w)),
    ],
)
def test_classification_metrics_are_the_usual_ones(
    name: str, theirs: Callable[[Any, Any, Any], float]
) -> None:
    """Weighted by how often a row was drawn, ours is scikit-learn's, ties included."""
    truth, scores = _classified(400, seed=1)
    weights = np.random.default_rng(2).integers(0, 4, (5, 400)).astype(float)
    ours = METRICS[name].on(truth, scores)(weights)
    assert ours == pytest.approx([theirs(truth, scores, row) for row in weights])


@pytest.mark.parametrize("sign", ["", "neg_"])
@pytest.mark.parametrize("name", ["mean_absolute_error", "root_mean_squared_error"])
def test_regression_metrics_are_the_usual_ones(name: str, sign: str) -> None:
    """Both errors are scikit-learn's, and their negation turns the sign and the direction."""
    random = np.random.default_rng(3)
    truth, scores = random.normal(size=300), random.normal(size=(300, 1))
    weights = random.integers(0, 3, (4, 300)).astype(float)
    theirs = getattr(sklearn_metrics, name)
    expected = [theirs(truth, scores[:, 0], sample_weight=row) for row in weights]
    metric = METRICS[sign + name]
    assert metric.higher_is_better is bool(sign)
    assert metric.on(truth, scores)(weights) == pytest.approx(
        [-value if sign else value for value in expected]
    )


def _compared(
    metric: str, truth: Any, scores: Any, other: Any, seed: int = 7
) -> tuple[dict[str, float | None], Any]:
    classes = [False, True] if scores.shape[1] == 2 else None
    holdout = compare.Holdout({}, truth, classes, seed)
    against = {"champion": other}
    values, differences = compare.figure(METRICS[metric], holdout, scores, against, SETTINGS)
    return values, differences["champion"]


@pytest.mark.parametrize("metric", ["mean_absolute_error", "neg_mean_absolute_error"])
def test_a_positive_difference_is_a_better_challenger(metric: str) -> None:
    """Whatever the metric's direction, positive means that the challenger is better."""
    random = np.random.default_rng(4)
    truth = random.normal(size=500)
    good = (truth + random.normal(scale=0.1, size=500)).reshape(-1, 1)
    bad = (truth + random.normal(scale=1.0, size=500)).reshape(-1, 1)
    assert _compared(metric, truth, good, bad)[1].low > 0.5
    assert _compared(metric, truth, bad, good)[1].high < -0.5


def test_the_interval_covers_the_true_difference() -> None:
    """Over many holdouts the 95 % interval holds the true difference about that often."""
    random = np.random.default_rng(5)
    held = 0
    for seed in range(120):
        truth = random.normal(size=200)
        first = (truth + random.normal(scale=0.5, size=200)).reshape(-1, 1)
        second = (truth + random.normal(scale=0.6, size=200)).reshape(-1, 1)
        _, interval = _compared("mean_absolute_error", truth, first, second, seed)
        true = (0.6 - 0.5) * np.sqrt(2 / np.pi)  # the mean of |N(0, s)| is s * sqrt(2 / pi)
        held += interval.low <= true <= interval.high
    assert 0.88 <= held / 120 <= 1


def test_resamples_depend_on_the_seed_alone() -> None:
    """The same holdout is resampled alike in every job, another one differently."""
    truth, scores = _classified(300, seed=6)
    other = _classified(300, seed=8)[1]
    first = _compared("roc_auc", truth, scores, other, seed=1)
    assert _compared("roc_auc", truth, scores, other, seed=1) == first
    assert _compared("roc_auc", truth, scores, other, seed=2) != first


def test_a_holdout_of_one_class_has_no_figures() -> None:
    """Where a metric is not defined there is null, not zero and not an interval of what is left."""
    scores = _classified(50, seed=9)[1]
    values, interval = _compared("roc_auc", np.zeros(50, dtype=int), scores, scores)
    assert values == {"challenger": None, "champion": None}
    assert interval is None
    rare = np.zeros(50, dtype=int)
    rare[0] = 1  # a third of the resamples miss the only row of its class
    values, interval = _compared("roc_auc", rare, scores, scores)
    assert values["challenger"] is not None
    assert interval is None


def test_a_large_holdout_is_resampled_in_seconds() -> None:
    """30,000 rows, 500 resamples, three models: well below the time that training takes."""
    truth, scores = _classified(30_000, seed=10)
    holdout = compare.Holdout({}, truth, [False, True], 11)
    against = {name: _classified(30_000, seed=12)[1] for name in ("champion", "anchor")}
    settings = {"bootstrap_samples": 500, "confidence": 0.95}
    before = time.process_time()
    compare.figure(METRICS["roc_auc"], holdout, scores, against, settings)
    assert time.process_time() - before < 10
