"""The host's own routes: `/admin/…` with the master key, `/_emulator/…` for tests and people."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as StarletteRoute

import azure_emulator
from azure_emulator.functions.invocation import FunctionError, Invoker
from azure_emulator.functions.keys import Keys
from azure_emulator.functions.loading import LoadedFunction

StartByHand = Callable[[LoadedFunction, str], Awaitable[None]]


class Admin:
    """What operators and Core Tools ask a host."""

    def __init__(
        self,
        functions: Sequence[LoadedFunction],
        urls: dict[str, str],
        keys: Keys,
        invoker: Invoker,
        host_id: str,
        start: StartByHand,
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._urls = urls
        self._keys = keys
        self._invoker = invoker
        self._host_id = host_id
        self._start = start
        self._started = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[StarletteRoute]:
        """Return the routes to serve."""
        return [
            StarletteRoute("/admin/host/status", self._guarded(self._status)),
            StarletteRoute("/admin/host/ping", self._guarded(self._ping), methods=["GET", "POST"]),
            StarletteRoute("/admin/functions", self._guarded(self._list)),
            StarletteRoute("/admin/functions/{name}", self._guarded(self._get), methods=["GET"]),
            StarletteRoute("/admin/functions/{name}", self._guarded(self._run), methods=["POST"]),
            StarletteRoute("/admin/functions/{name}/keys", self._guarded(self._function_keys)),
            StarletteRoute("/_emulator/health", self._health),
            StarletteRoute("/_emulator/invocations", self._invocations),
        ]

    def _guarded(
        self, handler: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            given = request.headers.get("x-functions-key") or request.query_params.get("code")
            if not self._keys.is_master(given):
                return Response(status_code=401)
            return await handler(request)

        return guarded

    async def _status(self, _: Request) -> Response:
        return JSONResponse(
            {
                "id": self._host_id,
                "state": "Running",
                "version": f"4.0.0-local-{azure_emulator.__version__}",
                "versionDetails": azure_emulator.__version__,
                "processUptime": int((time.monotonic() - self._started) * 1000),
            }
        )

    async def _ping(self, _: Request) -> Response:
        return Response(status_code=200)

    async def _list(self, _: Request) -> Response:
        return JSONResponse([self._describe(function) for function in self._functions.values()])

    async def _get(self, request: Request) -> Response:
        function = self._functions.get(request.path_params["name"].lower())
        if function is None:
            return Response(status_code=404)
        return JSONResponse(self._describe(function))

    async def _function_keys(self, request: Request) -> Response:
        function = self._functions.get(request.path_params["name"].lower())
        if function is None:
            return Response(status_code=404)
        keys = self._keys.functions[function.name]
        pairs = [{"name": name, "value": value} for name, value in keys.items()]
        return JSONResponse({"keys": pairs, "links": []})

    async def _run(self, request: Request) -> Response:
        function = self._functions.get(request.path_params["name"].lower())
        if function is None:
            return Response(status_code=404)
        if function.kind == "httpTrigger":
            return PlainTextResponse("call an HTTP function by its route", status_code=400)
        try:
            text = json.loads(await request.body())["input"]
        except (ValueError, LookupError, TypeError):
            return Response(status_code=400)
        if not isinstance(text, str):
            return Response(status_code=400)
        task = asyncio.create_task(self._run_quietly(function, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Response(status_code=202)

    async def _run_quietly(self, function: LoadedFunction, text: str) -> None:
        try:
            await self._start(function, text)
        except FunctionError:
            # Fire and forget: how it went is in the log of invocations.
            return

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _invocations(self, request: Request) -> Response:
        wanted = request.query_params.get("function")
        runs = [run for run in self._invoker.log if wanted in (None, run.function)]
        return JSONResponse({"value": [run.as_json() for run in runs]})

    def _describe(self, function: LoadedFunction) -> dict[str, Any]:
        config = {
            "name": function.name,
            "scriptFile": "function_app.py",
            "language": "python",
            "bindings": function.bindings,
        }
        return {
            "name": function.name,
            "language": "python",
            "isDisabled": False,
            "invoke_url_template": self._urls.get(function.name),
            "config": config,
        }


def new_message_id() -> str:
    """Return an id for a message that was never in a queue."""
    return str(uuid.uuid4())
