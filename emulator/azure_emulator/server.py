"""The `serve` process: one HTTPS server with everything behind it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from .certificates import ensure_certificates
from .context import Context
from .control import Control
from .event_grid.api import EventGridApi
from .event_grid.control import EventGridControl
from .event_grid.service import EventGrid
from .faults import Faults
from .identity import Identity
from .machine_learning.asset_kinds import Codes, DataAssets, Environments, Models
from .machine_learning.blobs import BlobFiles
from .machine_learning.components import Components
from .machine_learning.computes import Computes
from .machine_learning.jobs.api import Jobs
from .machine_learning.jobs.results import Results
from .machine_learning.jobs.run_history import RunHistory
from .machine_learning.jobs.runner import JobRunner
from .machine_learning.jobs.runs import Runs
from .machine_learning.online.service import OnlineService
from .machine_learning.references import References
from .machine_learning.registries import Registries
from .machine_learning.uris import Places
from .machine_learning.workspace import Datastores, Workspaces
from .operations import Operations
from .recorder import Recorder
from .router import Router
from .settings import BUILT_IN_DATASTORES
from .storage import StorageAccess
from .store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .settings import Pace, ServeSettings

log = logging.getLogger("azure_emulator")
STOP_SECONDS = 1
# Longer than clients keep idle connections: a request must not meet one that is closing.
KEEP_ALIVE_SECONDS = 120
METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"]


class Server:
    """Builds the parts of one workspace and runs them while the server lives."""

    def __init__(self, settings: ServeSettings, pace: Pace, storage: StorageAccess) -> None:
        self.settings = settings
        self.store = Store(settings.home / "emulator.sqlite")
        faults = Faults()
        self.events = EventGrid(settings.home, storage, settings.watch_seconds, faults)
        self.context = Context(
            settings=settings,
            pace=pace,
            store=self.store,
            storage=storage,
            files=BlobFiles(storage, settings.home / "cache"),
            operations=Operations(settings, self.store, pace),
            events=self.events,
            faults=faults,
        )
        places = Places(self.store, settings.workspace_id, settings.blob_url)
        self.runs = Runs(self.context)
        references = References(self.store, settings.workspace_id)
        data, models = DataAssets(self.context), Models(self.context, places)
        self.runner = JobRunner(self.context, self.runs, places, Results(data, models, places))
        self.online = OnlineService(self.context, places)
        self.router = Router(settings, self.context.faults)
        for controller in (
            Workspaces(self.context),
            Computes(self.context),
            Registries(self.context),
            Datastores(self.context),
            data,
            models,
            Environments(self.context),
            Codes(self.context),
            Components(self.context, references),
            Jobs(self.context, references, self.runs, self.runner),
            RunHistory(self.context, self.runs, places),
            self.online,
            self.context.operations,
        ):
            self.router.add(controller.operations())

    def app(self) -> Starlette:
        """Give the ASGI application."""
        control = Control(self.context, self.router.log)
        return Starlette(
            routes=[
                # First, since they are tried in turn and most requests are scored.
                *self.online.routes(),
                *control.routes(),
                *Identity(self.settings).routes(),
                *EventGridControl(self.events).routes(),
                *EventGridApi(self.events).routes(),
                Route("/{path:path}", self.router.handle, methods=METHODS),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(self._ensure_containers)
        await self.context.events.start()
        self.runner.settle_interrupted()
        self.online.resume()
        self.context.operations.settle()
        try:
            yield
        finally:
            self.online.stopping()
            await self.context.operations.stop()
            await self.runner.stop()
            await self.online.stop()
            await self.context.events.stop()
            self.store.close()

    def _ensure_containers(self) -> None:
        for container in {**BUILT_IN_DATASTORES, **self.settings.datastores}.values():
            self.context.storage.ensure_container(container)


def serve(settings: ServeSettings, pace: Pace) -> int:
    """Run until SIGTERM or SIGINT; give the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # Its lines hold whole URLs, and a webhook's URL holds the host's key.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Its own HTTP log would repeat every transfer of every blob.
    logging.getLogger("azure").setLevel(logging.WARNING)
    tls = ensure_certificates(settings.home)
    server = Server(settings, pace, StorageAccess(settings.blob_url, tls.ca))
    os.environ["REQUESTS_CA_BUNDLE"] = str(tls.bundle)
    config = uvicorn.Config(
        Recorder(server.app(), settings.record) if settings.record else server.app(),
        host=settings.host,
        port=settings.port,
        ssl_certfile=tls.certificate,
        ssl_keyfile=str(tls.key),
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    # uvicorn raises the signal again after a clean stop; a clean stop is exit code 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    log.info("workspace %s at %s", settings.workspace, settings.base_url)
    running = uvicorn.Server(config)
    running.run()
    return 0 if running.started else 1
