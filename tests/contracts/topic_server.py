"""A custom topic of Event Grid on loopback, as the publisher's SDK meets it."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure_emulator.certificates import Certificates

AUDIENCE = "https://eventgrid.azure.net"


class Topic(ThreadingHTTPServer):
    """What was published, and what the next answers are."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.events: list[dict[str, Any]] = []
        self.types: list[str] = []
        self.audiences: list[str] = []
        self.answers: list[tuple[int, dict[str, str]]] = []

    @property
    def url(self) -> str:
        """The topic's endpoint."""
        return f"https://127.0.0.1:{self.server_port}/api/events"


class Handler(BaseHTTPRequestHandler):
    """Takes in a batch of CloudEvents, or refuses it as the service does."""

    server: Topic

    def do_POST(self) -> None:
        """Publish."""
        topic, parts = self.server, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        status, headers = topic.answers.pop(0) if topic.answers else (200, {})
        if parts.path != "/api/events" or parse_qs(parts.query) != {"api-version": ["2018-01-01"]}:
            status = 404
        elif kind != "Bearer":
            status = 401
        if status == 200:
            claims = token.split(".")[1]
            padded = claims + "=" * (-len(claims) % 4)
            topic.audiences.append(json.loads(base64.urlsafe_b64decode(padded))["aud"])
            topic.types.append(self.headers["Content-Type"])
            topic.events += json.loads(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *given: object) -> None:
        """Nothing: the events are kept."""


@contextmanager
def topic_served(tls: Certificates) -> Iterator[Topic]:
    """A topic over TLS, for as long as the block runs."""
    topic = Topic()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate, tls.key)
    topic.socket = context.wrap_socket(topic.socket, server_side=True)
    thread = threading.Thread(target=topic.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield topic
    finally:
        topic.shutdown()
        topic.server_close()
        thread.join()
