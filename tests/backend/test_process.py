"""The scoring service as a real process behind a real socket."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure_emulator.testing import LocalProcess, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
FLIGHT = {"distance": 1089, "hour": 17, "origin": "JFK"}


def ready(url: str) -> bool:
    """Whether the service says that its model is loaded."""
    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def environment(**values: str) -> dict[str, str]:
    """The environment of a process that finds our packages."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **values}


@pytest.fixture(scope="module", params=[["backend"], ["uvicorn", "backend.app:app"]], ids=" ".join)
def scoring_url(
    request: pytest.FixtureRequest, backend_models: dict[str, Path], tmp_path_factory: Any
) -> Iterator[str]:
    """The address of a service process, started in both ways that we promise."""
    port = free_port()
    process = LocalProcess(
        [sys.executable, "-m", *request.param, "--host", "127.0.0.1", "--port", str(port)],
        tmp_path_factory.mktemp("service") / "log",
        environment(AZUREML_MODEL_DIR=str(backend_models["late"])),
    )
    url = f"http://127.0.0.1:{port}"
    try:
        process.wait_ready(lambda: ready(url))
        yield url
    finally:
        process.close()


def test_a_process_answers_many_callers_at_once(scoring_url: str) -> None:
    """Small and large batches, good and bad, side by side over kept connections."""
    batches = [[FLIGHT], [FLIGHT] * 5000, [{**FLIGHT, "hour": "x"}], []] * 8
    with httpx.Client(base_url=scoring_url, timeout=30) as client, ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda rows: client.post("/score", json={"rows": rows}).status_code, batches)
        )
    assert answers == [200, 200, 422, 422] * 8


def test_a_body_of_ten_megabytes_is_refused_and_its_sender_hears_it(scoring_url: str) -> None:
    """The refusal arrives as an answer, not as a broken connection."""
    response = httpx.post(f"{scoring_url}/score", content=b"[" + b" " * 10_000_000, timeout=30)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


def test_a_body_without_length_or_end_is_cut(scoring_url: str) -> None:
    """A sender that never stops is stopped, and the service goes on."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 1_000_000

    # Whether its sender still hears the 413 depends on what it does after the answer.
    with contextlib.suppress(httpx.TransportError):
        assert httpx.post(f"{scoring_url}/score", content=endless(), timeout=30).status_code == 413
    assert sent < 100
    assert ready(scoring_url)


def test_a_process_without_a_model_lives_and_says_why(tmp_path: Path) -> None:
    """A wrong mount shows in the readiness, and the process ends when it is told to."""
    port = free_port()
    process = LocalProcess(
        [sys.executable, "-m", "backend", "--port", str(port)],
        tmp_path / "log",
        environment(AZUREML_MODEL_DIR=str(tmp_path / "absent")),
    )
    try:
        url = f"http://127.0.0.1:{port}"
        process.wait_ready(lambda: lives(url))
        answer = wait_until(lambda: reason_other_than_loading(url), what="the reason")
        assert "is not a folder" in answer
    finally:
        process.close()


def lives(url: str) -> bool:
    """Whether the process answers at all."""
    try:
        return httpx.get(f"{url}/health/live").json() == {"status": "live"}
    except httpx.TransportError:
        return False


def reason_other_than_loading(url: str) -> str:
    """Why the service is not ready, once loading has ended."""
    reason: str = httpx.get(f"{url}/health/ready").json()["detail"]
    return "" if "being loaded" in reason else reason


def test_the_service_imports_neither_the_trainers_libraries_nor_ours() -> None:
    """What serves a model needs neither pandas nor scikit-learn nor the control plane."""
    code = "import json, sys, backend.app; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], env=environment(), check=True, capture_output=True, text=True
    ).stdout
    roots = {name.partition(".")[0] for name in json.loads(output)}
    assert "onnxruntime" in roots
    assert not roots & {"pandas", "sklearn", "onnx", "azure", "shared", "noon", "function_app"}


def test_a_wrong_setting_stops_the_start() -> None:
    """A typo in a limit does not become a default."""
    result = subprocess.run(
        [sys.executable, "-m", "backend", "--port", str(free_port())],
        env=environment(SCORING_ROWS_MAX="many"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "SCORING_ROWS_MAX must be a whole number above zero, not 'many'" in result.stderr
