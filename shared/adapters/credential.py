"""The process's one credential, and tokens from it that are renewed ahead of their end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_errors import azure_errors
from shared.domain.errors import NoonError, NotAskedError

if TYPE_CHECKING:
    from azure.core.credentials import (
        AccessToken,
        AccessTokenInfo,
        TokenCredential,
        TokenRequestOptions,
    )
    from azure.identity import DefaultAzureCredential

RENEW_AHEAD_SECONDS = 290.0
"""azure.identity gives a token from memory until 300 s before its end: asked later it renews it."""

RENEW_AGAIN_SECONDS = 30.0
"""When a token could not be had, or was the old one again."""


class LazyCredential:
    """DefaultAzureCredential, built when the first token is asked for.

    Tokens are kept per instance and azure.identity takes half a second to import: one for the
    process, and none for a call that needs no token.
    """

    def __init__(self) -> None:
        self._lock = Lock()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token for the scopes, from memory while it lasts."""
        return self._built().get_token(*scopes, **options)

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """The same with more said about the token."""
        return self._built().get_token_info(*scopes, options=options)

    def _built(self) -> DefaultAzureCredential:
        with self._lock:
            return self._credential

    @cached_property
    def _credential(self) -> DefaultAzureCredential:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential()


class KeptToken:
    """A bearer token for requests, which wait for it only while there is none at all.

    `keep` runs beside the requests and renews it; `now` gives seconds since the epoch.
    """

    def __init__(
        self, credential: TokenCredential, scope: str, now: Callable[[], float] = time.time
    ) -> None:
        self._credential = credential
        self._scope = scope
        self._now = now
        self._held: tuple[str, float] = ("", 0.0)
        self._problem = ""
        self._renewing: asyncio.Future[None] | None = None

    async def header(self) -> str:
        """The Authorization header; raises NotAskedError when no token can be had."""
        if header := self.at_hand():
            return header
        await self._renewal()
        if header := self.at_hand():
            return header
        raise NotAskedError(self._problem or "the token that came had ended already")

    def at_hand(self) -> str:
        """The header when nobody needs to wait for it; else nothing."""
        header, ends_at = self._held
        return header if self._now() < ends_at else ""

    async def keep(self) -> None:
        """Renew the token whenever that is due, until cancelled."""
        while True:
            await self._renewal()
            await asyncio.sleep(self.due_in_seconds())

    def due_in_seconds(self) -> float:
        """How long the token need not be renewed."""
        left = self._held[1] - self._now()
        return max(left - RENEW_AHEAD_SECONDS, min(RENEW_AGAIN_SECONDS, max(1.0, left / 2)))

    async def _renewal(self) -> None:
        """One fetch at a time, for all who wait; whoever gives up leaves it to the others."""
        if self._renewing is None or self._renewing.done():
            loop = asyncio.get_running_loop()
            self._renewing = loop.run_in_executor(None, self._fetch)
        await asyncio.shield(self._renewing)

    def _fetch(self) -> None:
        try:
            with azure_errors("getting a token"):
                token = self._credential.get_token(self._scope)
        except NoonError as error:
            # The old one stays for as long as it lasts.
            self._problem = str(error)
        else:
            self._held = (f"Bearer {token.token}", float(token.expires_on))
