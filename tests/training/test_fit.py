"""What the exported model keeps of the trained one's splits."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from tests.training.steps import COMPONENTS

SPEC: dict[str, Any] = {
    "task": "classification",
    "features": {"humidity": "number"},
    "training": {"min_samples_leaf": 1},
}


@pytest.fixture(scope="module")
def fit_module() -> Any:
    """The module of the train step that fits."""
    spec = importlib.util.spec_from_file_location("train_fit", COMPONENTS / "train" / "fit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_threshold_is_a_float32(fit_module: Any) -> None:
    """The exporter rounds thresholds to float32, so there must be nothing left to round."""
    values = np.round(np.random.default_rng(12).uniform(0, 100, 400), 2)
    features = fit_module.features_of({"humidity": values}, SPEC)
    model = fit_module.fit(features, (values > 50).astype(int), SPEC)
    thresholds = np.concatenate(
        [tree.nodes["num_threshold"] for [tree] in model.named_steps["trees"]._predictors]
    )
    assert len(np.unique(thresholds)) > 1
    assert np.array_equal(thresholds, thresholds.astype(np.float32))


def test_a_value_halfway_between_two_trained_ones_keeps_its_side(fit_module: Any) -> None:
    """44.33 as float32 lies above the middle of 44.25 and 44.41: it goes with 44.41."""
    values = np.repeat([44.25, 44.41], 50)
    features = fit_module.features_of({"humidity": values}, SPEC)
    model = fit_module.fit(features, (values > 44.3).astype(int), SPEC)
    asked = fit_module.features_of({"humidity": np.array([44.25, 44.33, 44.41])}, SPEC)
    low, middle, high = fit_module.answers(model, asked)[:, 1]
    assert low < middle == high
