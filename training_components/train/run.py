"""Trains on the older days and exports the model as ONNX, beside the trained model's own answers.

The draft folder holds all that evaluate needs to judge the exported file without the training
library: nothing is ever pickled.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from export import TREES_FILE, export, export_trees
from fit import answers, features_of, fit
from folder import sample_rows, schema_of

PACKAGES = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")
# Training rows whose answers are compared beside the whole holdout: so many that one flip in
# 100,000 rows shows, and all of them when there are fewer.
PARITY_TRAINED_ROWS = 100_000


def columns_of(path: Path) -> dict[str, Any]:
    """The columns of one part of the prepared data."""
    with np.load(path, allow_pickle=False) as arrays:
        return {key.removeprefix("column:"): arrays[key] for key in arrays.files}


def parity_rows(features: Any, trained: Any, spec: dict[str, Any]) -> Any:
    """The rows on which the exported and the trained model must agree.

    All of the holdout, training rows at even steps, and three rows that real data may lack: nothing
    known at all, categories never seen, and both at once.
    """
    import pandas as pd

    step = max(1, len(trained) // PARITY_TRAINED_ROWS)
    blank = {
        name: np.float32(np.nan) if kind == "number" else ""
        for name, kind in spec["features"].items()
    }
    unseen = {name: "never seen" for name, kind in spec["features"].items() if kind == "category"}
    known = trained.iloc[0].to_dict()
    edges = pd.DataFrame([blank, {**known, **unseen}, {**blank, **unseen}])[features.columns]
    return pd.concat([features, trained.iloc[::step], edges.astype(features.dtypes)])


def save_answers(path: Path, model: Any, rows: Any, spec: dict[str, Any]) -> None:
    """Writes rows and the trained model's answers to them, for the parity check."""
    columns = {
        f"column:{name}": rows[name].to_numpy(dtype=np.float64 if kind == "number" else np.str_)
        for name, kind in spec["features"].items()
    }
    np.savez_compressed(path, allow_pickle=False, answers=answers(model, rows), **columns)


def main(arguments: list[str] | None = None) -> int:
    """Runs the step over the paths on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="what prepare wrote")
    parser.add_argument("--spec", type=Path, required=True, help="what to train")
    parser.add_argument("--job-name", required=True, help="the pipeline job, for the lineage")
    parser.add_argument("--code-commit", default="unknown", help="the commit, for the lineage")
    parser.add_argument("--draft", type=Path, required=True, help="output: the unjudged model")
    asked = parser.parse_args(arguments)
    spec = json.loads(asked.spec.read_text(encoding="utf-8"))
    prepared = json.loads((asked.data / "prepared.json").read_text(encoding="utf-8"))
    trained_columns = columns_of(asked.data / "train.npz")
    trained = features_of(trained_columns, spec)
    held = features_of(columns_of(asked.data / "holdout.npz"), spec)

    model = fit(trained, trained_columns[spec["target"]], spec)
    asked.draft.mkdir(parents=True, exist_ok=True)
    trees, trees_document = export_trees(model, spec)
    for name, graph in (("model.onnx", export(model, spec)), (TREES_FILE, trees)):
        (asked.draft / name).write_bytes(graph)
    save_answers(asked.draft / "parity.npz", model, parity_rows(held, trained, spec), spec)
    lineage = {
        "schema": 1,
        "model": spec["model"],
        **{name: prepared[name] for name in ("data_version", "files", "trained")},
        "code_commit": asked.code_commit,
        "job": asked.job_name,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
    documents = {
        "trees.json": trees_document,
        "schema.json": schema_of(trained, prepared["classes"], spec),
        "sample.json": {"rows": sample_rows(held, spec)},
        "lineage.json": lineage,
    }
    for name, document in documents.items():
        text = json.dumps(document, indent=1, allow_nan=False) + "\n"
        (asked.draft / name).write_text(text, encoding="utf-8")
    print(f"trained {spec['model']} on {len(trained)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
