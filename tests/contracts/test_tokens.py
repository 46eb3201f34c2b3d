"""Whom the tokens are for that travel with rows: what serves a model is told no other's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest

from shared.adapters.azure_blobs import AzureContainer
from shared.adapters.azure_container import AzureContainerServing
from shared.adapters.clock import SystemClock
from shared.adapters.credential import LazyCredential
from shared.adapters.prober import AzureProber
from shared.adapters.scorer import AzureScorer

OURS = "api://noon-scoring/.default"


@dataclass
class Listener:
    """An HTTP server that remembers for whom the tokens were that it got."""

    url: str
    audiences: list[str] = field(default_factory=list)

    def note(self, authorization: str | None) -> None:
        """Remember the audience of a bearer token, or that there was none."""
        token = (authorization or "").removeprefix("Bearer ")
        claims = jwt.decode(token, options={"verify_signature": False}) if token else {}
        self.audiences.append(str(claims.get("aud", "")))


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server that answers everything with an empty object."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.note(self.headers["Authorization"])
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard = Listener(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


def _score(credential: LazyCredential, url: str, scope: str | None) -> None:
    async def once() -> None:
        scorer = AzureScorer(credential, scope)
        await scorer.score(f"{url}/score", b"{}")
        await scorer.close()

    asyncio.run(once())


def _smoke(credential: LazyCredential, url: str, scope: str | None) -> None:
    AzureProber(credential, scope=scope).smoke(f"{url}/score", "v1-e1", [{"x": 1}])


CALLS: dict[str, Callable[[LazyCredential, str, str | None], None]] = {
    "score": _score,
    "smoke": _smoke,
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("scope", "audience"), [(OURS, "api://noon-scoring"), (None, "")])
def test_container_gets_its_own_token_or_none(
    credential: LazyCredential, listener: Listener, call: str, scope: str | None, audience: str
) -> None:
    """A token for the container's audience; without one none at all, least of all Azure ML's."""
    CALLS[call](credential, listener.url, scope)
    assert listener.audiences == [audience]


@pytest.mark.parametrize(("scope", "audience"), [(OURS, "api://noon-scoring"), (None, "")])
def test_container_is_asked_with_the_same_token(
    azure_container: AzureContainer,
    credential: LazyCredential,
    listener: Listener,
    scope: str | None,
    audience: str,
) -> None:
    """Asking what it serves is no different; an answer without sense is no answer."""
    serving = AzureContainerServing(azure_container, credential, SystemClock(), listener.url, scope)
    facts = serving.get("flights")
    assert listener.audiences == [audience]
    assert facts.says is None
    assert "nonsense" in facts.silence
