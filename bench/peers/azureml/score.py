"""The entry script that azureml-inference-server-http asks for."""

from __future__ import annotations

import json
from typing import Any

from engines import Engine, load_engine

_engine: Engine


def init() -> None:
    """Load the model once, as the server calls it at its start."""
    global _engine
    _engine = load_engine()


def run(raw_data: str) -> Any:
    """Answer one request."""
    return {"predictions": _engine(json.loads(raw_data)["rows"])}
