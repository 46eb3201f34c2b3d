"""LitServe with one worker."""

import sys
from typing import Any

import litserve
from engines import load_engine


class Flights(litserve.LitAPI):
    """Scores rows."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - the name is the library's
        """Load the model in the worker."""
        self.engine = load_engine()

    def decode_request(self, request: dict[str, Any], **_: Any) -> list[dict[str, Any]]:
        """The rows of a request."""
        rows: list[dict[str, Any]] = request["rows"]
        return rows

    def predict(self, rows: list[dict[str, Any]], **_: Any) -> list[list[float]]:
        """The answers."""
        return self.engine(rows)

    def encode_response(self, output: list[list[float]], **_: Any) -> dict[str, Any]:
        """The answer's JSON."""
        return {"predictions": output}


if __name__ == "__main__":
    server = litserve.LitServer(Flights(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, num_api_servers=1
    )
