"""Who may ask: recognises callers by API key or by Entra ID token."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from backend.access_settings import AccessSettings
from backend.bearer import bearer, unauthorized
from backend.problems import Problem


class Guard(Protocol):
    """Lets requests in or says why not."""

    def at_once(self, headers: Mapping[bytes, bytes]) -> Problem | bool:
        """True lets in, a Problem refuses; False when only `after_asking` can tell."""

    async def after_asking(self, headers: Mapping[bytes, bytes]) -> Problem | None:
        """None lets in, a Problem refuses."""


class ApiKeys:
    """Recognises callers by a key in `Authorization: Bearer`, as managed endpoints do."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        # Digests have one length: comparing them says nothing about the length of a key.
        self._digests = [_digest(key.encode()) for key in keys]

    def at_once(self, headers: Mapping[bytes, bytes]) -> Problem | bool:
        """True for a key, the refusal for anything else; in a time that tells nothing."""
        key = bearer(headers)
        if key is None:
            return unauthorized("Send Authorization: Bearer with an API key.")
        digest = _digest(key)
        # All are compared, so that the time does not say which one was nearly right.
        matches = [hmac.compare_digest(digest, each) for each in self._digests]
        return True if any(matches) else unauthorized("The API key is not one of this service.")

    async def after_asking(self, headers: Mapping[bytes, bytes]) -> Problem | None:
        """Never needed: a key is known or not."""
        found = self.at_once(headers)
        return found if isinstance(found, Problem) else None


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def guard_from(settings: AccessSettings, clock: Callable[[], float] = time.time) -> Guard | None:
    """The guard that the settings ask for; None where the platform in front, or nobody, asks."""
    if settings.kind == "key":
        return ApiKeys(settings.api_keys)
    if settings.kind == "entra":
        # Not imported before: keys and signatures take megabytes that most services never need.
        from backend.entra import EntraTokens

        return EntraTokens(settings, clock)
    return None
