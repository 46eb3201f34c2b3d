"""Who may ask a scoring service that stands alone, as its environment says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

API_KEY_LENGTH_MIN = 32
"""Characters; a shorter key can be guessed, and nobody types one by hand."""

_KINDS = ("key", "entra", "off")


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """How callers are recognised (`SCORING_AUTH`): by API key, by Entra ID token, or not."""

    kind: str = "off"
    api_keys: tuple[str, ...] = ()
    """`SCORING_API_KEYS`: several, so that one can be exchanged while the other is in use."""
    openid_configuration: str = ""
    """`SCORING_OPENID_CONFIGURATION`: the https address of the issuer's own description."""
    audience: str = ""
    """`SCORING_AUDIENCE`: whom a token must be for."""
    roles: tuple[str, ...] = ()
    """`SCORING_ROLES`: app roles of which a token must have one."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, needed: bool) -> AccessSettings:
        """Read the settings; `needed` where nothing in front of the service asks who calls."""
        kind = environment.get("SCORING_AUTH") or ("" if needed else "off")
        if kind not in _KINDS:
            why = "" if kind else "nobody else asks who calls; "
            raise ValueError(f"SCORING_AUTH must be key, entra or off: {why}it is {kind!r}")
        if kind == "key":
            return cls(kind, api_keys=_api_keys(environment))
        return _entra(environment) if kind == "entra" else cls()


def _api_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    keys = tuple(_listed(environment, "SCORING_API_KEYS"))
    if not keys:
        raise ValueError("SCORING_API_KEYS is needed beside SCORING_AUTH=key")
    for key in keys:
        if len(key) < API_KEY_LENGTH_MIN or not (key.isascii() and key.isprintable()):
            # The key itself is not repeated: messages like this end in logs.
            raise ValueError(
                f"each of SCORING_API_KEYS must be {API_KEY_LENGTH_MIN} or more ASCII characters"
            )
    return keys


def _entra(environment: Mapping[str, str]) -> AccessSettings:
    names = ("SCORING_OPENID_CONFIGURATION", "SCORING_AUDIENCE", "SCORING_ROLES")
    for name in names:
        if not environment.get(name):
            raise ValueError(f"{name} is needed beside SCORING_AUTH=entra")
    url = environment[names[0]]
    # Whoever can answer in the issuer's name decides who may ask.
    if not url.startswith("https://"):
        raise ValueError(f"{names[0]} must begin with https://, not {url!r}")
    roles = tuple(_listed(environment, names[2]))
    return AccessSettings("entra", (), url, environment[names[1]], roles)


def _listed(environment: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in environment.get(name, "").split(",") if part.strip()]
