"""A scoring script that does what it is asked to."""

import json
import os
import sys
from pathlib import Path

import beside


def init() -> None:
    """Fail when the deployment says so."""
    if os.environ.get("FAIL_INIT"):
        raise RuntimeError("init was told to fail")
    print("init was called")


def run(raw: str) -> dict:
    """Answer with what this process sees, or raise."""
    asked = json.loads(raw)
    if asked.get("exit"):
        os._exit(9)
    if asked.get("raise"):
        raise ValueError("run was told to fail")
    return {
        "beside": beside.WORD,
        "cwd": Path.cwd().name,
        "root": Path(os.environ["AML_APP_ROOT"]).name,
        "label": os.environ.get("LABEL"),
        "model": [path.name for path in Path(os.environ["AZUREML_MODEL_DIR"]).rglob("*.txt")],
        "pid": os.getpid(),
        "packages": sys.modules["azureml_inference_server_http"].__version__,
    }
