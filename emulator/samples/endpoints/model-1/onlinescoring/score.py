"""The scoring script: `init` once in each process, `run` for each request."""

import json
import os
from pathlib import Path

import numpy as np


def init() -> None:
    """Load the model, which lies below AZUREML_MODEL_DIR in a folder of its own name."""
    global model
    path = Path(os.environ["AZUREML_MODEL_DIR"]) / "model" / "model.json"
    model = json.loads(path.read_text())
    print("Init complete:", model["name"])


def run(raw_data: str) -> dict:
    """Give one figure for each row of `data`."""
    rows = np.array(json.loads(raw_data)["data"], dtype=float)
    values = rows @ np.array(model["coefficients"]) + model["intercept"]
    return {"model": model["name"], "values": values.tolist()}
