"""Puts a function app, its keys and its triggers together."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as StarletteRoute

from azure_emulator.functions import configuration, connections
from azure_emulator.functions.admin import Admin, new_message_id
from azure_emulator.functions.cors import Cors
from azure_emulator.functions.http import HttpFunctions
from azure_emulator.functions.invocation import Invoker
from azure_emulator.functions.keys import load_keys
from azure_emulator.functions.loading import LoadedFunction, load_app
from azure_emulator.functions.queues import QueueListener, metadata_of_test_message
from azure_emulator.functions.routes import Route, build_routes
from azure_emulator.functions.schedule import parse_schedule
from azure_emulator.functions.singleton import HostStorage, Singleton
from azure_emulator.functions.timers import StatusBlob, Timer
from azure_emulator.functions.webhook import EventGridWebhook, event_invocation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from azure_emulator.functions.configuration import HostConfiguration

LOG = logging.getLogger("host")
DRAIN_SECONDS = 2.0
_OWN_PATHS = ("/admin/", "/runtime/", "/_emulator/")


@dataclass(frozen=True)
class HostOptions:
    """What the caller chooses about a host."""

    port: int
    host_id: str
    queue_visibility_seconds: float
    cors: tuple[str, ...] = ()
    """Origins that may call the functions; where there are none, those of local.settings.json."""


class Host:
    """One running function app."""

    def __init__(self, home: Path, app: Path, options: HostOptions) -> None:
        home, app = home.resolve(), app.resolve()
        configuration.prepare_environment(app)
        settings = configuration.read_host_json(app, os.environ)
        self.functions = load_app(app)
        self.invoker = Invoker()
        self.routes: Sequence[Route] = build_routes(self.functions, settings.route_prefix)
        # Work of the host itself never waits behind the app's functions.
        self._threads = ThreadPoolExecutor(32, thread_name_prefix="host")
        self._timers = self._make_timers(home, options)
        self._queues = self._make_queues(settings, options)
        self._tasks: list[asyncio.Task[None]] = []
        self._base = f"http://localhost:{options.port}"
        keys = load_keys(home, [function.name for function in self.functions])
        self._http = HttpFunctions(self.routes, keys, self.invoker, settings.body_bytes_max)
        webhook = EventGridWebhook(self.functions, keys, self.invoker)
        admin = Admin(
            self.functions, self.urls(), keys, self.invoker, options.host_id, self._start_by_hand
        )
        own = [
            *admin.routes(),
            StarletteRoute("/_emulator/queues", self._describe_queues),
            StarletteRoute("/_emulator/timers", self._describe_timers),
            StarletteRoute(
                "/runtime/webhooks/EventGrid", webhook.handle, methods=["POST", "OPTIONS", "GET"]
            ),
        ]
        self._own = Starlette(routes=own, lifespan=self._lifespan)
        origins = options.cors or configuration.cors_origins(app)
        self.application: ASGIApp = Cors(self._dispatch, origins) if origins else self._dispatch

    def urls(self) -> dict[str, str]:
        """Return the address of each HTTP function."""
        return {route.function.name: f"{self._base}/{route.template}" for route in self.routes}

    def banner(self) -> str:
        """Return what the host prints when it starts, in the manner of Core Tools."""
        lines = ["", "Functions:", ""]
        methods = {route.function.name: route.methods for route in self.routes}
        urls = self.urls()
        for function in self.functions:
            if function.name in urls:
                every = len(methods[function.name]) > 7
                verbs = "" if every else f"[{','.join(sorted(methods[function.name]))}] "
                lines.append(f"\t{function.name}: {verbs}{urls[function.name]}")
            else:
                lines.append(f"\t{function.name}: {function.kind}")
            lines.append("")
        return "\n".join(lines)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(_OWN_PATHS):
            await self._http(scope, receive, send)
        else:
            await self._own(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        for timer in self._timers.values():
            self._watch(f"timer {timer.function.name}", timer.run())
        for listener in self._queues.values():
            self._watch(f"queue {listener.queue}", listener.run())
        yield
        for task in self._tasks:
            task.cancel()
        if self._tasks:  # they give their locks back
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
        if not await self.invoker.drain(DRAIN_SECONDS):
            LOG.warning("%d invocations are abandoned", self.invoker.running)
        self.invoker.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _watch(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report_end)
        self._tasks.append(task)

    async def _start_by_hand(self, function: LoadedFunction, text: str) -> None:
        if function.name in self._timers:
            await self._timers[function.name].fire_now()
        elif function.name in self._queues:
            metadata = metadata_of_test_message(new_message_id())
            await self._queues[function.name].invoke(
                text.encode(), metadata, "This function was called by the host's API."
            )
        else:
            await event_invocation(self.invoker, function, json.loads(text))

    async def _describe_queues(self, _: Request) -> Response:
        return JSONResponse(
            {
                "value": [
                    {"function": name, "queue": listener.queue, "renewals": listener.renewals}
                    for name, listener in self._queues.items()
                ]
            }
        )

    async def _describe_timers(self, _: Request) -> Response:
        held = {name: timer.singleton.held for name, timer in self._timers.items()}
        return JSONResponse(
            {"value": [{"function": name, "here": here} for name, here in held.items()]}
        )

    def _make_timers(self, home: Path, options: HostOptions) -> dict[str, Timer]:
        functions = [each for each in self.functions if each.kind == "timerTrigger"]
        if not functions:
            return {}
        connection = connections.find_connection(None, os.environ)
        connection.require_blobs()
        storage = HostStorage(connection.blobs, options.host_id, self._threads)
        timers = {}
        for function in functions:
            name = function.name
            text = configuration.resolve(str(function.trigger["schedule"]), os.environ, name)
            # The host that is started again in this place is the owner of its own locks.
            owner = str(uuid5(NAMESPACE_URL, f"{home.as_uri()}:{options.port}/{name}"))
            timers[name] = Timer(
                function,
                parse_schedule(text),
                self.invoker,
                StatusBlob(storage, name),
                Singleton(storage, name, owner),
            )
        return timers

    def _make_queues(
        self, settings: HostConfiguration, options: HostOptions
    ) -> dict[str, QueueListener]:
        queues = {}
        for function in self.functions:
            if function.kind == "queueTrigger":
                name = configuration.resolve(
                    str(function.trigger["queueName"]), os.environ, function.name
                )
                queues[function.name] = QueueListener(
                    function,
                    name.lower(),
                    connections.find_connection(
                        str(function.trigger.get("connection") or ""), os.environ
                    ),
                    settings.queues,
                    self.invoker,
                    self._threads,
                    options.queue_visibility_seconds,
                )
        return queues


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.error("The listener of %s ended", task.get_name(), exc_info=error)
