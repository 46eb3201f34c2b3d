"""Spans, values and log lines in Application Insights, over OpenTelemetry and Azure's exporters.

OpenTelemetry's library is imported when telemetry is on; the exporters, which take ten times as
long to import, only in the threads that send. So a cold start waits for neither of them. The
providers are our own: nothing is instrumented that we did not choose, so no body, no header and
no URL can get in by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.adapters.late_exporters import (
    LateLogExporter,
    LateMetricExporter,
    LateSpanExporter,
)
from shared.domain.signals import Dimension, Log, Metric
from shared.telemetry import NOTHING, Attributes, OpenSpan, Reading, SpanKind

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SCOPE = "noon"
KINDS = {
    "internal": trace.SpanKind.INTERNAL,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}
GAUGES = {
    Metric.CHAMPION_AGE: "s",
    Metric.SLOT_AGE: "min",
    Metric.SLOT_OVERDUE: "min",
    Metric.TRAINING_AGE: "s",
    Metric.ROLLOUT_PHASE: "s",
    Metric.POISON: "{message}",
    Metric.DEAD_LETTERS: "{event}",
}
HISTOGRAMS = {Metric.PREDICTION_DURATION: "ms", Metric.MESSAGE_AGE: "s"}
COUNTERS = {Metric.DECISIONS: "{decision}"}

SHARE_ATTRIBUTE = "_MS.sampleRate"
"""Per cent; Application Insights multiplies by it (`itemCount`)."""
RETRY_SECONDS = 60
"""What could not be sent is kept on disk and sent again, not sooner than this."""


@dataclass(frozen=True, slots=True)
class _Around:
    """The span of ours around the caller, and what those below it take over."""

    span: trace.Span
    model: str
    share: float


_around: ContextVar[_Around | None] = ContextVar("noon_span", default=None)


class AzureMonitorTelemetry:
    """Sends to the Application Insights of a connection string, by identity if there is one."""

    on = True

    def __init__(
        self,
        connection_string: str,
        credential: TokenCredential | None,
        *,
        instance: str,
        version: str,
        retry_seconds: int = RETRY_SECONDS,
        storage_directory: str = "",
    ) -> None:
        resource = Resource(
            {"service.name": SCOPE, "service.version": version, "service.instance.id": instance}
        )
        options: dict[str, Any] = {
            "connection_string": connection_string,
            "credential": credential,
            "storage_min_retry_interval": retry_seconds,
            "storage_maintenance_period": retry_seconds,
        }
        if storage_directory:
            options["storage_directory"] = storage_directory
        self._tracers = TracerProvider(ALWAYS_ON, resource)
        self._tracers.add_span_processor(BatchSpanProcessor(LateSpanExporter(options)))
        self._loggers = LoggerProvider(resource)
        self._loggers.add_log_record_processor(BatchLogRecordProcessor(LateLogExporter(options)))
        reader = PeriodicExportingMetricReader(LateMetricExporter(options))
        self._meters = MeterProvider([reader], resource)
        self._tracer = self._tracers.get_tracer(SCOPE)
        self._logger = self._loggers.get_logger(SCOPE)
        self._readings = _Readings()
        self._make_instruments()
        self._propagator = TraceContextTextMapPropagator()
        logging.getLogger("azure").addHandler(_Warnings(self))

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind = "internal",
        attributes: Attributes = NOTHING,
        *,
        parent: str = "",
        share: float = 1.0,
    ) -> Iterator[OpenSpan]:
        """A span around a block; it fails when the block raises, with the error's name alone."""
        above = _around.get() or _Around(trace.INVALID_SPAN, "", 1.0)
        model = str(attributes.get(Dimension.MODEL, above.model))
        here = dict(attributes) | ({Dimension.MODEL: model} if model else {})
        share = min(share, above.share)
        if share < 1:
            here[SHARE_ATTRIBUTE] = share * 100
        context = self._propagator.extract({"traceparent": parent}) if parent else None
        links = _links(parent)
        span = self._tracer.start_span(name, context, KINDS[kind], here, links)
        around = _Around(span, model, share)
        inner, attached = _around.set(around), otel_context.attach(trace.set_span_in_context(span))
        opened = _Opened(span)
        try:
            yield opened
        except BaseException as error:
            opened.fail(type(error).__name__)
            raise
        finally:
            otel_context.detach(attached)
            _around.reset(inner)
            span.end()

    def traceparent(self) -> str:
        """The span around the caller in W3C's words; empty outside of any span of ours."""
        around = _around.get()
        if around is None:
            return ""
        found = around.span.get_span_context()
        # Of the flags only the one of the recommendation's first level: older readers know no more.
        sampled = found.trace_flags & trace.TraceFlags.SAMPLED
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-{sampled:02x}"

    def count(self, metric: Metric, attributes: Attributes) -> None:
        """One more of it."""
        self._counters[metric].add(1, attributes)

    def record(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """One more value of a distribution."""
        self._histograms[metric].record(value, attributes)

    def gauge(self, readings: Sequence[Reading]) -> None:
        """What all gauges show now; each reading goes out once."""
        self._readings.put(readings)

    def log(self, log: Log, text: str, attributes: Attributes, *, warning: bool = False) -> None:
        """A line of a log, in the trace of the span around it."""
        self._logger.emit(
            severity_number=SeverityNumber.WARN if warning else SeverityNumber.INFO,
            body=text,
            attributes={Dimension.LOG: log, **attributes},
        )

    def flush(self) -> None:
        """Send what is not sent yet; waits for it."""
        self._tracers.force_flush()
        self._loggers.force_flush()
        self._meters.force_flush()

    def close(self) -> None:
        """Send what is not sent yet, and end."""
        self._tracers.shutdown()
        self._loggers.shutdown()
        self._meters.shutdown()

    def _make_instruments(self) -> None:
        meter = self._meters.get_meter(SCOPE)
        self._counters = {name: meter.create_counter(name, unit) for name, unit in COUNTERS.items()}
        self._histograms = {
            name: meter.create_histogram(name, unit) for name, unit in HISTOGRAMS.items()
        }
        for name, unit in GAUGES.items():
            meter.create_observable_gauge(name, [self._readings.taken(name)], unit)


class _Opened:
    """A span of OpenTelemetry as the application knows it."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, attributes: Attributes) -> None:
        """Say more about it."""
        self._span.set_attributes(dict(attributes))

    def fail(self, why: str) -> None:
        """It ends badly."""
        # Application Insights drops `error.type`, the convention's own name, so it stands twice.
        self._span.set_attributes({"error.type": why, Dimension.OUTCOME: why})
        self._span.set_status(trace.StatusCode.ERROR, why)


class _Readings:
    """The newest readings of every gauge, each given out once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[Metric, list[Observation]] = {}

    def put(self, readings: Sequence[Reading]) -> None:
        """Replace what was not given out yet."""
        fresh: dict[Metric, list[Observation]] = {}
        for each in readings:
            fresh.setdefault(each.metric, []).append(Observation(each.value, each.attributes))
        with self._lock:
            self._waiting = fresh

    def taken(self, metric: Metric) -> Callable[[CallbackOptions], list[Observation]]:
        """What a gauge asks with."""

        def take(_: CallbackOptions) -> list[Observation]:
            with self._lock:
                return self._waiting.pop(metric, [])

        return take


class _Warnings(logging.Handler):
    """Azure's libraries: with OpenTelemetry on, the host no longer exports what they log."""

    def __init__(self, telemetry: AzureMonitorTelemetry) -> None:
        super().__init__(logging.WARNING)
        self._telemetry = telemetry

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a warning on, but none of the exporters about themselves."""
        if not record.name.startswith(("azure.monitor", "azure.core")):
            attributes = {"logger": record.name}
            self._telemetry.log(Log.LIBRARY, record.getMessage(), attributes, warning=True)


def _links(parent: str) -> list[trace.Link]:
    """Where the caller stands, when the span belongs to another trace: the host's own span."""
    current = trace.get_current_span().get_span_context()
    return [trace.Link(current)] if parent and current.is_valid else []
