"""Tries a model before anybody is answered by it."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.answers import ModelAnswerError
from backend.graph import WholeGraph
from backend.model_folder import Feature, ModelFolderError, ModelSchema
from backend.problems import Problem
from backend.rows import FLOAT32_MAX, RowReader
from backend.trees import DESCRIPTION, TreesAlone

TIE = 1e-5
"""Shares this close are equal, as far as 32-bit floating point numbers can tell."""

_NUMBERS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1.5e-39, -1e-45, FLOAT32_MAX, -FLOAT32_MAX, None)
_UNSEEN = "\u2708 never seen"


def refuse_other_labels(schema: ModelSchema, predictions: list[dict[str, Any]]) -> None:
    """Raise ModelAnswerError when a label is not the likeliest class."""
    # A graph whose labels mean something else than ours would answer, and answer wrongly.
    key_by_class = dict(zip(schema.classes or [], schema.class_keys(), strict=True))
    for prediction in predictions:
        shares = prediction["probabilities"]
        if shares[key_by_class[prediction["label"]]] < max(shares.values()) - TIE:
            raise ModelAnswerError(f"label {prediction['label']!r} is not the likeliest: {shares}")


def refuse_other_trees(
    trees: TreesAlone, whole: WholeGraph, schema: ModelSchema, reader: RowReader
) -> None:
    """Raise ModelFolderError unless the trees alone answer as the whole graph does, to the bit."""
    rows = reader.check(_probing_rows(schema))
    if isinstance(rows, Problem):
        raise ModelFolderError("schema.json: an example is not of its feature's kind")
    outputs = [graph.run([graph.encode(rows)]) for graph in (trees, whole)]
    for mine, theirs in zip(*outputs, strict=True):
        same = mine.shape == theirs.shape and (mine == theirs) | (
            (mine != mine) & (theirs != theirs)
        )
        if not np.all(same):
            raise ModelFolderError(f"{DESCRIPTION}: its graph answers otherwise than model.onnx")


def _probing_rows(schema: ModelSchema) -> list[dict[str, Any]]:
    """Rows that reach every code, the unseen, the missing, and the ends of every number."""
    usual = {feature.name: feature.example for feature in schema.features}
    rows: list[dict[str, Any]] = [usual, dict.fromkeys(usual)]
    for feature in schema.features:
        for value in _values(feature):
            rows.append({**usual, feature.name: value})
            rows.append({**dict.fromkeys(usual), feature.name: value})
    return rows


def _values(feature: Feature) -> list[Any]:
    if feature.kind == "category":
        return [*(feature.categories or []), "", None, _UNSEEN]
    return [*_NUMBERS, feature.minimum, feature.maximum]
