"""What is counted of each model's requests: plain numbers, so that counting costs nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

BOUNDS_SECONDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
)
"""Upper bounds of the latency histogram; one more bucket holds what took longer."""


@dataclass(slots=True)
class Counts:
    """Cumulative counts; only the event loop's thread writes them."""

    answers: Counter[int] = field(default_factory=Counter)
    """By status."""
    rows: int = 0
    """Of answered requests."""
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_SECONDS) + 1))

    def add(self, status: int, rows: int, seconds: float) -> None:
        """Count one answer."""
        self.answers[status] += 1
        self.rows += rows
        self.seconds += seconds
        self.buckets[bisect_left(BOUNDS_SECONDS, seconds)] += 1
