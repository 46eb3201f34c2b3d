"""uvicorn's HTTP protocol, whose answers leave in one system call instead of two."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_END_OF_HEAD = b"\r\n\r\n"
_INTERIM = b"HTTP/1.1 1"


class WholeAnswers(HttpToolsProtocol):
    """Sends the head of an answer together with the first part of its body.

    uvicorn writes the head as soon as it is known. Over the loopback interface and most networks
    that is a packet of its own, a second system call here and a second wake-up for the caller,
    which together cost as much as scoring a row.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller has connected."""
        super().connection_made(cast("asyncio.Transport", HeadsWait(transport)))


class HeadsWait:
    """A transport on which the head of an answer waits for what is written next.

    A body always follows, if an empty one: ASGI wants it. Interim answers (100 Continue) do not
    wait, since their caller does.
    """

    __slots__ = ("_head", "_transport", "_write")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._write = transport.write
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send it, or keep it if it is a head."""
        if self._head:
            head, self._head = self._head, b""
            self._write(head + data)
        elif data.endswith(_END_OF_HEAD) and not data.startswith(_INTERIM):
            self._head = data
        else:
            self._write(data)

    def close(self) -> None:
        """Send what waits, then close."""
        if self._head:
            self.write(b"")
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)
