"""Saves the pipeline as MLflow's own scikit-learn flavour."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import joblib
import mlflow.sklearn

pipeline = joblib.load(Path(os.environ["BENCH_MODEL"]) / "pipeline.joblib")
mlflow.sklearn.save_model(
    pipeline,
    sys.argv[1],
    pyfunc_predict_fn="predict_proba",
    serialization_format="cloudpickle",
    pip_requirements=["scikit-learn"],
)
