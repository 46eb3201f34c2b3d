"""A container of one's own: any server that answers health checks and scores."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """GET /health, POST /v1/predict."""

    def do_GET(self) -> None:
        """Be well."""
        self._answer({"status": "ok"})

    def do_POST(self) -> None:
        """Give one figure for each row of `data`."""
        given = json.loads(self.rfile.read(int(self.headers["content-length"])))
        values = [
            MODEL["intercept"] + sum(a * b for a, b in zip(MODEL["coefficients"], row, strict=True))
            for row in given["data"]
        ]
        self._answer({"values": values})

    def _answer(self, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


MODEL = json.loads((Path(os.environ["AZUREML_MODEL_DIR"]) / "model" / "model.json").read_text())
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
