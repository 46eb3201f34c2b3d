"""`python -m noon.local.composed`: what compose.yaml does once, before and after the start."""

from __future__ import annotations

import os
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from noon.client import AppClient
from noon.commands.data import run_push
from noon.commands.deploy import run_components
from noon.failures import CommandError
from noon.home import Home
from noon.local.emulated import LocalAzure
from noon.local.flights import MODEL
from noon.local.keys import ensure_readers_key, record_keys
from noon.local.subscriptions import subscribe
from shared.domain.errors import NoonError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HOME = Path("/azure")
"""The volume that the services share."""
START_SECONDS = 180.0
POLL_SECONDS = 1.0


def main(arguments: Sequence[str] = ()) -> int:
    """`keys` makes the readers' key before the host starts; `setup` does the rest after it."""
    if list(arguments) == ["keys"]:
        ensure_readers_key(Home(HOME))
        return 0
    return _set_up(os.environ["NOON_URL"])


def _set_up(url: str) -> int:
    """Register the components, subscribe to events, let flights land, and say how to go on."""
    try:
        azure = _azure()
        _wait(AppClient(url, timeout_seconds=5).healthy, f"the function app at {url}")
        _wait(azure.healthy, f"Azure ML at {azure.url}")
        run_components(as_json=False)
        subscribe(azure, url, Home(HOME).host_keys()["system"])
        first, last = (os.environ[f"NOON_FLIGHTS_{which}"] for which in ("FROM", "TO"))
        run_push(MODEL, [], date.fromisoformat(first), date.fromisoformat(last), as_json=False)
    except NoonError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    _invite(record_keys(Home(HOME)))
    return 0


def _azure() -> LocalAzure:
    parts = urlsplit(os.environ["IDENTITY_ENDPOINT"])
    ca = HOME / "tls" / "ca.pem"
    return LocalAzure(f"{parts.scheme}://{parts.netloc}", ca, os.environ["IDENTITY_HEADER"])


def _wait(ready: Callable[[], bool], what: str) -> None:
    """Return when it is ready; raises CommandError when that takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise CommandError(f"{what} did not answer within {START_SECONDS:.0f} s: see its log")
        time.sleep(POLL_SECONDS)


def _invite(keys: Mapping[str, str]) -> None:
    print(
        f"""
The web page      http://localhost:8080
The function app  http://localhost:7071/api/models

  export NOON_URL=http://localhost:7071 NOON_FUNCTION_KEY={keys["function"]}
  export NOON_ORDERS_KEY={keys["orders"]} NOON_ROLLOUT_KEY={keys["rollout"]}
  noon status""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
