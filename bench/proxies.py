"""Proxies in front of the bare echo: what passing a request on costs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from azure_emulator.certificates import ensure_certificates
from azure_emulator.testing import free_port, listening

from bench.contestant import Contestant, Kind, Rows
from bench.contestants import ECHO, nginx
from bench.environments import Environment
from bench.model import Model
from bench.places import HOME
from bench.proxy.asgi import TOKEN
from bench.rounds import Plan, compared
from bench.server import Server

HOST_HOME = HOME / "host"
ROWS: Rows = [{f"column_{number}": number + 0.5 for number in range(16)}]
"""As long as a row of flights; nobody here looks at it."""

HOST_PID = HOST_HOME / "host.pid"


def proxied(plan: Plan, *, host: bool, only: Collection[str] = ()) -> list[dict[str, Any]]:
    """The figures of the bare echo asked directly, and of everybody in front of it."""
    with _upstream() as port:
        url = f"http://127.0.0.1:{port}/score"
        everybody = [_own_echo(), *_in_python(url), _nginx(port)]
        if host:
            everybody.insert(2, _hosted(url))
        figures = _compared(plan, [each for each in everybody if not only or each.name in only])
    return [each | {"name": "direct"} if each["name"] == ECHO.name else each for each in figures]


def proxied_over_https(plan: Plan) -> list[dict[str, Any]]:
    """The figures of the proxies in Python when the echo has a certificate, as endpoints have."""
    files = ensure_certificates(HOME)
    options = ("--ssl-certfile", str(files.certificate), "--ssl-keyfile", str(files.key))
    with _upstream(*options) as port:
        url = f"https://127.0.0.1:{port}/score"
        return _compared(plan, _in_python(url, SSL_CERT_FILE=str(files.bundle)))


def _compared(plan: Plan, everybody: Sequence[Contestant]) -> list[dict[str, Any]]:
    loads = tuple(load for load in plan.loads if load.rows == 1)
    return compared(everybody, Model(HOME, ROWS, []), replace(plan, loads=loads))


def _own_echo() -> Contestant:
    return replace(ECHO, python=Path(sys.executable))


@contextmanager
def _upstream(*options: str) -> Iterator[int]:
    """The port of an echo that stands for the endpoint; options go to its server."""
    port, echo = free_port(), _own_echo()
    environment = echo.installed()
    command, variables = echo.command(environment, port), echo.environment(environment)
    log = HOME / "logs" / "upstream.log"
    upstream = Server([*command, *options], variables, echo.folder, log)
    upstream.start()
    try:
        upstream.ready(lambda: listening(port))
        yield port
    finally:
        upstream.stop()


def _in_python(upstream: str, **settings: str) -> list[Contestant]:
    """Those that run in the echo's server, as it runs here."""
    settings |= {"BENCH_UPSTREAM": upstream}
    return [
        _python("Noon: handler", "ours", settings, _uvicorn("bench.proxy.handler:app")),
        *[
            _python(
                f"bare {client} proxy",
                "peer",
                settings,
                _uvicorn(f"bench.proxy.bare_{client}:app"),
            )
            for client in ("aiohttp", "pyreqwest")
        ],
    ]


def _hosted(upstream: str) -> Contestant:
    return replace(
        _python("Noon: in the Functions host", "ours", {}, _stack(upstream)),
        path="/api/models/flights/predict",
        headers=_key,
        counted=HOST_PID,
        prepare=_forget,
    )


def _nginx(port: int) -> Contestant:
    front = nginx(
        "nginx proxy",
        "location / { proxy_pass http://up; proxy_http_version 1.1;"
        f' proxy_set_header Connection ""; proxy_set_header Authorization "Bearer {TOKEN}"; }}',
        f"upstream up {{ server 127.0.0.1:{port}; keepalive 64; }}",
    )
    return replace(front, kind="peer")


def _python(
    name: str,
    kind: Kind,
    settings: dict[str, str],
    command: Callable[[Environment, int], list[str]],
) -> Contestant:
    return replace(
        ECHO,
        name=name,
        kind=kind,
        package="",
        command=command,
        python=Path(sys.executable),
        settings=settings,
    )


def _uvicorn(app: str) -> Callable[[Environment, int], list[str]]:
    return lambda _, port: [
        *[sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)],
        "--no-access-log",
    ]


def _stack(upstream: str) -> Callable[[Environment, int], list[str]]:
    return lambda _, port: [
        *[sys.executable, "-m", "bench.proxy.stack", "--home", str(HOST_HOME)],
        *["--port", str(port), "--upstream", upstream],
    ]


def _forget(_: Environment, __: dict[str, str], ___: int) -> None:
    """Keys of an earlier run would open nothing."""
    (HOST_HOME / "keys.json").unlink(missing_ok=True)
    HOST_PID.unlink(missing_ok=True)


def _key() -> dict[str, str]:
    """The function's own key, once the host has made it."""
    try:
        keys = json.loads((HOST_HOME / "keys.json").read_text())
        return {"x-functions-key": keys["functions"]["predict"]["default"]}
    except (OSError, ValueError, LookupError):
        return {}
