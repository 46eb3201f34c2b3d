"""A service that is told to stop: first it says so, then it finishes what it accepted."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from azure_emulator.testing import free_port, listening, wait_until

from tests.backend.test_process import FLIGHT, environment, ready

BODY = json.dumps({"rows": [FLIGHT] * 2_000}).encode()


@pytest.fixture(params=["3"])
def stopping(
    request: pytest.FixtureRequest, backend_models: dict[str, Path], tmp_path: Path
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A service that stands alone and answers on for some seconds, and its port."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "late").symlink_to(backend_models["late"])
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "--port", str(port)],
        env=environment(
            SCORING_MODELS_DIR=str(models), SCORING_AUTH="off", SCORING_DRAIN_SECONDS=request.param
        ),
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: ready(f"http://127.0.0.1:{port}"), what="the service")
        yield port, process
    finally:
        process.kill()
        process.wait()


def begun(port: int) -> socket.socket:
    """A connection on which a request has begun to arrive."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = f"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n"
    connection.sendall(head.encode() + BODY[:-10])
    return connection


def finished(connection: socket.socket) -> bytes:
    """The answer to the request, once the rest of it was sent."""
    connection.sendall(BODY[-10:])
    answer = b""
    while piece := connection.recv(1_000_000):
        answer += piece
    return answer


def test_what_was_accepted_is_finished(stopping: tuple[int, subprocess.Popen[bytes]]) -> None:
    """Readiness goes first, callers are answered on and sent away, and nothing is cut off."""
    port, process = stopping
    url = f"http://127.0.0.1:{port}"
    with begun(port) as connection:
        process.send_signal(signal.SIGTERM)
        wait_until(
            lambda: httpx.get(f"{url}/health/ready").status_code == 503, what="the readiness"
        )
        meanwhile = httpx.post(f"{url}/score", json={"rows": [FLIGHT]})
        assert (meanwhile.status_code, meanwhile.headers["connection"]) == (200, "close")
        assert httpx.get(f"{url}/health/live").status_code == 200
        wait_until(lambda: not listening(port), what="the end of listening")
        answer = finished(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b'"label"') == 2_000
    assert process.wait(30) in {0, -signal.SIGTERM}


@pytest.mark.parametrize("stopping", ["600"], indirect=True)
def test_a_second_signal_ends_the_wait(stopping: tuple[int, subprocess.Popen[bytes]]) -> None:
    """Whoever is in a hurry says so again."""
    port, process = stopping
    url = f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: httpx.get(f"{url}/health/ready").status_code == 503, what="the readiness")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) in {0, -signal.SIGTERM}
