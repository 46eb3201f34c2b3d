"""A model folder as the training step writes it: trained here, by the step's own command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

TRAIN = Path(__file__).resolve().parents[2] / "training_components" / "train" / "run.py"
MAKERS = ["BOEING", "Bombardier é", "日本航空機", ""]
FEATURES = {"maker": "category", "year": "number", "gust": "number", "origin": "category"}
ORIGINS = ["EWR", "JFK", "LGA"]


def trained_folder(home: Path, rows: int = 3_000) -> Path:
    """The draft of a training on made-up flights, without what only the parity check needs."""
    spec = {
        "schema": 1,
        "model": "made-up",
        "task": "classification",
        "target": "late",
        "features": FEATURES,
        "training": {"max_iterations": 40, "min_samples_leaf": 20},
    }
    prepared = {"data_version": "ab12", "files": [], "trained": {}, "classes": [False, True]}
    home.mkdir(parents=True)
    for name, seed in (("train", 3), ("holdout", 4)):
        np.savez(home / f"{name}.npz", allow_pickle=False, **_columns(rows, seed))
    (home / "spec.json").write_text(json.dumps(spec))
    (home / "prepared.json").write_text(json.dumps(prepared))
    draft = home / "draft"
    command = [sys.executable, str(TRAIN), "--data", str(home), "--spec", str(home / "spec.json")]
    command += ["--job-name", "made-up-a1", "--draft", str(draft)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (draft / "parity.npz").unlink()
    return draft


def _columns(rows: int, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    year = random.integers(1950, 2014, rows).astype(np.float64)
    gust = random.exponential(12, rows)
    gust[random.random(rows) < 0.4] = np.nan
    maker, origin = random.choice(MAKERS, rows), random.choice(ORIGINS, rows)
    score = (year < 1980) + (origin == "EWR") + (maker == "日本航空機") + np.nan_to_num(gust) / 30
    late = (score + random.normal(0, 0.5, rows) > 1.2).astype(np.int64)
    columns = {"maker": maker, "year": year, "gust": gust, "origin": origin, "late": late}
    return {f"column:{name}": values for name, values in columns.items()}
