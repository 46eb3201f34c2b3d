"""The two ways of a scoring request, where it is parsed and through ASGI, answer the same."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from azure_emulator.testing import free_port, wait_until
from uvicorn.server import ServerState

from backend.app import create_app
from backend.direct import DirectAnswers, direct_answers
from backend.settings import Settings
from tests.backend.conftest import next_turn, started
from tests.backend.test_process import environment, ready

KEY = "k" * 32
ROW = {"maker": "BOEING", "year": 1999, "gust": None, "origin": "EWR"}
ONE = json.dumps({"rows": [ROW]}).encode()
MANY = json.dumps({"rows": [ROW] * 2_000}).encode()
KNOWN = f"Authorization: Bearer {KEY}\r\n"


def asked(body: bytes = ONE, headers: str = KNOWN, *, head: str = "POST /score HTTP/1.1") -> bytes:
    """A request as it travels, with the length of its body."""
    length = f"Content-Length: {len(body)}\r\n"
    return f"{head}\r\nHost: x\r\n{length}{headers}\r\n".encode() + body


CHUNKED = f"{KNOWN}Transfer-Encoding: chunked\r\n"
ALIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
REQUESTS: dict[str, tuple[list[bytes], int]] = {
    "a row": ([asked()], 1),
    "a row at the model's own path": ([asked(head="POST /models/made-up/score HTTP/1.1")], 1),
    "a path with a query": ([asked(head="POST /score?x=1 HTTP/1.1")], 1),
    "many rows": ([asked(MANY)], 1),
    "a wrong row": ([asked(json.dumps({"rows": [{"maker": 1}]}).encode())], 1),
    "no rows": ([asked(b'{"rows":[]}')], 1),
    "not JSON": ([asked(b"{")], 1),
    "an empty body": ([asked(b"")], 1),
    "no key": ([asked(headers="")], 1),
    "a wrong key": ([asked(headers="Authorization: Bearer " + "x" * 32 + "\r\n")], 1),
    "another method": ([asked(head="PUT /score HTTP/1.1")], 1),
    "another path": ([asked(head="POST /nothing HTTP/1.1")], 1),
    "an encoded body": ([asked(headers=f"{KNOWN}Content-Encoding: gzip\r\n")], 1),
    "a body in chunks": (
        [
            f"POST /score HTTP/1.1\r\nHost: x\r\n{CHUNKED}\r\n".encode()
            + b"%x\r\n%b\r\n0\r\n\r\n" % (len(ONE), ONE)
        ],
        1,
    ),
    "a body in two pieces": ([asked()[:-20], asked()[-20:]], 1),
    "a head in two pieces": ([asked()[:30], asked()[30:]], 1),
    "two requests at once": ([asked() + asked(b'{"rows":[]}')], 2),
    "one and a half requests": ([asked() + asked()[:-5], asked()[-5:]], 2),
    "a probe and a row at once": ([ALIVE + asked() + ALIVE], 3),
    "a large and a small one at once": ([asked(MANY) + asked()], 2),
    "an older version of HTTP": ([asked(head="POST /score HTTP/1.0")], 1),
    "a connection that is to be closed": ([asked(headers=f"{KNOWN}Connection: close\r\n")], 1),
    "a caller who waits to go on": (
        [asked(headers=f"{KNOWN}Expect: 100-continue\r\n")[: -len(ONE)], ONE],
        2,
    ),
    "what is not HTTP": ([b"nonsense\r\n\r\n"], 1),
}
"""What is sent, piece by piece, and how many answers come."""


@pytest.fixture(scope="module")
def services(
    trained_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, int]]:
    """The ports of the service as its image starts it, and of the ASGI app alone."""
    models = tmp_path_factory.mktemp("direct")
    (models / "made-up").symlink_to(trained_model)
    variables = environment(
        SCORING_MODELS_DIR=str(models), SCORING_AUTH="key", SCORING_API_KEYS=KEY
    )
    ways = {"direct": ["backend"], "asgi": ["uvicorn", "backend.app:app", "--no-server-header"]}
    ports = {name: free_port() for name in ways}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", *program, "--port", str(ports[name])],
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name, program in ways.items()
    ]
    try:
        for port in ports.values():
            wait_until(lambda port=port: ready(f"http://127.0.0.1:{port}"), what="the service")  # type: ignore[misc]
        yield ports
    finally:
        for process in processes:
            process.kill()
            process.wait()


def answers(port: int, pieces: list[bytes], count: int) -> list[bytes]:
    """So many answers to what is sent, each without its date; the next piece waits for an echo."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb")
        found: list[bytes] = []
        for number, piece in enumerate(pieces):
            connection.sendall(piece)
            if number + 1 < len(pieces):
                # Another connection is answered in between: so this piece was taken in by itself.
                assert httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
                if b"100-continue" in piece:
                    found.append(answer(reader.readline))
        while len(found) < count:
            found.append(answer(reader.readline, reader.read))
        return found


def answer(line: Callable[[], bytes], read: Callable[[int], bytes] | None = None) -> bytes:
    """One answer."""
    head = b""
    while (got := line()) not in (b"\r\n", b""):
        head += b"" if got.lower().startswith(b"date:") else got
    length = re.search(rb"content-length: (\d+)", head)
    return head + (read(int(length[1])) if read and length else b"")


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_answer_the_same(services: dict[str, int], name: str) -> None:
    """To the byte, whatever comes and in whichever pieces."""
    pieces, count = REQUESTS[name]
    direct = answers(services["direct"], pieces, count)
    assert direct == answers(services["asgi"], pieces, count)
    assert all(each.startswith(b"HTTP/1.1 ") for each in direct)


def test_both_ways_are_counted(services: dict[str, int]) -> None:
    """Each answer once, by status and with its rows."""
    for port in services.values():
        url, headers = f"http://127.0.0.1:{port}", {"authorization": f"Bearer {KEY}"}
        before = counted(url, headers)
        for body in (ONE, b"{", MANY):
            httpx.post(f"{url}/score", content=body, headers=headers)
        after = counted(url, headers)
        assert [now - then for then, now in zip(before, after, strict=True)] == [2, 1, 2_001]


def counted(url: str, headers: dict[str, str]) -> list[float]:
    """Answers with 200 and with 400, and rows."""
    text = httpx.get(f"{url}/metrics", headers=headers).text
    names = [r"requests_total\{.*status=\"200\".*\}", r"requests_total\{.*status=\"400\".*\}"]
    found = [
        re.search(rf"^scoring_{each} (\S+)", text, re.M) for each in (*names, r"rows_total\S*")
    ]
    return [float(each[1]) if each else 0.0 for each in found]


class Written(asyncio.Transport):
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.content = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.content += data

    def close(self) -> None:
        """Nothing is kept open."""

    def is_closing(self) -> bool:
        """It stays open."""
        return False


def written(
    model_dir: Path, batching: str, act: Callable[[DirectAnswers], None], turns: int = 0
) -> bytes:
    """What a connection has been sent so many turns of the event loop after an act."""

    async def acted() -> bytes:
        app = create_app(Settings(model_dir=model_dir, batching=batching))
        async with started(app):
            config = uvicorn.Config(app, access_log=False)
            protocol = direct_answers(app)(config, ServerState(), {})
            protocol.connection_made(transport := Written())
            act(protocol)
            for _ in range(turns):
                await next_turn()
            protocol.connection_lost(None)
            return transport.content

    return asyncio.run(acted())


@pytest.mark.parametrize(("batching", "turns"), [("off", 0), ("on", 1)])
@pytest.mark.parametrize(
    ("request_", "plain"),
    [
        (asked(headers=""), True),
        (asked(headers="")[:-1], False),
        (asked(MANY, headers=""), False),
        (asked(headers="Connection: close\r\n"), False),
        (ALIVE, False),
    ],
    ids=["plain", "incomplete", "large", "last of its connection", "no scoring"],
)
def test_a_plain_request_is_answered_where_it_is_parsed(
    trained_model: Path, request_: bytes, plain: bool, batching: str, turns: int
) -> None:
    """The whole answer is there at once, or when the turn ends in which others may join it."""
    content = written(trained_model, batching, lambda it: it.data_received(request_), turns)
    assert (b'"predictions"' in content) is plain
    assert content.startswith(b"HTTP/1.1 200 OK") or not plain


ENDS: dict[str, Callable[[DirectAnswers], object]] = {
    "another request": lambda protocol: protocol.data_received(asked(headers="")[:30]),
    "nonsense": lambda protocol: protocol.data_received(b"nonsense\r\n\r\n"),
    "the end of what the caller says": DirectAnswers.eof_received,
    "the end of the server": DirectAnswers.shutdown,
}


@pytest.mark.parametrize("name", ENDS)
def test_what_comes_after_a_request_does_not_overtake_its_answer(
    trained_model: Path, name: str
) -> None:
    """A request that waits for others is answered before its connection goes on or ends."""

    def act(protocol: DirectAnswers) -> None:
        protocol.data_received(asked(headers=""))
        ENDS[name](protocol)

    content = written(trained_model, "on", act)
    assert content.startswith(b"HTTP/1.1 200 OK")
    assert content.count(b"HTTP/1.1 400") == (name == "nonsense")


def test_while_the_service_drains_nothing_is_answered_at_once(trained_model: Path) -> None:
    """Then each answer closes its connection, which is the other way's work."""

    async def asked_while_draining() -> list[bool]:
        app = create_app(Settings(model_dir=trained_model))
        async with started(app):
            headers = {b"content-length": b"2"}
            before = app.scoring.at_once(headers)
            app.scoring.draining = True
            return [before, app.scoring.at_once(headers)]

    assert asyncio.run(asked_while_draining()) == [True, False]
