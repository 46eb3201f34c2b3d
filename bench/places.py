"""Where the benchmarks keep what they make."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".noon" / "bench"
"""Environments, the model and the logs; may be deleted at any time."""

RESULTS = ROOT / ".noon" / "bench.json"
QUICK_RESULTS = ROOT / ".noon" / "bench-quick.json"
PEERS = ROOT / "bench" / "peers"
PAGE = ROOT / "docs" / "benchmarks.md"
CHART = ROOT / "docs" / "benchmarks.png"


class BenchError(Exception):
    """Why something cannot be measured here, in words for the reader of the table."""
