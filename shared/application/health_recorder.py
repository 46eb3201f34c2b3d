"""Counts what the proxy sees of each deployment, and now and then writes it down.

One row a process, deployment and bucket, with the counts up to now: writing it again replaces
it. Counting is a few additions; writing happens beside an answer, never before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock

from shared.domain.errors import NoonError
from shared.domain.health import Counts, HealthRow, bucket_of
from shared.ports import HealthWindow


class _Bucket:
    """What is counted in one bucket; changed in place, since it is touched by every request."""

    __slots__ = ("failures", "latencies", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.failures = 0
        self.latencies: list[int] = []
        """As long as the slowest answer needs."""

    def count(self, entry: int) -> None:
        """One more answer that took so long."""
        try:
            self.latencies[entry] += 1
        except IndexError:
            self.latencies += [0] * (entry - len(self.latencies)) + [1]

    def counts(self) -> Counts:
        """The same as a value."""
        return Counts(self.requests, self.failures, 0, tuple(self.latencies))


class _Counting:
    """What one process counts of one model."""

    __slots__ = ("buckets", "lock", "unwritten", "width", "written_at")

    def __init__(self, width: float) -> None:
        self.width = width
        """Of a bucket, in seconds."""
        self.buckets: dict[tuple[str, float], _Bucket] = {}
        """By deployment and begin."""
        self.unwritten = False
        """Something was counted that no write has seen."""
        self.written_at: float | None = None
        self.lock = Lock()


class HealthRecorder:
    """Counts by model, deployment and bucket, of one process."""

    def __init__(self, window: HealthWindow, process: str, widths: Mapping[str, timedelta]) -> None:
        self._window = window
        self._process = process
        self._models = {model: _Counting(width.total_seconds()) for model, width in widths.items()}

    def note(
        self, model: str, deployment: str, failed: bool, latency_ms: float, now: datetime
    ) -> bool:
        """Count one answer; True when it is time to write the model's counts down."""
        counting, instant = self._models[model], now.timestamp()
        width = counting.width
        key = (deployment, instant // width * width)
        with counting.lock:
            bucket = counting.buckets.get(key)
            if bucket is None:
                bucket = counting.buckets[key] = _Bucket()
            bucket.requests += 1
            if failed:
                bucket.failures += 1
            else:
                bucket.count(bucket_of(latency_ms))
            counting.unwritten = True
            if counting.written_at is None:
                counting.written_at = instant
            due = instant - counting.written_at >= width
            if due:
                counting.written_at = instant
            return due

    def seconds_left(self, model: str, now: datetime) -> float | None:
        """How long what was counted may still wait to be written; None when nothing waits.

        With 0 it is time, and the next bucket's wait begins, as with a `note` that says so.
        """
        counting, instant = self._models[model], now.timestamp()
        with counting.lock:
            if not counting.unwritten or counting.written_at is None:
                return None
            left = max(0.0, counting.written_at + counting.width - instant)
            if not left:
                counting.written_at = instant
            return left

    def write(self, model: str, now: datetime) -> str:
        """Write the model's counts down and forget finished buckets; gives what went wrong."""
        counting, instant = self._models[model], now.timestamp()
        with counting.lock:
            counting.unwritten = False
            mine = {key: bucket.counts() for key, bucket in counting.buckets.items()}
        rows = [
            HealthRow(deployment, self._process, datetime.fromtimestamp(start, UTC), counts)
            for (deployment, start), counts in mine.items()
        ]
        try:
            self._window.write(model, rows)
        except NoonError as error:
            # Kept and written again with the next flush: the counts only grow.
            with counting.lock:
                counting.unwritten = True
            return str(error)
        with counting.lock:
            for key in mine:
                if key[1] + 2 * counting.width <= instant:
                    del counting.buckets[key]
        return ""
