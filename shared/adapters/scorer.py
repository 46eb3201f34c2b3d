"""Rows on their way to what serves a model, over one pooled client for the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BodyDecodeError,
    ConnectError,
    ConnectTimeoutError,
    ReadError,
    RequestError,
)

from shared.adapters.credential import KeptToken
from shared.domain.errors import UnavailableError
from shared.ports import Scored

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from pyreqwest.response import Response

SCOPE = "https://ml.azure.com/.default"
"""Audience of the tokens that endpoints of auth mode aad_token take."""

WRAPPED = 424
"""A managed endpoint answers this for every status but 200 of its container."""

WORTH_ANOTHER = frozenset({502, 503, 504})
"""What a gateway says when it found nobody to ask."""

CONNECT_TIME = timedelta(seconds=3)
IDLE_TIME = timedelta(seconds=60)
"""So long an idle connection is kept; one that the other side closed meanwhile is replaced."""


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
            if scored.status not in WORTH_ANOTHER or _is_somebodys(scored):
                return scored
        try:
            return await _asked(clients.single, scoring_uri, body, headers)
        except _NothingCameError as error:
            raise UnavailableError(f"the endpoint cannot be reached: {error}") from error.__cause__

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
    pooled: Client
    single: Client
    """Connects anew each time: an idle connection may have been closed, as others with it."""


class _NothingCameError(Exception):
    """No answer had begun; says why."""


def _client(*, reuse: bool = True) -> Client:
    # How many are in flight and for how long is bounded by whoever asks.
    builder = ClientBuilder().connect_timeout(CONNECT_TIME).pool_idle_timeout(IDLE_TIME)
    if not reuse:
        builder = builder.pool_max_idle_per_host(0)
    # Neither rows nor answers are compressed: answers are joined as bytes.
    builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    # A token goes to the endpoint, to nobody that it or the environment points to.
    return builder.default_headers(headers).follow_redirects(False).no_proxy().build()


async def _asked(client: Client, url: str, body: bytes, headers: dict[str, str]) -> Scored:
    """One try. Raises _NothingCameError, or UnavailableError once an answer had begun."""
    # Tokens and lost tries are not counted: they would make a deployment look slow.
    began = time.perf_counter()
    try:
        request = client.post(url).headers(headers).body_bytes(body).build()
        response = await request.send()
    except (ConnectError, ConnectTimeoutError) as error:
        raise _NothingCameError(_causes(error)) from error
    except (ReadError, BodyDecodeError) as error:
        text = f"the endpoint broke off its answer: {_causes(error)}"
        raise UnavailableError(text) from error
    except RequestError as error:
        raise UnavailableError(f"the endpoint answers no HTTP: {_causes(error)}") from error
    except ValueError as error:
        raise UnavailableError(f"{url!r} is no address of an endpoint: {error}") from error
    # It came whole with the answer; this takes it out.
    content = bytes(await response.bytes())
    return _scored(response, content, (time.perf_counter() - began) * 1000)


def _causes(error: RequestError) -> str:
    """What went wrong, from where it was met down to its reason."""
    causes = [cause["message"] for cause in error.details["causes"] or ()]
    return ": ".join(causes) or error.message


def _scored(response: Response, content: bytes, latency_ms: float) -> Scored:
    status = response.status
    if wrapped := status == WRAPPED:
        said = _header(response, "ms-azureml-model-error-statuscode")
        status = int(said) if said.isascii() and said.isdigit() and len(said) == 3 else 502
    return Scored(
        status=status,
        body=content,
        content_type=_header(response, "Content-Type") or "application/json",
        deployment=_header(response, "azureml-model-deployment"),
        latency_ms=latency_ms,
        retry_after=_header(response, "Retry-After"),
        by_container=wrapped or status == 200,
    )


def _header(response: Response, name: str) -> str:
    """What it says; nothing when it is not there or no text."""
    try:
        return response.get_header(name) or ""
    except ValueError:
        return ""


def _is_somebodys(scored: Scored) -> bool:
    """A container answered it, or whoever did knows when to come again."""
    return bool(scored.by_container or scored.deployment or scored.retry_after)
