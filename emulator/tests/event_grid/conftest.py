"""Event Grid behind a real server, real receivers, real storage, and a clock in the test's hand."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from azure_emulator.event_grid.api import EventGridApi
from azure_emulator.event_grid.chosen import Chosen
from azure_emulator.event_grid.control import EventGridControl
from azure_emulator.event_grid.service import EventGrid
from azure_emulator.faults import Faults
from azure_emulator.storage import StorageAccess
from azure_emulator.testing import Azurite, free_port, start_azurite, wait_until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

GROUP = "/subscriptions/s/resourceGroups/rg/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/ws"
STORAGE = f"{GROUP}/Microsoft.Storage/storageAccounts/devstoreaccount1"
COMPLETED = "Microsoft.MachineLearningServices.RunCompleted"


class ManualClock:
    """A clock that moves when the test says so."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        self._sleepers: list[tuple[datetime, asyncio.AbstractEventLoop, asyncio.Event]] = []

    def now(self) -> datetime:
        """Return the instant at which the test left the clock."""
        return self._now

    async def sleep_until(self, moment: datetime) -> None:
        """Wait until the test moves the clock far enough."""
        woken = asyncio.Event()
        self._sleepers.append((moment, asyncio.get_running_loop(), woken))
        if moment > self._now:
            await woken.wait()

    def advance(self, seconds: float) -> None:
        """Move on; wakes who sleeps."""
        self._now += timedelta(seconds=seconds)
        for moment, loop, woken in self._sleepers:
            if moment <= self._now and not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)


class ThreadServer:
    """An ASGI application on a loopback port, served by a thread."""

    def __init__(self, application: ASGIApp) -> None:
        self.port = free_port()
        config = uvicorn.Config(
            application, port=self.port, log_level="error", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_until(lambda: self._server.started or not self._thread.is_alive(), what="a server")

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop and wait."""
        self._server.should_exit = True
        self._thread.join(20)


@dataclass
class Received:
    """One request that came in."""

    method: str
    headers: dict[str, str]
    body: Any


@dataclass
class Receiver:
    """A subscriber: agrees to handshakes and answers deliveries as told."""

    status: int = 200
    statuses: deque[int] = field(default_factory=deque)
    agrees: bool = True
    received: list[Received] = field(default_factory=list)
    server: ThreadServer = field(init=False)

    def __post_init__(self) -> None:
        routes = [Route("/hook", self._answer, methods=["POST", "OPTIONS"])]
        self.server = ThreadServer(Starlette(routes=routes))

    @property
    def url(self) -> str:
        """Return the address with a secret in its query."""
        return f"{self.server.url}/hook?code=secret"

    @property
    def notified(self) -> list[Received]:
        """Return the deliveries among the requests."""
        return [
            each for each in self.received if each.headers.get("aeg-event-type") == "Notification"
        ]

    @property
    def subjects(self) -> list[str]:
        """Return the subjects delivered, in order."""
        return [each.body[0]["subject"] for each in self.notified]

    async def _answer(self, request: Request) -> Response:
        text = await request.body()
        body = json.loads(text) if text else None
        self.received.append(Received(request.method, dict(request.headers), body))
        if request.method == "OPTIONS":
            origin = request.headers["webhook-request-origin"] if self.agrees else "elsewhere"
            return Response(headers={"WebHook-Allowed-Origin": origin})
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            code = body[0]["data"]["validationCode"] if self.agrees else "wrong"
            return JSONResponse({"validationResponse": code}, self.status)
        return Response(status_code=self.statuses.popleft() if self.statuses else self.status)


def webhook(url: str, **properties: Any) -> dict[str, Any]:
    """Return a subscription's destination."""
    return {"endpointType": "WebHook", "properties": {"endpointUrl": url, **properties}}


def letters(container: str) -> dict[str, Any]:
    """Return a dead-letter destination."""
    properties = {"resourceId": "any", "blobContainerName": container}
    return {"endpointType": "StorageBlob", "properties": properties}


@dataclass
class RunningGrid:
    """Event Grid behind its routes, as the emulator serves it."""

    home: Path
    storage: StorageAccess
    clock: ManualClock
    watch_seconds: float
    retry_scale: float
    faults: Faults = field(default_factory=Faults)
    grid: EventGrid = field(init=False)
    server: ThreadServer = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start on what the home folder holds."""
        self.grid = EventGrid(
            self.home,
            self.storage,
            self.watch_seconds,
            self.faults,
            self.clock,
            Chosen(retry_scale=self.retry_scale),
        )
        routes = [*EventGridControl(self.grid).routes(), *EventGridApi(self.grid).routes()]

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            await self.grid.start()
            yield
            await self.grid.stop()

        self.server = ThreadServer(Starlette(routes=routes, lifespan=lifespan))

    def close(self) -> None:
        """Stop; what is accepted stays in the home folder."""
        self.server.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request with a token."""
        headers = {"authorization": "Bearer token"}
        url = self.server.url + path
        return httpx.request(method, url, headers=headers, timeout=60, **options)

    def subscribe(
        self, url: str, scope: str = WORKSPACE, name: str = "sub", **properties: Any
    ) -> httpx.Response:
        """Make an event subscription."""
        path = f"{scope}/providers/Microsoft.EventGrid/eventSubscriptions/{name}"
        body = {"properties": {"destination": webhook(url), **properties}}
        return self.request("PUT", f"{path}?api-version=2022-06-15", json=body)

    def publish(self, subject: str = "experiments/e/runs/r", **data: Any) -> None:
        """Raise one event of the workspace."""
        self.grid.publish(WORKSPACE, COMPLETED, subject, data)

    def report(self) -> list[dict[str, Any]]:
        """Return all events with their deliveries."""
        events: list[dict[str, Any]] = self.request("GET", "/_emulator/events").json()["value"]
        return events

    def deliveries(self) -> list[tuple[str, int]]:
        """Return outcome and attempts of every delivery."""
        return [
            (delivery["outcome"], delivery["attempts"])
            for event in self.report()
            for delivery in event["deliveries"]
        ]

    def wait_for_attempts(self, number: int) -> None:
        """Wait until so many attempts are on record, over all deliveries."""
        wait_until(
            lambda: sum(attempts for _, attempts in self.deliveries()) >= number,
            what=f"{number} attempts",
        )


@pytest.fixture(scope="session")
def event_azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Give a real storage emulator."""
    with start_azurite(tmp_path_factory.mktemp("event-storage")) as azurite:
        yield azurite


@pytest.fixture
def event_storage(event_azurite: Azurite) -> StorageAccess:
    """Give access to the storage emulator."""
    return StorageAccess(event_azurite.blob_url, event_azurite.tls.ca)


@pytest.fixture
def start_event_grid(
    event_storage: StorageAccess, tmp_path: Path
) -> Iterator[Callable[..., RunningGrid]]:
    """Give a function that starts Event Grid with a clock that stands still."""
    with ExitStack() as stack:

        def start(watch_seconds: float = 0.0, retry_scale: float = 1.0) -> RunningGrid:
            running = RunningGrid(
                tmp_path, event_storage, ManualClock(), watch_seconds, retry_scale
            )
            stack.callback(running.close)
            return running

        yield start


@pytest.fixture
def running_grid(start_event_grid: Callable[..., RunningGrid]) -> RunningGrid:
    """Give Event Grid without the loop that watches blobs."""
    return start_event_grid()


@pytest.fixture
def event_receiver() -> Iterator[Receiver]:
    """Give a subscriber that answers 200."""
    receiver = Receiver()
    yield receiver
    receiver.server.close()
