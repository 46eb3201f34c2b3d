"""A local Application Insights: takes `POST /v2.1/track` over TLS, and keeps what it accepted.

It answers as the service does: 200; 206 with the indices that were refused; 429 with Retry-After;
503. What it did not accept it does not keep, so that a test sees whether it comes again.
"""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Envelope = dict[str, Any]
TABLES = {
    "RequestData": "requests",
    "RemoteDependencyData": "dependencies",
    "MetricData": "customMetrics",
    "MessageData": "traces",
    "ExceptionData": "exceptions",
    "EventData": "customEvents",
}
"""Into which table the service puts what, by `baseType`."""


@dataclass
class Ingestion:
    """What arrived, and how the next requests are answered."""

    port: int
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    accepted: list[Envelope] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    """Every body, accepted or not, with the request's head before it."""
    planned: list[int] = field(default_factory=list)
    """Statuses of the next answers; 200 when none is left."""
    answered: list[int] = field(default_factory=list)

    @property
    def connection_string(self) -> str:
        """What the setting says."""
        return (
            f"InstrumentationKey={self.key};IngestionEndpoint=https://127.0.0.1:{self.port}/;"
            f"LiveEndpoint=https://127.0.0.1:{self.port}/"
        )

    def rows(self, table: str, **columns: str) -> list[dict[str, Any]]:
        """The rows of a table as a query sees them, by the values of some columns."""
        rows = [row for each in list(self.accepted) for row in rows_of(each) if row[""] == table]
        return [row for row in rows if all(row.get(k) == v for k, v in columns.items())]

    def take(self, envelopes: list[Envelope]) -> tuple[int, dict[str, Any]]:
        """The answer to a transmission."""
        status = self.planned.pop(0) if self.planned else 200
        self.answered.append(status)
        total = len(envelopes)
        if status == 206:
            # Every second one is throttled; the others are in.
            self.accepted += envelopes[1::2]
            errors = [
                {"index": index, "statusCode": 429, "message": "Too many requests"}
                for index in range(0, total, 2)
            ]
            return 206, answer(total, total - len(errors), errors)
        if status != 200:
            errors = [{"index": 0, "statusCode": status, "message": "not now"}]
            return status, answer(total, 0, errors)
        wrong = [
            {"index": index, "statusCode": 400, "message": why}
            for index, each in enumerate(envelopes)
            if (why := refusal(each, self.key))
        ]
        assert not wrong, wrong
        self.accepted += envelopes
        return 200, answer(total, total, [])


def answer(received: int, accepted: int, errors: list[dict[str, Any]]) -> dict[str, Any]:
    """The service's answer."""
    return {"itemsReceived": received, "itemsAccepted": accepted, "errors": errors}


def refusal(envelope: Envelope, key: str) -> str:
    """Why the service would not take an envelope; empty if it would."""
    missing = {"name", "time", "iKey", "data"} - set(envelope)
    if missing:
        return f"no {', '.join(sorted(missing))}"
    if envelope["iKey"] != key:
        return "another instrumentation key"
    if envelope["data"]["baseType"] not in TABLES:
        return f"base type {envelope['data']['baseType']!r}"
    properties = envelope["data"]["baseData"].get("properties") or {}
    long = [name for name, value in properties.items() if len(name) > 150 or len(value) > 8192]
    return f"too long: {long}" if long else ""


def rows_of(envelope: Envelope) -> Iterator[dict[str, Any]]:
    """What the tables of the resource show of an envelope; the table's name under ""."""
    base, tags = envelope["data"]["baseData"], envelope.get("tags", {})
    row = {
        "": TABLES[envelope["data"]["baseType"]],
        "timestamp": envelope["time"],
        "operation_Id": tags.get("ai.operation.id", ""),
        "operation_ParentId": tags.get("ai.operation.parentId", ""),
        "operation_Name": tags.get("ai.operation.name", ""),
        "cloud_RoleName": tags.get("ai.cloud.role", ""),
        "cloud_RoleInstance": tags.get("ai.cloud.roleInstance", ""),
        "application_Version": tags.get("ai.application.ver", ""),
        "itemCount": round(100 / (envelope.get("sampleRate") or 100)),
        "customDimensions": base.get("properties") or {},
    }
    kept = ("id", "name", "success", "duration", "resultCode", "target", "type", "message")
    row |= {name: base[name] for name in kept if name in base}
    if "responseCode" in base:
        row["resultCode"] = base["responseCode"]
    if "severityLevel" in base:
        row["severityLevel"] = base["severityLevel"]
    if row[""] != "customMetrics":
        yield row
        return
    for point in base["metrics"]:
        count = point.get("count") or 1
        yield row | {
            "name": point["name"],
            "value": point["value"],
            "valueSum": point["value"],
            "valueCount": count,
            "valueMin": point.get("min"),
            "valueMax": point.get("max"),
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ingestion: Ingestion

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.ingestion.raw.append(str(self.headers).encode() + body)
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert self.path.split("?")[0] == "/v2.1/track", self.path
        self.ingestion.tokens.append(self.headers.get("Authorization", ""))
        text = body.decode()
        envelopes = (
            json.loads(text)
            if text.startswith("[")
            else [json.loads(line) for line in text.splitlines()]
        )
        status, said = self.ingestion.take(envelopes)
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def ingesting(certificate: Path, key: Path) -> Iterator[Ingestion]:
    """A running service on loopback, with the certificate of the local Azure."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    ingestion = Ingestion(server.server_port)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"ingestion": ingestion})
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield ingestion
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
