"""A scoring service in a few lines; the rows say how it answers."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = {
    "nan": b'{"predictions":[{"value":NaN}]}',
    "none": b'{"predictions":[{"value":null}]}',
    "few": b'{"predictions":[]}',
    "text": b"<html>",
    "other": b'{"answers":[]}',
}


class Handler(BaseHTTPRequestHandler):
    """Answers probes and rows."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A probe."""
        self._answer(200, b"{}")

    def do_POST(self) -> None:
        """A prediction for each row, unless the first row wants another answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wanted = body["rows"][0].get("answer", "well")
        if wanted == "error":
            self._answer(500, b'{"title":"broken"}')
        else:
            predictions = {"predictions": [{"value": 1.5} for _ in body["rows"]]}
            self._answer(200, ANSWERS.get(wanted, json.dumps(predictions).encode()))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
