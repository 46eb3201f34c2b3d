"""Recognises callers by Entra ID access tokens: signature, issuer, audience, time and roles."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import requests

from backend.access_settings import AccessSettings
from backend.bearer import bearer, unauthorized
from backend.problems import Problem

ALGORITHMS = ["RS256"]
"""What Entra ID signs with; whatever else a token names is refused, above all `none`."""

LEEWAY_SECONDS = 60
KEYS_SECONDS = 3_600
"""How long the issuer's keys are kept: it publishes new ones a day before it signs with them."""
ASKING_SECONDS_MIN = 30
"""How soon an unknown key makes us ask again, so that invented ones cannot flood the issuer."""
TIMEOUT_SECONDS = (5.0, 10.0)
TOKENS_REMEMBERED_MAX = 1_000

_log = logging.getLogger("backend")


class IssuerError(Exception):
    """The issuer did not answer, or not as OpenID Connect describes."""


class EntraTokens:
    """Checks each token once; after that it is remembered until it expires."""

    def __init__(self, settings: AccessSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._issuer = _Issuer(settings.openid_configuration)
        self._expiry: dict[bytes, float] = {}
        # One thread: checking signatures must not take the processor from answering.
        self._thread = ThreadPoolExecutor(1, "tokens")

    def at_once(self, headers: Mapping[bytes, bytes]) -> Problem | bool:
        """True for a token that was checked before."""
        token = bearer(headers)
        if token is None:
            return unauthorized("Send Authorization: Bearer with an Entra ID access token.")
        return self._expiry.get(token, 0.0) > self._clock()

    async def after_asking(self, headers: Mapping[bytes, bytes]) -> Problem | None:
        """None for a token that is valid for this service."""
        token = bearer(headers) or b""
        loop = asyncio.get_running_loop()
        try:
            claims = await loop.run_in_executor(self._thread, self._claims, token)
        except jwt.InvalidTokenError as error:
            return unauthorized(f"The token is not valid here: {error}")
        except IssuerError as error:
            _log.error("cannot check tokens: %s", error)
            return Problem(
                503, "Tokens cannot be checked", "Try again.", headers=(("Retry-After", "5"),)
            )
        if not set(self._settings.roles).intersection(_listed(claims.get("roles"))):
            wanted = " or ".join(self._settings.roles)
            return Problem(
                403, "The caller may not ask this", f"The token needs the role {wanted}."
            )
        if len(self._expiry) >= TOKENS_REMEMBERED_MAX:
            self._expiry.clear()
        self._expiry[token] = float(claims["exp"])
        return None

    def _claims(self, token: bytes) -> dict[str, Any]:
        try:
            text = token.decode("ascii")
        except UnicodeDecodeError as error:
            raise jwt.InvalidTokenError("it is not ASCII") from error
        key, issuer = self._issuer.key(str(jwt.get_unverified_header(text).get("kid", "")))
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=ALGORITHMS,
            audience=self._settings.audience,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud"]},
        )
        return claims


class _Issuer:
    """The issuer's name and keys, fetched when they are needed and seldom again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = ""
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._silence = ""

    def key(self, identifier: str) -> tuple[jwt.PyJWK, str]:
        """The key of that identifier and the issuer's name; raises InvalidTokenError without."""
        now = time.monotonic()
        wanted = identifier not in self._keys or now - self._fetched_at > KEYS_SECONDS
        if wanted and now - self._asked_at > ASKING_SECONDS_MIN:
            self._ask(now)
        if not self._keys:
            raise IssuerError(self._silence)
        if identifier not in self._keys:
            raise jwt.InvalidTokenError("it is signed with a key that the issuer does not publish")
        return self._keys[identifier], self._name

    def _ask(self, now: float) -> None:
        self._asked_at = now
        try:
            described = _json(self._url)
            name, address = str(described["issuer"]), described["jwks_uri"]
            keys = jwt.PyJWKSet.from_dict(_json(address)).keys
        except (requests.RequestException, jwt.PyJWTError, KeyError, ValueError) as error:
            # Keys that were good an hour ago are better than refusing everybody.
            self._silence = f"{self._url}: {error}"
            _log.warning("the issuer's keys are not fetched: %s", self._silence)
            return
        self._name, self._keys = name, {str(key.key_id): key for key in keys}
        self._fetched_at = now


def _json(url: str) -> dict[str, Any]:
    if not url.startswith("https://"):
        raise ValueError(f"{url!r} is not https")
    response = requests.get(url, timeout=TIMEOUT_SECONDS)
    response.raise_for_status()
    document: dict[str, Any] = response.json()
    return document


def _listed(roles: object) -> list[str]:
    return [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []
