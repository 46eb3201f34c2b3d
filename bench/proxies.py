"""Proxies in front of the bare echo: what passing a request on costs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from azure_emulator.testing import free_port

from bench.contestant import Contestant, Kind, Rows
from bench.contestants import ECHO, nginx
from bench.environments import Environment
from bench.model import Model
from bench.places import HOME
from bench.proxy.asgi import TOKEN
from bench.rounds import Plan, compared
from bench.server import Server, ask

HOST_HOME = HOME / "host"
ROWS: Rows = [{f"column_{number}": number + 0.5 for number in range(16)}]
"""As long as a row of flights; nobody here looks at it."""

HOST_PID = HOST_HOME / "host.pid"


def proxied(plan: Plan, *, host: bool, only: Collection[str] = ()) -> list[dict[str, Any]]:
    """The figures of the bare echo asked directly, and of everybody in front of it."""
    port = free_port()
    own = replace(ECHO, python=Path(sys.executable))
    environment = own.installed()
    command, variables = own.command(environment, port), own.environment(environment)
    upstream = Server(command, variables, own.folder, HOME / "logs" / "upstream.log")
    loads = tuple(load for load in plan.loads if load.rows == 1)
    everybody = [own, *_proxies(f"http://127.0.0.1:{port}/score", host=host)]
    with ExitStack() as running:
        upstream.start()
        running.callback(upstream.stop)
        upstream.ready(lambda: ask(port, "/score", b"{}", {})[0] == 200)
        figures = compared(
            [each for each in everybody if not only or each.name in only],
            Model(HOME, ROWS, []),
            replace(plan, loads=loads),
        )
    return [each | {"name": "direct"} if each["name"] == own.name else each for each in figures]


def _proxies(upstream: str, *, host: bool) -> tuple[Contestant, ...]:
    """Everybody who passes requests on to that address; the Functions host if wanted."""
    address = upstream.removeprefix("http://").removesuffix("/score")
    front = nginx(
        "nginx proxy",
        "location / { proxy_pass http://up; proxy_http_version 1.1;"
        f' proxy_set_header Connection ""; proxy_set_header Authorization "Bearer {TOKEN}"; }}',
        f"upstream up {{ server {address}; keepalive 64; }}",
    )
    handler = _python("Noon: handler", "ours", upstream, _uvicorn("bench.proxy.handler:app"))
    bare = [
        _python(
            f"bare {client} proxy", "peer", upstream, _uvicorn(f"bench.proxy.bare_{client}:app")
        )
        for client in ("aiohttp", "pyreqwest")
    ]
    hosted = replace(
        _python("Noon: in the Functions host", "ours", upstream, _stack(upstream)),
        path="/api/models/flights/predict",
        headers=_key,
        counted=HOST_PID,
        prepare=_forget,
    )
    return (handler, *([hosted] if host else []), *bare, replace(front, kind="peer"))


def _python(
    name: str, kind: Kind, upstream: str, command: Callable[[Environment, int], list[str]]
) -> Contestant:
    return replace(
        ECHO,
        name=name,
        kind=kind,
        package="",
        command=command,
        python=Path(sys.executable),
        settings={"BENCH_UPSTREAM": upstream},
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
