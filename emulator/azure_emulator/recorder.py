"""Writes every call of the control plane to a file, for tools that check what was answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

RECORDED = ("/subscriptions/", "/history/", "/discovery/")


class Recorder:
    """An ASGI application around another one; a line of JSON is there before its answer is sent.

    A line holds method, path, query, status, and as `request` and `response` the bodies: JSON as
    it is, other text as a string, nothing as null.
    """

    def __init__(self, app: ASGIApp, path: Path) -> None:
        self._app = app
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note what was said."""
        if scope["type"] != "http" or not scope["path"].startswith(RECORDED):
            await self._app(scope, receive, send)
            return
        asked, answered = bytearray(), bytearray()
        status = 0

        async def hear() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def say(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                answered.extend(message.get("body", b""))
                if not message.get("more_body"):
                    self._write(scope, asked, status, answered)
            await send(message)

        await self._app(scope, hear, say)

    def _write(self, scope: Scope, asked: bytearray, status: int, answered: bytearray) -> None:
        line = {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "status": status,
            "request": _content(asked),
            "response": _content(answered),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _content(content: bytearray) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
