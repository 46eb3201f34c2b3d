"""Callers who come at once are let in together."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
import uvicorn

from backend.__main__ import LISTENERS, DrainingServer
from backend.app import create_app
from backend.settings import Settings
from tests.backend.conftest import next_turn

uvloop = pytest.importorskip("uvloop")


def test_callers_who_come_at_once_are_let_in_together(backend_models: dict[str, Path]) -> None:
    """64 are connected after few turns of the loop: the last does not wait for 63 others' rows."""
    app = create_app(Settings(model_dir=backend_models["late"]))
    server = DrainingServer(uvicorn.Config(app, port=0, log_config=None), app)
    callers = 4 * LISTENERS

    async def turns_until_all_are_in() -> int:
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup()
        address = server.servers[0].sockets[0].getsockname()
        with ExitStack() as open_ones:
            # The kernel takes them; the loop, which stands still meanwhile, finds them all.
            for _ in range(callers):
                open_ones.enter_context(socket.create_connection(address))
            turns = 0
            while len(server.server_state.connections) < callers:
                await next_turn()
                turns += 1
        await server.shutdown()
        return turns

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(turns_until_all_are_in()) < callers / 4
