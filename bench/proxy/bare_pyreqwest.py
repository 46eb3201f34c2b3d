"""The same over pyreqwest, the client that Noon's handler uses."""

from __future__ import annotations

import os

from pyreqwest.client import Client, ClientBuilder

from bench.proxy.asgi import TOKEN, Receive, Scope, Send, respond, until_the_end, whole_body

UPSTREAM = os.environ["BENCH_UPSTREAM"]
_clients: list[Client] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass one request on."""
    if scope["type"] == "lifespan":
        async with ClientBuilder().build() as client:
            _clients.append(client)
            await until_the_end(receive, send)
        return
    body = await whole_body(receive)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    request = _clients[0].post(UPSTREAM).headers(headers).body_bytes(body).build()
    response = await request.send()
    content_type = response.get_header("Content-Type") or ""
    await respond(send, response.status, bytes(await response.bytes()), content_type)
