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


class HealthRecorder:
    """Counts by model, deployment and bucket, of one process."""

    def __init__(self, window: HealthWindow, process: str, widths: Mapping[str, timedelta]) -> None:
        self._window = window
        self._process = process
        self._widths = {model: width.total_seconds() for model, width in widths.items()}
        self._counting: dict[tuple[str, str, float], _Bucket] = {}
        self._written_at: dict[str, float] = {}
        self._unwritten: set[str] = set()
        """Models of which something was counted that no write has seen."""
        self._lock = Lock()

    def note(
        self, model: str, deployment: str, failed: bool, latency_ms: float, now: datetime
    ) -> bool:
        """Count one answer; True when it is time to write the model's counts down."""
        width, instant = self._widths[model], now.timestamp()
        key = (model, deployment, instant // width * width)
        with self._lock:
            bucket = self._counting.get(key)
            if bucket is None:
                bucket = self._counting[key] = _Bucket()
            bucket.requests += 1
            if failed:
                bucket.failures += 1
            else:
                bucket.count(bucket_of(latency_ms))
            self._unwritten.add(model)
            due = instant - self._written_at.setdefault(model, instant) >= width
            if due:
                self._written_at[model] = instant
            return due

    def seconds_left(self, model: str, now: datetime) -> float | None:
        """How long what was counted may still wait to be written; None when nothing waits.

        With 0 it is time, and the next bucket's wait begins, as with a `note` that says so.
        """
        width, instant = self._widths[model], now.timestamp()
        with self._lock:
            if model not in self._unwritten:
                return None
            left = max(0.0, self._written_at[model] + width - instant)
            if not left:
                self._written_at[model] = instant
            return left

    def write(self, model: str, now: datetime) -> str:
        """Write the model's counts down and forget finished buckets; gives what went wrong."""
        width, instant = self._widths[model], now.timestamp()
        with self._lock:
            self._unwritten.discard(model)
            mine = {key: b.counts() for key, b in self._counting.items() if key[0] == model}
        rows = [
            HealthRow(deployment, self._process, datetime.fromtimestamp(start, UTC), counts)
            for (_, deployment, start), counts in mine.items()
        ]
        try:
            self._window.write(model, rows)
        except NoonError as error:
            # Kept and written again with the next flush: the counts only grow.
            with self._lock:
                self._unwritten.add(model)
            return str(error)
        with self._lock:
            for key in mine:
                if key[2] + 2 * width <= instant:
                    del self._counting[key]
        return ""
