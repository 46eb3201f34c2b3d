"""The keys of the local Functions host: who may read may not order."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Any

from noon.declared import Declared, declared_functions

if TYPE_CHECKING:
    from noon.home import Home

READERS = "readers"
"""The name of a key that every function for readers and callers has, with one value."""
PREDICT = "predict"


def ensure_readers_key(home: Home) -> None:
    """Give the functions for reading and predicting a key in common, before the host starts.

    The host's own key opens orders too, here as in Azure, and so it is nobody's.
    """
    keys = home.host_keys()
    own: dict[str, Any] = keys.setdefault("functions", {})
    made = [each[READERS] for each in own.values() if READERS in each]
    value = made[0] if made else secrets.token_urlsafe(40)
    for function in declared_functions():
        if _is_for_readers(function):
            own.setdefault(function.name, {})[READERS] = value
    _write(home, keys)


def record_keys(home: Home) -> dict[str, str]:
    """Give the keys for the stack's record: `function`, `orders`, `rollout`."""
    own = home.host_keys()["functions"]
    return {
        "function": own[PREDICT][READERS],
        "orders": own["train"]["default"],
        "rollout": own["rollout"]["default"],
    }


def _is_for_readers(function: Declared) -> bool:
    return function.keyed and (function.method == "GET" or function.name == PREDICT)


def _write(home: Home, keys: dict[str, Any]) -> None:
    """Replace the file in one step; only its owner may read it."""
    part = home.host_keys_file.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(keys, file, indent=2)
        file.write("\n")
    part.replace(home.host_keys_file)
