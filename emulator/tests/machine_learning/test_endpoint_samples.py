"""The samples of online endpoints, run as people run them: unmodified, each in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure_emulator.testing import Emulator

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "endpoints"


@pytest.fixture
def run_sample(
    ml_emulator: Emulator, record_property: Callable[[str, object], None]
) -> Callable[[str, str], str]:
    """Runs a sample with the name by which it is known; gives what it printed."""

    def run(sample: str, name: str) -> str:
        started = time.perf_counter()
        command = [sys.executable, str(SAMPLES / sample), ml_emulator.subscription]
        command += [ml_emulator.resource_group, ml_emulator.workspace]
        environment = {**os.environ, **ml_emulator.environment}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        record_property("sample", name)
        record_property("seconds", round(time.perf_counter() - started, 2))
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    return run


def test_a_managed_endpoint_with_a_scoring_script(run_sample: Callable[[str, str], str]) -> None:
    """Endpoint, inline model and environment, `score.py`, traffic, invoke, logs, deletion."""
    printed = run_sample("managed_online_endpoint.py", "managed online endpoint with score.py")
    assert '{"model": "model 1", "values": [1.0, 1.0]}' in printed
    assert "Init complete: model 1" in printed


def test_a_safe_rollout(run_sample: Callable[[str, str], str]) -> None:
    """Two versions in a curated environment: header, mirror, a tenth, all; then blue goes."""
    printed = run_sample("safe_rollout.py", "safe rollout, blue and green")
    assert "blue alone {'model 1': 5}" in printed
    assert "green asked directly {'model 2': 1}" in printed
    assert "green mirrored {'model 1': 5}" in printed
    assert "a tenth {'model 1': " in printed
    assert "green alone {'model 2': 5}" in printed


def test_a_container_of_ones_own(run_sample: Callable[[str, str], str]) -> None:
    """Probes and routes of the environment; the scoring URI follows; a token of Azure ML."""
    printed = run_sample("custom_container.py", "bring your own container")
    assert printed.splitlines()[0].endswith("/inference/sample-container/v1/predict")
    assert '{"values": [1.0, 1.0]}' in printed
