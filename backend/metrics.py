"""`/metrics`: the counts in Prometheus' text format, written by its own client library.

Imported when somebody asks for the first time: many services are never asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, ProcessCollector, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector, CollectorRegistry

from backend.counting import BOUNDS_SECONDS
from backend.models import Models

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics(Collector):
    """Renders what the models have counted, beside memory and processor time of the process."""

    def __init__(self, models: Callable[[], Iterable[Models]]) -> None:
        self._models = models
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def rendered(self) -> bytes:
        """The exposition as it is now."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing beforehand: the names do not depend on the counts."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families, with the model's name on every sample."""
        answers = CounterMetricFamily(
            "scoring_requests", "Answers by status", labels=["model", "status"]
        )
        rows = CounterMetricFamily("scoring_rows", "Rows answered", labels=["model"])
        seconds = HistogramMetricFamily(
            "scoring_request_seconds",
            "From the head of a request to the end of its answer",
            labels=["model"],
        )
        ready = GaugeMetricFamily("scoring_ready", "Whether callers are answered", labels=["model"])
        for models in self._models():
            name, counts = models.name, models.counts
            ready.add_metric([name], float(models.champion is not None))
            for status, count in sorted(counts.answers.items()):
                answers.add_metric([name, str(status)], count)
            rows.add_metric([name], counts.rows)
            bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
            buckets = list(zip(bounds, accumulate(counts.buckets), strict=True))
            seconds.add_metric([name], buckets, counts.seconds)
        yield from (answers, rows, seconds, ready)
