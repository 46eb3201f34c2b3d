"""`python -m backend`: the scoring service as the container image starts it."""

from __future__ import annotations

import argparse
import os

import uvicorn


def main() -> None:
    """Serve the model below AZUREML_MODEL_DIR until the process is told to stop."""
    options = _parser().parse_args()
    # The access log costs a quarter of the throughput, and the proxy in front keeps its own.
    uvicorn.run(
        "backend.app:app",
        host=options.host,
        port=options.port,
        access_log=False,
        timeout_graceful_shutdown=options.grace_seconds,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backend", description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    parser.add_argument(
        "--grace-seconds",
        type=int,
        default=10,
        help="how long requests in flight may take when the process is told to stop",
    )
    return parser


if __name__ == "__main__":
    main()
