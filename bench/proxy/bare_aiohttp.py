"""A proxy that does nothing but pass on, over aiohttp as its documentation shows it."""

from __future__ import annotations

import os

import aiohttp

from bench.proxy.asgi import TOKEN, Receive, Scope, Send, respond, until_the_end, whole_body

UPSTREAM = os.environ["BENCH_UPSTREAM"]
_sessions: list[aiohttp.ClientSession] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass one request on."""
    if scope["type"] == "lifespan":
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
            _sessions.append(session)
            await until_the_end(receive, send)
        return
    body = await whole_body(receive)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    async with _sessions[0].post(UPSTREAM, data=body, headers=headers) as response:
        content = await response.read()
    await respond(send, response.status, content, response.headers["Content-Type"])
