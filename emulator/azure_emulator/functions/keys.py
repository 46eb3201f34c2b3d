"""The keys of a function app: made on the first start, kept in the home folder."""

import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Keys:
    """Which key opens what."""

    master: str
    host: dict[str, str]
    system: dict[str, str]
    functions: dict[str, dict[str, str]]

    def is_master(self, given: str | None) -> bool:
        """Tell whether this is the master key."""
        return _matches(given, [self.master])

    def opens_function(self, function: str, given: str | None) -> bool:
        """Tell whether this key may call a function of level `function`."""
        own = self.functions.get(function, {}).values()
        return _matches(given, [*own, *self.host.values(), self.master])

    def opens_system(self, extension: str, given: str | None) -> bool:
        """Tell whether this key may call the webhook of an extension."""
        own = [self.system[extension]] if extension in self.system else []
        return _matches(given, [*own, self.master])


def load_keys(home: Path, functions: Iterable[str]) -> Keys:
    """Return the keys kept in `home`, making those that are missing."""
    path = home / "keys.json"
    stored: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    own = {name: dict(keys) for name, keys in (stored.get("functions") or {}).items()}
    for name in functions:
        own.setdefault(name, {}).setdefault("default", _new_key())
    keys = Keys(
        master=str(stored.get("master") or _new_key()),
        host={"default": _new_key(), **(stored.get("host") or {})},
        system={"eventgrid_extension": _new_key(), **(stored.get("system") or {})},
        functions=own,
    )
    _write(path, keys)
    return keys


def _write(path: Path, keys: Keys) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".json.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(vars(keys), file, indent=2)
        file.write("\n")
    temporary.replace(path)


def _new_key() -> str:
    return secrets.token_urlsafe(40)


def _matches(given: str | None, accepted: Iterable[str]) -> bool:
    if given is None:
        return False
    # Every key is compared, so that the time taken says nothing.
    results = [hmac.compare_digest(given.encode(), key.encode()) for key in accepted]
    return any(results)
