"""`python -m backend`: the scoring service as the container image starts it."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from backend.direct import direct_answers

if TYPE_CHECKING:
    from backend.app import ScoringService

KEEP_ALIVE_SECONDS = 75
"""Longer than callers and balancers keep an idle connection, so that they end it and not we:
a request on its way to a connection that we close would be lost."""

LISTENERS = 16
"""uvloop takes one new connection in each turn of its loop, and answers all old ones between two:
of 64 that come at once the last would wait for 2,000 answers. It does so for each listening
handle, so that there are several, all of the same socket."""

SWITCH_SECONDS = 0.0001
"""How long a thread that loads a model may keep the interpreter while a request waits for it.

Python's own 5 ms would be paid by every request: each lets go of it while it is scored."""


class DrainingServer(uvicorn.Server):
    """Says that it is not ready any more, answers on for a while, and only then stops."""

    def __init__(self, config: uvicorn.Config, app: ScoringService) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Load the app and listen, also for many callers who come at once."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        if isinstance(loop, asyncio.BaseEventLoop):
            return  # Python's own takes all who wait.
        config = self.config

        def protocol() -> asyncio.Protocol:
            return config.http_protocol_class(  # type: ignore[call-arg] # uvicorn's own have these
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )

        for first in [each for server in self.servers for each in server.sockets]:
            for _ in range(LISTENERS - 1):
                same = socket.fromfd(first.fileno(), first.family, first.type)
                again = await loop.create_server(protocol, sock=same, backlog=config.backlog)
                self.servers.append(again)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the drain, the second ends it."""
        seconds = self._app.settings.drain_seconds
        again, self._app.scoring.draining = self._app.scoring.draining, True
        if again or not self.started or seconds == 0:
            super().handle_exit(sig, frame)
            return
        # The loop may be asleep in a wait for requests: only this wakes it out of a signal.
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, seconds, super().handle_exit, sig, frame)


def main() -> None:
    """Serve models until the process is told to stop."""
    parser = _parser()
    options = parser.parse_args()
    try:
        from backend.app import app
    except ValueError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        http=direct_answers(app),
        # The access log costs a quarter of the throughput, and the proxy in front keeps its own.
        access_log=False,
        # Nothing here asks who the caller's caller is.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=options.grace_seconds,
    )
    DrainingServer(config, app).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backend", description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    parser.add_argument(
        "--grace-seconds",
        type=int,
        default=10,
        help="how long requests in flight may take when the process is told to stop",
    )
    return parser


if __name__ == "__main__":
    main()
