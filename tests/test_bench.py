"""Benchmarks run; how fast things are is for people to read, not for a test to say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1] / "bench"


def test_health_recorder_prints_its_figures(tmp_path: Path) -> None:
    """The cost of counting an answer is measured by one command, from any folder."""
    command = [sys.executable, str(BENCH / "health_recorder.py"), "--times", "50", "--rounds", "3"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    figures = json.loads(shown.stdout)
    assert figures["calls"] == 150
    assert figures["microseconds"] >= figures["microseconds_best"] > 0
    assert figures["times_an_empty_call"] > 1
