"""The proxy's client over real sockets: what is asked once more, and what is given up."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.credential import KeptToken
from shared.adapters.scorer import AzureScorer
from shared.domain.errors import NotAskedError, UnavailableError
from shared.ports import Scored

ROWS = b'{"rows":[{"a":1}]}'
LATER = 4_000_000_000


class Tokens:
    """A credential that gives what is planned, the last one for ever."""

    def __init__(self, *planned: AccessToken | Exception) -> None:
        self.planned = list(planned)
        self.asked = 0
        self.begun, self.free = threading.Event(), threading.Event()
        self.free.set()

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        """The next planned one."""
        self.asked += 1
        if not self.free.is_set():
            self.begun.set()
            self.free.wait()
        token = self.planned.pop(0) if len(self.planned) > 1 else self.planned[0]
        if isinstance(token, Exception):
            raise token
        return token


GOOD = Tokens(AccessToken("good", LATER))


def said(status: int, body: bytes = b'{"predictions":[]}', *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Server:
    """Answers each request with the next script: bytes to send; None hangs up at once."""

    scripts: list[bytes | None]
    closing: bool = False
    """Hang up after each answer without having said so."""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    open: list[asyncio.StreamWriter] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take requests of one connection."""
        self.connections += 1
        self.open.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._answered(reader, writer) and not self.closing:
                pass
        writer.close()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
        self.requests.append(head + await reader.readexactly(int(length)))
        self.asked.set()
        script = self.scripts.pop(0)
        if script is not None:
            writer.write(script)
            await writer.drain()
        return script is not None and script.endswith(b"}")


@asynccontextmanager
async def listening(server: Server):
    """Its address while it listens."""
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/score"
    finally:
        listener.close()
        for writer in server.open:
            writer.close()


def play(server: Server, story: Callable[[AzureScorer, str], Awaitable[None]]) -> None:
    """Let a story happen between a scorer and the server."""

    async def run() -> None:
        async with listening(server) as url:
            scorer = AzureScorer(GOOD)
            await story(scorer, url)
            await scorer.close()

    asyncio.run(run())


def ask(server: Server, times: int = 1) -> list[Scored]:
    """What is answered, one after the other."""
    answers: list[Scored] = []

    async def story(scorer: AzureScorer, url: str) -> None:
        answers.extend([await scorer.score(url, ROWS) for _ in range(times)])

    play(server, story)
    return answers


def test_connection_and_token_are_kept() -> None:
    """Many requests are one connection, each carries the token and none the caller's headers."""
    server = Server([said(200)] * 5)
    assert [answer.status for answer in ask(server, 5)] == [200] * 5
    assert server.connections == 1
    heads = {request.partition(b"\r\n\r\n")[0].lower() for request in server.requests}
    assert len(heads) == 1
    assert b"authorization: bearer good" in heads.pop()


TRIES: list[tuple[str, list[bytes | None], int]] = [
    ("hangs_up", [None, said(200)], 200),
    ("gateway_502", [said(502), said(200)], 200),
    ("gateway_503", [said(503), said(200)], 200),
    ("gateway_504", [said(504), said(200)], 200),
    ("hung_up_in_the_head", [b"HTTP/1.1 200 OK\r\nContent-", said(200)], 200),
    ("twice", [said(503), said(502)], 502),
    ("hung_up_then_502", [None, said(502)], 502),
]


@pytest.mark.parametrize(("name", "scripts", "status"), TRIES, ids=[row[0] for row in TRIES])
def test_what_is_nobodys_answer_is_asked_once_more(
    name: str, scripts: list[bytes | None], status: int
) -> None:
    """A lost try and a gateway's refusal are made good once, over a new connection."""
    server = Server(list(scripts))
    assert [answer.status for answer in ask(server)] == [status]
    assert len(server.requests) == server.connections == 2
    assert server.requests[0].endswith(ROWS)
    assert server.requests[1].endswith(ROWS)


WORDS: list[tuple[str, bytes, int]] = [
    ("of_a_deployment", said(503, b"{}", "azureml-model-deployment: v4-e1"), 503),
    ("with_a_time", said(503, b"{}", "Retry-After: 7"), 503),
    ("too_many", said(429, b"{}", "Retry-After: 7"), 429),
    ("failure", said(500), 500),
    ("wrapped_503", said(424, b"{}", "ms-azureml-model-error-statuscode: 503"), 503),
    ("wrapped_422", said(424, b"{}", "ms-azureml-model-error-statuscode: 422"), 422),
    ("wrapped_nothing", said(424), 502),
    ("wrapped_nonsense", said(424, b"{}", "ms-azureml-model-error-statuscode: x1"), 502),
]


@pytest.mark.parametrize(("name", "script", "status"), WORDS, ids=[row[0] for row in WORDS])
def test_what_somebody_answered_is_final(name: str, script: bytes, status: int) -> None:
    """A container's own word, and one with a time to wait, is given back and asked for once."""
    server = Server([script])
    (answer,) = ask(server)
    assert answer.status == status
    assert answer.retry_after == ("7" if b"Retry-After" in script else "")
    assert len(server.requests) == 1


def test_header_that_is_no_text_is_as_if_it_were_not_there() -> None:
    """Whatever a container writes into its headers, its answer is its answer."""
    odd = ("Content-Type: text/plän", "azureml-model-deployment: v4-é1", "Retry-After: später")
    (answer,) = ask(Server([said(429, b"{}", *odd)]))
    assert (answer.status, answer.body, answer.content_type) == (429, b"{}", "application/json")
    assert (answer.deployment, answer.retry_after) == ("", "")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LOST: list[tuple[str, list[bytes | None], str, int]] = [
    ("in_mid_answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"], "broke off", 1),
    ("in_mid_piece", [CHUNKED + b"99\r\n{"], "broke off", 1),
    ("before_the_last_piece", [CHUNKED + b"2\r\n{}\r\n"], "broke off", 1),
    ("no_http", [b"SSH-2.0-server\r\n\r\n"], "no HTTP", 1),
    ("hangs_up_twice", [None, None], "cannot be reached", 2),
]


@pytest.mark.parametrize(("name", "scripts", "words", "asked"), LOST, ids=[row[0] for row in LOST])
def test_answer_that_never_came_whole_is_unavailable(
    name: str, scripts: list[bytes | None], words: str, asked: int
) -> None:
    """Once an answer had begun nothing is asked again; a second loss is final."""
    server = Server(list(scripts))
    with pytest.raises(UnavailableError, match=words):
        ask(server)
    assert len(server.requests) == asked


def test_refused_connection_is_unavailable() -> None:
    """Nobody listens: the error says where."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        async def story() -> None:
            scorer = AzureScorer(GOOD)
            with pytest.raises(UnavailableError, match=f"cannot be reached.*{port}"):
                await scorer.score(f"http://127.0.0.1:{port}/score", ROWS)
            await scorer.close()

        asyncio.run(story())


ADDRESSES = ["", "nowhere", "http://", "http://127.0.0.1:99999/score", "ftp://127.0.0.1/score"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_no_address_is_unavailable(address: str) -> None:
    """It is not asked, and named."""

    async def story(scorer: AzureScorer, _: str) -> None:
        with pytest.raises(UnavailableError, match=re.escape(f"{address!r} is no address")):
            await scorer.score(address, ROWS)

    play(Server([]), story)


def test_redirect_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token goes neither where an answer points nor through the environment's proxy."""
    elsewhere = Server([said(200)])

    async def run() -> None:
        async with listening(elsewhere) as other:
            monkeypatch.setenv("http_proxy", other)
            server = Server([said(307, b"{}", f"Location: {other}")])
            async with listening(server) as url:
                scorer = AzureScorer(GOOD)
                assert (await scorer.score(url, ROWS)).status == 307
                await scorer.close()

    asyncio.run(run())
    assert elsewhere.connections == 0


def test_server_that_closes_idle_connections_fails_no_caller() -> None:
    """A keep-alive that the server ended between two requests costs a connection, no answer."""
    server = Server([said(200)] * 40, closing=True)
    assert {answer.status for answer in ask(server, 40)} == {200}
    assert len(server.requests) == 40


def test_crowd_over_closed_connections_fails_no_caller() -> None:
    """Also when every idle connection is gone at once, as when the server is replaced."""
    server = Server([said(200)] * 60)

    async def story(scorer: AzureScorer, url: str) -> None:
        for _ in range(2):
            answers = await asyncio.gather(*(scorer.score(url, ROWS) for _ in range(30)))
            assert {answer.status for answer in answers} == {200}
            for writer in server.open:
                writer.transport.abort()

    play(server, story)


def test_server_that_hangs_can_be_given_up() -> None:
    """Whoever stops waiting in mid-answer leaves nothing behind; the next request is answered."""
    server = Server([b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", said(200)])

    async def story(scorer: AzureScorer, url: str) -> None:
        asking = asyncio.create_task(scorer.score(url, ROWS))
        await server.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (await scorer.score(url, ROWS)).status == 200

    play(server, story)
    assert server.connections == 2


def test_large_bodies_arrive_whole_also_the_second_time() -> None:
    """Megabytes are sent from their beginning in each try."""
    large = b'{"rows":[' + b" " * 2_000_000 + b"]}"
    server = Server([None, said(200)])

    async def story(scorer: AzureScorer, url: str) -> None:
        assert (await scorer.score(url, large)).status == 200

    play(server, story)
    assert [len(r.partition(b"\r\n\r\n")[2]) for r in server.requests] == [len(large)] * 2


def test_end_of_the_loop_ends_the_connections(recwarn: pytest.WarningsRecorder) -> None:
    """A process that ends without closing anything has no client left open; later loops work."""

    def two_loops() -> list[int]:
        scorer = AzureScorer(GOOD)

        async def once() -> int:
            async with listening(Server([said(200)])) as url:
                return (await scorer.score(url, ROWS)).status

        return [asyncio.run(once()) for _ in range(2)]

    assert two_loops() == [200, 200]
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


def test_no_token_is_no_question() -> None:
    """Without an identity nothing is sent, and the error says why."""
    server = Server([said(200)])

    async def story() -> None:
        async with listening(server) as url:
            scorer = AzureScorer(Tokens(ClientAuthenticationError("no identity here")))
            with pytest.raises(NotAskedError, match="no identity here"):
                await scorer.score(url, ROWS)
            await scorer.close()

    asyncio.run(story())
    assert server.connections == 0


def test_token_is_fetched_once_for_a_crowd() -> None:
    """Those who come before there is a token wait for the same one."""
    tokens = Tokens(AccessToken("one", LATER))

    async def story() -> set[str]:
        kept = KeptToken(tokens, "scope", lambda: 0.0)
        return set(await asyncio.gather(*(kept.header() for _ in range(50))))

    assert asyncio.run(story()) == {"Bearer one"}
    assert tokens.asked == 1


RENEWALS: list[tuple[str, AccessToken | Exception, str]] = [
    ("renewed", AccessToken("two", 9000), "Bearer two"),
    ("refused", ClientAuthenticationError("not now"), "Bearer one"),
]


@pytest.mark.parametrize(("name", "second", "later"), RENEWALS, ids=[row[0] for row in RENEWALS])
def test_token_is_renewed_before_its_end_and_requests_do_not_wait(
    name: str, second: AccessToken | Exception, later: str
) -> None:
    """While the new one is on its way the old one is used, and also when none comes."""
    now = 0.0
    tokens = Tokens(AccessToken("one", 1000), second)
    kept = KeptToken(tokens, "scope", lambda: now)

    async def story() -> None:
        nonlocal now
        assert await kept.header() == "Bearer one"
        assert kept.due_in_seconds() == 710
        now = 710.0
        assert kept.due_in_seconds() <= 30
        tokens.free.clear()
        keeping = asyncio.create_task(kept.keep())
        await asyncio.to_thread(tokens.begun.wait, 10)
        assert await kept.header() == "Bearer one"
        tokens.free.set()
        while await kept.header() != later:
            await asyncio.to_thread(tokens.free.wait)
        keeping.cancel()

    asyncio.run(story())
