"""The process's one credential."""

from __future__ import annotations

from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.identity import DefaultAzureCredential


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
