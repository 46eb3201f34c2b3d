"""A proxy that does nothing but pass on, over aiohttp as its documentation shows it."""

from __future__ import annotations

import os

import aiohttp

from bench.proxy.asgi import TOKEN, Receive, Scope, Send, respond, whole_body

UPSTREAM = os.environ["BENCH_UPSTREAM"]
_sessions: list[aiohttp.ClientSession] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass one request on."""
    if scope["type"] == "lifespan":
        await receive()
        _sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await _sessions.pop().close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = await whole_body(receive)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    async with _sessions[0].post(UPSTREAM, data=body, headers=headers) as response:
        content = await response.read()
    await respond(send, response.status, content, response.headers["Content-Type"])
