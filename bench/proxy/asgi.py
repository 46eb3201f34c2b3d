"""The little of ASGI that the proxies need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

TOKEN = "t" * 1500
"""As long as those of Entra ID; every proxy sends one."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def whole_body(receive: Receive) -> bytes:
    """The request's body."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def respond(send: Send, status: int, body: bytes, content_type: str) -> None:
    """Send a whole answer."""
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def until_the_end(receive: Receive, send: Send) -> None:
    """Say that the proxy is ready, and come back when it is to stop."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
