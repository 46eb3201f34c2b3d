"""Asks the local Azure (the emulator's control plane) as its REST clients do."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from noon.failures import CommandError


@dataclass
class LocalAzure:
    """Calls of Azure Resource Manager and of run history; each is one request."""

    url: str
    ca: Path
    identity_header: str
    timeout_seconds: float = 15.0
    _tokens: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> dict[str, Any] | None:
        """Read a resource; None when it is not there."""
        return self._ask("GET", path, None)

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Write a resource; raises CommandError when it is refused."""
        answer = self._ask("PUT", path, body)
        if answer is None:
            raise CommandError(f"the emulator does not know {path}")
        return answer

    def healthy(self) -> bool:
        """Say whether it answers."""
        try:
            return self._send("GET", "/_emulator/health", None, {}) is not None
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any] | None:
        token = self._token(f"{self.url}/")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            return self._send(method, path, body, headers)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            text = error.read().decode(errors="replace")
            raise CommandError(f"{method} {path} was answered {error.code}: {text}") from None
        except OSError as error:
            raise CommandError(f"{method} {self.url}{path} failed: {error}") from None

    def _token(self, resource: str) -> str:
        if resource not in self._tokens:
            path = f"/identity/token?api-version=2019-08-01&resource={quote(resource, safe='')}"
            answer = self._send("GET", path, None, {"X-IDENTITY-HEADER": self.identity_header})
            self._tokens[resource] = answer["access_token"]
        return self._tokens[resource]

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own https URL
            self.url + path, data, headers, method=method
        )
        with self._opener.open(request, timeout=self.timeout_seconds) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cafile=str(self.ca))
        # A proxy of the shell cannot reach this machine's loopback interface.
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
