"""The model inside a peer: rows in, probabilities out; the same for every server."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Engine = Callable[[list[dict[str, Any]]], list[list[float]]]


def load_engine() -> Engine:
    """What BENCH_ENGINE names, over the model below BENCH_MODEL."""
    folder = Path(os.environ["BENCH_MODEL"])
    return _onnxruntime(folder) if os.environ["BENCH_ENGINE"] == "onnxruntime" else _sklearn(folder)


def _sklearn(folder: Path) -> Engine:
    """The pipeline as it was trained, over a table made of the rows."""
    import joblib
    import pandas as pd

    pipeline = joblib.load(folder / "pipeline.joblib")

    def score(rows: list[dict[str, Any]]) -> list[list[float]]:
        answers: list[list[float]] = pipeline.predict_proba(pd.DataFrame(rows)).tolist()
        return answers

    return score


def _onnxruntime(folder: Path) -> Engine:
    """The exported file, with the threads that suit it best on one busy core."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        folder / "model" / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    features = json.loads((folder / "model" / "schema.json").read_text())["features"]
    names = {
        kind: [feature["name"] for feature in features if feature["kind"] == kind]
        for kind in ("number", "category")
    }

    def score(rows: list[dict[str, Any]]) -> list[list[float]]:
        numbers = np.array([[row[name] for name in names["number"]] for row in rows], np.float32)
        texts = np.array([[row[name] for name in names["category"]] for row in rows], object)
        feeds = {"number": numbers, "category": texts}
        answers: list[list[float]] = session.run(["probabilities"], feeds)[0].tolist()
        return answers

    return score
