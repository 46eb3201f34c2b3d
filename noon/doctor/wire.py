"""One HTTP request, whose answer is told whatever its status."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    headers: Message
    body: bytes
    asked_at: float
    """Seconds since the epoch, of our clock."""
    answered_at: float

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def ask(
    url: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    *,
    timeout_seconds: float,
    verified: bool = True,
) -> Reply:
    """Send one request; raises OSError when nobody answers.

    Not `verified`, the server's certificate is not looked at: for its headers alone.
    """
    request = urllib.request.Request(url, body, headers or {}, method=method)  # noqa: S310
    asked_at = time.time()
    try:
        with _opener(url, verified).open(request, timeout=timeout_seconds) as answer:
            content = answer.read()
            return Reply(answer.status, answer.headers, content, asked_at, time.time())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers, error.read(), asked_at, time.time())


def _opener(url: str, verified: bool) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
    if urlsplit(url).hostname in LOOPBACK:
        # A proxy of the shell cannot reach this machine's loopback interface.
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers)


def why_unreachable(error: OSError) -> str:
    """The reason in a word or two, without Python's wrapping."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {reason.verify_message}"
    return str(getattr(reason, "strerror", "") or reason)
