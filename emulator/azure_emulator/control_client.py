"""Asks the control routes of a running emulator."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from .mistakes import UserMistakeError

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_SECONDS = 15.0


class ControlClient:
    """Calls below `/_emulator/`; raises UserMistakeError when one is refused."""

    def __init__(self, url: str, ca: Path) -> None:
        self._url = url
        context = ssl.create_default_context(cafile=str(ca))
        # A proxy of the shell cannot reach this machine's loopback interface.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Give the JSON that is answered."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own https URL
            f"{self._url}/_emulator/{path}", data, method=method
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise UserMistakeError(_reason(error.read())) from None
        except OSError as error:
            raise UserMistakeError(
                f"the emulator at {self._url} does not answer: {error}"
            ) from None


def _reason(content: bytes) -> str:
    try:
        said = json.loads(content)
        return " ".join(str(said[key]) for key in ("error", "hint") if said.get(key))
    except (AttributeError, ValueError):
        return content.decode(errors="replace")
