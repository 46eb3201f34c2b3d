"""The Authorization header: what stands in it, and the answer to who is not known by it."""

from __future__ import annotations

from collections.abc import Mapping

from backend.problems import Problem

CHALLENGE = (("WWW-Authenticate", "Bearer"),)


def bearer(headers: Mapping[bytes, bytes]) -> bytes | None:
    """What stands behind `Bearer` in the Authorization header."""
    scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
    return value.strip() or None if scheme.lower() == b"bearer" else None


def unauthorized(detail: str) -> Problem:
    """The refusal of a caller who is not known."""
    return Problem(401, "The caller is not known", detail, headers=CHALLENGE)
