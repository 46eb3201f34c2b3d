"""Describes the model for those that serve it: schema.json and sample.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 20


def schema_of(
    trained: pd.DataFrame, classes: list[Any] | None, spec: dict[str, Any]
) -> dict[str, Any]:
    """The columns with the range or the categories that the model was trained on."""
    kinds = spec["features"]
    return {
        "schema": 1,
        "model": spec["model"],
        "task": spec["task"],
        "target": spec["target"],
        "classes": classes,
        "features": [
            _number(trained[name]) if kind == "number" else _category(trained[name])
            for name, kind in kinds.items()
        ],
        "inputs": {
            kind: kind if kind in kinds.values() else None for kind in ("number", "category")
        },
    }


def sample_rows(held: pd.DataFrame, spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the holdout at even steps, as a caller would send them, null for missing."""
    picked = np.unique(np.linspace(0, len(held) - 1, SAMPLE_ROWS).astype(int))
    return [
        {name: _scalar(row[name]) for name in spec["features"]}
        for row in held.iloc[picked].to_dict("records")
    ]


def _number(column: pd.Series[Any]) -> dict[str, Any]:
    """A number with the range seen and the median as an example, null when it never had a value."""
    known = column.dropna()
    figures = [known.min(), known.max(), known.median()] if len(known) else [None] * 3
    keys = ("minimum", "maximum", "example")
    described = dict(zip(keys, map(_scalar, figures), strict=True))
    return {"name": column.name, "kind": "number", **described}


def _category(column: pd.Series[Any]) -> dict[str, Any]:
    """A category with the values seen and the most frequent one as an example."""
    known = column[column != ""]
    values = sorted(known.unique().tolist())
    # value_counts leaves the order of equally frequent values open: the first by name counts.
    counts = known.value_counts()
    example = min(counts[counts == counts.max()].index) if values else None
    return {"name": column.name, "kind": "category", "categories": values, "example": example}


def _scalar(value: Any) -> Any:
    """A JSON scalar: the shortest number that float32 rounds to the same, null for missing."""
    if value is None or isinstance(value, str):
        return value or None
    return None if np.isnan(value) else float(str(np.float32(value)))
