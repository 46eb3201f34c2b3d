"""The command that runs a function app."""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure_emulator.functions.errors import HostError
from azure_emulator.functions.queues import VISIBILITY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PORT = 7071
LOOPBACK = "127.0.0.1"
STOP_SECONDS = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of the `functions` command."""
    parser.add_argument("--home", type=Path, default=Path(".azure"), help="where state is kept")
    parser.add_argument("--app", type=Path, default=Path(), help="folder with host.json")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen at")
    parser.add_argument("--host-id", help="name under which timers are remembered")
    parser.add_argument(
        "--queue-visibility-seconds",
        type=float,
        default=VISIBILITY_SECONDS,
        help="how long a message stays hidden at a time (real host: 600)",
    )
    parser.add_argument(
        "--cors",
        metavar="ORIGINS",
        type=origins,
        default=(),
        help="origins that may call the functions from a browser, with commas between them, "
        "instead of Host.CORS in local.settings.json; as `func start --cors`",
    )
    parser.add_argument(
        "--reload", action="store_true", help="start again whenever the app's files change"
    )


def origins(text: str) -> tuple[str, ...]:
    """Read a list of origins with commas between them; raises ArgumentTypeError for others."""
    found = tuple(each.strip() for each in text.split(",") if each.strip())
    for origin in found:
        parts = urlsplit(origin)
        if origin != "*" and not (parts.scheme and parts.netloc and parts.path in ("", "/")):
            raise argparse.ArgumentTypeError(
                f"{origin!r} is no origin, such as http://localhost:5173"
            )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the host as the command line says and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m azure_emulator.functions")
    add_arguments(parser)
    given = parser.parse_args(arguments)
    if given.reload:
        from azure_emulator.functions.reloading import reload

        return reload(given.app, given.home)
    return functions(
        given.home,
        given.app,
        given.port,
        host=given.host,
        host_id=given.host_id,
        queue_visibility_seconds=given.queue_visibility_seconds,
        cors=given.cors,
    )


def functions(
    home: Path,
    app: Path,
    port: int,
    *,
    host: str = LOOPBACK,
    host_id: str | None = None,
    queue_visibility_seconds: float = VISIBILITY_SECONDS,
    cors: Sequence[str] = (),
) -> int:
    """Run the function app in `app` until SIGTERM or SIGINT; return the exit code."""
    import uvicorn

    from azure_emulator.functions.host import Host, HostOptions

    _log_to_stdout()
    options = HostOptions(port, host_id or _host_id(app), queue_visibility_seconds, tuple(cors))
    try:
        # Before anything else: a second host on this port must not fire a single timer.
        listener = _bind(host, port)
        app_host = Host(home, app, options)
    except HostError as error:
        print(f"The host cannot start: {error}", file=sys.stderr)
        return 1
    config = uvicorn.Config(
        app_host.application,
        host=host,
        port=port,
        interface="asgi3",
        lifespan="on",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    # uvicorn raises the signal again after a clean stop; a clean stop is exit code 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    print(app_host.banner(), flush=True)
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    if app_host.invoker.busy_threads:
        # Python would wait for them for ever.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0 if server.started else 1)
    return 0 if server.started else 1


def _bind(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise HostError(f"port {port} of {host}: {error.strerror}") from None
    return listener


def _host_id(app: Path) -> str:
    path = app.resolve()
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    return f"{path.name.lower() or 'app'}-{digest}"


def _log_to_stdout() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    handler = logging.StreamHandler(sys.stdout)
    formatter = logging.Formatter("[%(asctime)s.%(msecs)03dZ] %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # One line per request of every SDK call hides what the app says.
    logging.getLogger("azure").setLevel(logging.WARNING)
