"""Spans for some requests: those that the caller traces, and a sample of the others.

A span costs about as much as a prediction. So which requests get one is decided before anything of
the OpenTelemetry library is called, and at most so many a second get one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

SPANS_PER_SECOND_MAX = 50
RATIO_DEFAULT = 0.01


class Tracing:
    """Begins and ends the spans of requests."""

    def __init__(self, provider: TracerProvider, ratio: float) -> None:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("backend")
        self._kind = SpanKind.SERVER
        self._propagator = TraceContextTextMapPropagator()
        self._every = round(1 / ratio) if ratio else 0
        self._unasked = 0
        self._second = 0
        self._begun = 0

    def begin(self, headers: Mapping[bytes, bytes], now: float) -> Span | None:
        """A span for the request, or None for most; `now` is in seconds of any steady clock."""
        parent = headers.get(b"traceparent")
        if parent is None:
            self._unasked += 1
            if self._every == 0 or self._unasked % self._every:
                return None
        elif parent[-1:] not in b"13579bdf":
            return None  # its caller said that this trace is not recorded
        second = int(now)
        if second != self._second:
            self._second, self._begun = second, 0
        self._begun += 1
        if self._begun > SPANS_PER_SECOND_MAX:
            return None
        return self._started(parent)

    def end(self, span: Span, model: str, status: int, rows: int) -> None:
        """Close a span with what became of the request."""
        from opentelemetry.trace import StatusCode

        span.set_attributes(
            {"http.response.status_code": status, "scoring.model": model, "scoring.rows": rows}
        )
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()

    def close(self) -> None:
        """Send what is not sent yet; waits for it."""
        self._provider.shutdown()

    def _started(self, parent: bytes | None) -> Span:
        carrier = {"traceparent": parent.decode("latin-1")} if parent else {}
        context = self._propagator.extract(carrier)
        attributes = {"http.request.method": "POST", "http.route": "/score"}
        return self._tracer.start_span("POST /score", context, self._kind, attributes)


def tracing_from_environment(environment: Mapping[str, str]) -> Tracing | None:
    """Tracing as OpenTelemetry's own variables ask for it; None when they do not."""
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if disabled or not any(environment.get(name) for name in endpoints):
        return None
    # Not imported before: the library and its exporter need some 20 MB.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    ratio = _ratio(environment.get("OTEL_TRACES_SAMPLER_ARG"))
    resource = Resource.create({SERVICE_NAME: environment.get("OTEL_SERVICE_NAME", "scoring")})
    provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider, ratio)


def _ratio(text: str | None) -> float:
    if not text:
        return RATIO_DEFAULT
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise ValueError(f"OTEL_TRACES_SAMPLER_ARG must be from 0 to 1, not {text!r}")
    return ratio
