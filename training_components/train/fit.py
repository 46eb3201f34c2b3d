"""Fits gradient boosting on encoded columns."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

# Idle threads of the trees spin by default: on cores that something else needs too, training took
# four times as long. OpenMP reads this once, when the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

# Our names in [training], with their defaults, and what scikit-learn calls them.
PARAMETERS: dict[str, tuple[str, float]] = {
    "max_iterations": ("max_iter", 100),
    "learning_rate": ("learning_rate", 0.1),
    "max_leaf_nodes": ("max_leaf_nodes", 31),
    "min_samples_leaf": ("min_samples_leaf", 20),
    "l2_regularization": ("l2_regularization", 0.0),
    "max_bins": ("max_bins", 255),
    "seed": ("random_state", 0),
}


def names_of(spec: dict[str, Any], kind: str) -> list[str]:
    """The features of one kind, in the order of the specification."""
    return [name for name, its_kind in spec["features"].items() if its_kind == kind]


def features_of(columns: dict[str, Any], spec: dict[str, Any]) -> pd.DataFrame:
    """Numbers, then categories, as both the trained and the exported model see them.

    Numbers are rounded to float32 before training, since the exported model computes in float32: a
    threshold between two values that float32 cannot tell apart would flip rows.
    """
    frame = {name: columns[name].astype(np.float32) for name in names_of(spec, "number")}
    frame |= {name: columns[name].astype(object) for name in names_of(spec, "category")}
    return pd.DataFrame(frame)


def fit(features: pd.DataFrame, target: Any, spec: dict[str, Any]) -> Pipeline:
    """The trained pipeline: categories to ordinals, numbers as they are, then the trees.

    Categories are encoded in front of the trees because the trees' own categories are exported
    wrongly without a word. A category that was never seen becomes NaN, which the trees send the way
    of missing values.
    """
    numbers, categories = names_of(spec, "number"), names_of(spec, "category")
    unseen = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    # By position, not by name: the export has one input for all numbers and one for all categories.
    positions = list(range(len(numbers) + len(categories)))
    parts = [
        ("number", "passthrough", positions[: len(numbers)]),
        ("category", unseen, positions[len(numbers) :]),
    ]
    trees = (
        HistGradientBoostingClassifier
        if spec["task"] == "classification"
        else HistGradientBoostingRegressor
    )
    pipeline = Pipeline(
        [
            ("columns", ColumnTransformer([part for part in parts if part[2]])),
            ("trees", trees(early_stopping=False, **_parameters(spec["training"]))),
        ]
    )
    pipeline.fit(features, target)
    _round_thresholds_down(pipeline.named_steps["trees"])
    return pipeline


def _round_thresholds_down(trees: Any) -> None:
    """Gives every split the largest float32 below it, as the exported model keeps float32.

    No row changes sides by it. Rounded to the nearest instead, as the exporter does, a threshold
    halfway between 44.25 and 44.41 would become a 44.33 that was above it before.
    """
    for iteration in trees._predictors:
        for tree in iteration:
            exact = tree.nodes["num_threshold"]
            nearest = exact.astype(np.float32)
            below = np.nextafter(nearest, np.float32(-np.inf))
            tree.nodes["num_threshold"] = np.where(nearest > exact, below, nearest)


def answers(model: Pipeline, features: pd.DataFrame) -> Any:
    """Probabilities by class, or values as a single column."""
    if hasattr(model, "predict_proba"):
        return model.predict_proba(features)
    return model.predict(features).reshape(-1, 1)


def _parameters(training: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of the trees; an unknown parameter is refused by name."""
    unknown = sorted(set(training).difference(PARAMETERS))
    if unknown:
        raise ValueError(
            f"unknown in [training]: {', '.join(unknown)}; allowed: {', '.join(sorted(PARAMETERS))}"
        )
    return {theirs: training.get(ours, default) for ours, (theirs, default) in PARAMETERS.items()}
