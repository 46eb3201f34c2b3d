"""Rows on their way to what serves a model, over one pooled client for the process."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.adapters.credential import KeptToken
from shared.domain.errors import UnavailableError
from shared.ports import Scored

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from azure.core.credentials import TokenCredential

SCOPE = "https://ml.azure.com/.default"
"""Audience of the tokens that endpoints of auth mode aad_token take."""

WRAPPED = 424
"""A managed endpoint answers this for every status but 200 of its container."""

WORTH_ANOTHER = frozenset({502, 503, 504})
"""What a gateway says when it found nobody to ask."""

CONNECT_SECONDS = 3.0
IDLE_SECONDS = 60.0
"""So long an idle connection is kept; one that the other side closed meanwhile is replaced."""

WRITTEN_AT_ONCE_MAX = 1 << 20
"""Bytes; a larger body is sent piece by piece, so that the others' answers are not held up."""


class AzureScorer:
    """Scores through managed online endpoints, or through containers, by identity.

    Scoring changes nothing, so a request is sent once more, over a new connection, when its
    first try cannot have been anybody's answer: no connection, one that ended before any byte,
    or a gateway's 502, 503 or 504 that names no deployment and sets no time to wait. What a
    deployment itself answers is never asked for again: it would hide a sick one from those who
    count. `scope` is what the tokens are for; None for containers that take none.
    """

    def __init__(
        self,
        credential: TokenCredential,
        scope: str | None = SCOPE,
        traceparent: Callable[[], str] = str,
    ) -> None:
        self._token = KeptToken(credential, scope) if scope is not None else None
        self._traceparent = traceparent
        self._clients: _Clients | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def score(self, scoring_uri: str, body: bytes) -> Scored:
        """Pass the body on; raises UnavailableError, or NotAskedError if nothing was sent."""
        clients = self._opened()
        # The caller's headers are not passed on: they could choose the deployment.
        headers = {}
        if self._token is not None:
            headers["Authorization"] = self._token.at_hand() or await self._token.header()
        if traceparent := self._traceparent():
            headers["traceparent"] = traceparent
        try:
            scored = await _asked(clients.pooled, scoring_uri, body, headers)
        except _NothingCameError:
            pass
        else:
            if not _worth_another(scored):
                return scored
        try:
            return await _asked(clients.single, scoring_uri, body, headers)
        except _NothingCameError as error:
            text = f"the endpoint cannot be reached: {error.__cause__}"
            raise UnavailableError(text) from error.__cause__

    async def close(self) -> None:
        """Let go of the connections; also done when the event loop ends."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    def _opened(self) -> _Clients:
        """The clients, which a task of this loop looks after: the loop's end ends them, too."""
        if self._clients is None or self._keeper is None or self._keeper.done():
            self._clients = _Clients(_client(), _client(reuse=False))
            self._keeper = asyncio.create_task(self._keep(self._clients))
        return self._clients

    async def _keep(self, clients: _Clients) -> None:
        async with clients.pooled, clients.single:
            if self._token is None:
                await asyncio.Event().wait()
            else:
                await self._token.keep()


@dataclass(frozen=True, slots=True)
class _Clients:
    pooled: ClientSession
    single: ClientSession
    """Connects anew each time: an idle connection may have been closed, as others with it."""


class _NothingCameError(Exception):
    """Not one byte of an answer; its cause says why."""


def _client(*, reuse: bool = True) -> ClientSession:
    import aiohttp

    # How many are in flight and for how long is bounded by whoever asks.
    idle_seconds = IDLE_SECONDS if reuse else None
    connector = aiohttp.TCPConnector(limit=0, force_close=not reuse, keepalive_timeout=idle_seconds)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        # Neither rows nor answers are compressed: answers are joined as bytes.
        headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
        auto_decompress=False,
    )


async def _asked(client: ClientSession, url: str, body: bytes, headers: dict[str, str]) -> Scored:
    """One try. Raises _NothingCameError, or UnavailableError once an answer had begun."""
    import aiohttp

    data = body if len(body) <= WRITTEN_AT_ONCE_MAX else io.BytesIO(body)
    # Imports, tokens and lost tries are not counted: whatever a proxy that just started asks
    # first would look slow.
    began = time.perf_counter()
    try:
        response = await client.post(url, data=data, headers=headers, allow_redirects=False)
    except aiohttp.ClientConnectionError as error:
        raise _NothingCameError from error
    except aiohttp.ClientError as error:
        raise UnavailableError(f"the endpoint answers no HTTP: {error}") from error
    try:
        # Read to its end it has given the connection back.
        content = await response.read()
    except aiohttp.ClientError as error:
        response.close()
        raise UnavailableError(f"the endpoint broke off its answer: {error}") from error
    except BaseException:
        response.close()
        raise
    return _scored(response, content, (time.perf_counter() - began) * 1000)


def _scored(response: ClientResponse, content: bytes, latency_ms: float) -> Scored:
    status, headers = response.status, response.headers
    if wrapped := status == WRAPPED:
        said = headers.get("ms-azureml-model-error-statuscode", "")
        status = int(said) if said.isascii() and said.isdigit() and len(said) == 3 else 502
    return Scored(
        status=status,
        body=content,
        content_type=headers.get("Content-Type", "application/json"),
        deployment=headers.get("azureml-model-deployment", ""),
        latency_ms=latency_ms,
        retry_after=headers.get("Retry-After", ""),
        by_container=wrapped or status == 200,
    )


def _worth_another(scored: Scored) -> bool:
    anonymous = not (scored.by_container or scored.deployment or scored.retry_after)
    return scored.status in WORTH_ANOTHER and anonymous
