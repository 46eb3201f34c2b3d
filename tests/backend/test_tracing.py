"""Which requests get a span, and what it says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from backend.app import create_app
from backend.settings import Settings
from backend.tracing import SPANS_PER_SECOND_MAX, Tracing, tracing_from_environment
from tests.backend.conftest import started

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
FLIGHT = {"distance": 1089, "hour": 17, "origin": "JFK"}


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Any]]]:
    """An address that takes spans as an OpenTelemetry collector does, and the spans."""
    spans: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(content).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    thread.join()
    server.server_close()


def traced(model_dir: Path, environment: dict[str, str], headers: list[dict[str, str]]) -> None:
    """Ask a service once with each of these headers, and end it."""

    async def ask() -> None:
        async with started(create_app(Settings(model_dir), environment)) as client:
            for each in headers:
                await client.post("/score", json={"rows": [FLIGHT, FLIGHT]}, headers=each)
            await client.post("/score", json={"rows": []}, headers=headers[0])

    asyncio.run(ask())


def test_a_traced_request_shows_in_its_callers_trace(
    backend_models: dict[str, Path], collector: tuple[str, list[Any]]
) -> None:
    """The span has the caller's as its parent and says model, status and rows; others have none."""
    url, spans = collector
    recorded = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    not_recorded = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_TRACES_SAMPLER_ARG": "0"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        traced(backend_models["late"], environment, [recorded, not_recorded, {}])
    answered, refused = sorted(spans, key=lambda span: span.start_time_unix_nano)
    for span in (answered, refused):
        assert span.name == "POST /score"
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    said = {each.key: each.value for each in answered.attributes}
    assert said["http.response.status_code"].int_value == 200
    assert (said["scoring.model"].string_value, said["scoring.rows"].int_value) == ("late", 2)
    said = {each.key: each.value for each in refused.attributes}
    assert said["http.response.status_code"].int_value == 422


def begun(tracing: Tracing, headers: dict[bytes, bytes], times: int, now: float) -> int:
    """How many of equal requests get a span."""
    spans = [tracing.begin(headers, now) for _ in range(times)]
    return sum(span is not None for span in spans)


def test_spans_are_a_sample_and_bounded() -> None:
    """One in a hundred by default, and however many are traced, so many a second."""
    tracing = tracing_from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert tracing is not None
    try:
        assert begun(tracing, {}, 1_000, 1.0) == 10
        recorded = {b"traceparent": f"00-{TRACE}-{PARENT}-01".encode()}
        assert begun(tracing, recorded, 1_000, 2.5) == SPANS_PER_SECOND_MAX
        assert begun(tracing, recorded, 1, 3.0) == 1
        assert begun(tracing, {b"traceparent": b"\xff junk"}, 10, 4.0) == 0
    finally:
        tracing.close()


def test_tracing_is_off_until_it_is_asked_for() -> None:
    """By OpenTelemetry's own variables; a ratio that is none stops the start."""
    endpoint = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9"}
    assert tracing_from_environment({}) is None
    assert tracing_from_environment({**endpoint, "OTEL_SDK_DISABLED": "true"}) is None
    for wrong in ("2", "-1", "often", "nan"):
        with pytest.raises(ValueError, match="OTEL_TRACES_SAMPLER_ARG must be from 0 to 1"):
            tracing_from_environment({**endpoint, "OTEL_TRACES_SAMPLER_ARG": wrong})
