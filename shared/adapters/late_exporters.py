"""Azure's exporters, imported and made when there is something to send, by who sends it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Generic, TypeVar

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import Counter, Histogram
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

T = TypeVar("T")
DELTA: dict[type, AggregationTemporality] = {
    # What the exporter asks for; here, since it is not imported yet when the meters are made.
    Counter: AggregationTemporality.DELTA,
    Histogram: AggregationTemporality.DELTA,
}


class _Late(Generic[T]):
    """Something that is made at its first use; whoever only ends never makes it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self.made: T | None = None

    def get(self) -> T:
        with self._lock:
            if self.made is None:
                self.made = self._make()
            return self.made


class LateSpanExporter(SpanExporter):
    """Spans to Application Insights."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._late = _Late(lambda: _exporters().AzureMonitorTraceExporter(**options))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them."""
        result: SpanExportResult = self._late.get().export(spans)
        return result

    def shutdown(self) -> None:
        """End."""
        if self._late.made is not None:
            self._late.made.shutdown()


class LateLogExporter(LogRecordExporter):
    """Log lines to Application Insights."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._late = _Late(lambda: _exporters().AzureMonitorLogExporter(**options))

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send them."""
        result: LogRecordExportResult = self._late.get().export(batch)
        return result

    def shutdown(self) -> None:
        """End."""
        if self._late.made is not None:
            self._late.made.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Nothing waits here."""
        return True


class LateMetricExporter(MetricExporter):
    """Values to Application Insights."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(preferred_temporality=DELTA)
        self._late = _Late(lambda: _exporters().AzureMonitorMetricExporter(**options))

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any
    ) -> MetricExportResult:
        """Send them."""
        if not metrics_data.resource_metrics:
            return MetricExportResult.SUCCESS
        result: MetricExportResult = self._late.get().export(metrics_data, timeout_millis)
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002
        """Nothing waits here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:  # noqa: ARG002
        """End."""
        if self._late.made is not None:
            self._late.made.shutdown()


def _exporters() -> Any:
    """Azure's package, which takes seconds to import."""
    import azure.monitor.opentelemetry.exporter as package

    # Each transmission would be a line of the log.
    logging.getLogger("azure.monitor.opentelemetry").setLevel(logging.WARNING)
    return package
