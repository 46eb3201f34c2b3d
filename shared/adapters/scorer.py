"""Rows on their way to what serves a model, over one pooled client for the process."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from shared.domain.errors import BusyError, UnavailableError
from shared.ports import Scored

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from azure.core.credentials import TokenCredential

SCOPE = "https://ml.azure.com/.default"
"""Audience of the tokens that endpoints of auth mode aad_token take."""

WRAPPED = 424
"""A managed endpoint answers this for every status but 200 of its container."""


class AzureScorer:
    """Scores through managed online endpoints, or through containers, by identity.

    `scope` is what its tokens are for; None for containers that take none.
    """

    def __init__(
        self, credential: TokenCredential, timeout_seconds: float, scope: str | None = SCOPE
    ) -> None:
        self._credential = credential
        self._timeout_seconds = timeout_seconds
        self._scope = scope
        self._session: ClientSession | None = None

    async def score(self, scoring_uri: str, body: bytes) -> Scored:
        """Pass the body on; raises UnavailableError (no answer), BusyError (too late)."""
        import aiohttp

        # The caller's headers are not passed on: they could choose the deployment.
        headers = {"Content-Type": "application/json"}
        if self._scope is not None:
            token = await asyncio.to_thread(self._credential.get_token, self._scope)
            headers["Authorization"] = f"Bearer {token.token}"
        client = self._client()
        # Not counted: our own imports and tokens, or a proxy that just started would make
        # whatever it asks first look slow.
        began = time.perf_counter()
        try:
            async with client.post(scoring_uri, data=body, headers=headers) as response:
                return await _scored(response, began)
        except TimeoutError:
            text = f"the endpoint did not answer within {self._timeout_seconds:g} s"
            raise BusyError(text) from None
        except aiohttp.ClientError as error:
            raise UnavailableError(f"the endpoint cannot be reached: {error}") from error

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    def _client(self) -> ClientSession:
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=64),
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
            )
        return self._session


async def _scored(response: ClientResponse, began: float) -> Scored:
    body, status = await response.read(), response.status
    if status == WRAPPED:
        status = int(response.headers.get("ms-azureml-model-error-statuscode", "502"))
    return Scored(
        status=status,
        body=body,
        content_type=response.headers.get("Content-Type", "application/json"),
        deployment=response.headers.get("azureml-model-deployment", ""),
        latency_ms=(time.perf_counter() - began) * 1000,
    )
