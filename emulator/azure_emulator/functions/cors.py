"""Lets browsers of other origins call the functions, with the headers of the real host.

`func start` gives ASP.NET's middleware the origins of `--cors` or `Host.CORS`, any header and any
method, and nothing more: no header is exposed and no preflight is remembered. What a function sets
itself, such as Access-Control-Expose-Headers, reaches the browser.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANY = "*"


class Cors:
    """An application that says which origins may read its answers, before another one."""

    def __init__(self, application: ASGIApp, origins: Sequence[str]) -> None:
        self._application = application
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or mark the answer to what an allowed origin asks."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        asked = Headers(scope=scope)
        allowed = self._allowed(asked.get("origin", ""))
        method = asked.get("access-control-request-method")
        if "origin" in asked and scope["method"] == "OPTIONS" and method is not None:
            if allowed:
                allowed["access-control-allow-methods"] = method
                if "access-control-request-headers" in asked:
                    names = asked["access-control-request-headers"].split(",")
                    joined = ",".join(name.strip() for name in names)
                    allowed["access-control-allow-headers"] = joined
            # 204 whatever the origin: it is the browser that refuses, for want of the headers.
            head = [(name.encode(), value.encode("latin-1")) for name, value in allowed.items()]
            await send({"type": "http.response.start", "status": 204, "headers": head})
            await send({"type": "http.response.body"})
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(allowed)
            await send(message)

        await self._application(scope, receive, marked)

    def _allowed(self, origin: str) -> dict[str, str]:
        """The headers for an origin; none for one that is not allowed."""
        if not origin or not {origin.lower(), ANY} & self._origins:
            return {}
        if ANY in self._origins:
            return {"access-control-allow-origin": ANY}
        varies = {"vary": "Origin"} if len(self._origins) > 1 else {}
        return {"access-control-allow-origin": origin, **varies}
