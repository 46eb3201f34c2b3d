"""A container that answers what it was asked to: `tiny_container.py PORT`."""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """GET /ready, POST /score."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Be ready, unless told otherwise."""
        self._answer(503 if os.environ.get("NEVER_READY") else 200, {})

    def do_POST(self) -> None:
        """Answer with the status asked for, after the time asked for."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        threading.Event().wait(asked.get("seconds", 0))
        answer = {
            "model": [path.read_text() for path in MODEL.glob("*/model.txt")],
            "label": os.environ.get("LABEL"),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        self._answer(asked.get("status", 200), answer)

    def log_message(self, *_: object) -> None:
        """A line per request would be most of the work."""

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """Takes many connections at once; the default of 5 lets the sixth wait for a second."""

    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Print what went wrong, but not that a peer hung up: its logs are read by tests."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


MODEL = Path(os.environ.get("AZUREML_MODEL_DIR", "/nowhere"))
if os.environ.get("CRASH"):
    print("the tiny container was told to crash")
    sys.exit(3)
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
