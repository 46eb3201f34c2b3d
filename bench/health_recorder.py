"""What it costs the prediction proxy to count one answer.

    python bench/health_recorder.py

Prints microseconds for each call, and how many empty calls that is. Nothing is written down
meanwhile: writing happens once a bucket, beside an answer.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from shared.adapters.memory.health import MemoryHealthWindow
from shared.application.health_recorder import HealthRecorder

TARGET_MICROSECONDS = 5.0
BUCKET = timedelta(seconds=10)


def _empty(*_: object) -> bool:
    return False


def _microseconds(call: Callable[..., bool], times: int, now: datetime) -> float:
    began = perf_counter()
    for latency_ms in repeat(12.5, times):
        call("flights", "v2-e1", False, latency_ms, now)
    return (perf_counter() - began) / times * 1e6


def main() -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200_000, help="calls a round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    now = datetime.now(UTC)
    recorder = HealthRecorder(MemoryHealthWindow(), "p1", {"flights": BUCKET})
    rounds = [
        (
            _microseconds(recorder.note, options.times, now),
            _microseconds(_empty, options.times, now),
        )
        for _ in range(options.rounds)
    ]
    note, empty = (median(values) for values in zip(*rounds, strict=True))
    figures = {
        "what": "HealthRecorder.note",
        "microseconds": round(note, 3),
        "microseconds_best": round(min(value for value, _ in rounds), 3),
        "microseconds_empty_call": round(empty, 4),
        "times_an_empty_call": round(note / empty, 1),
        "target_microseconds": TARGET_MICROSECONDS,
        "within_target": note <= TARGET_MICROSECONDS,
        "calls": options.times * options.rounds,
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
