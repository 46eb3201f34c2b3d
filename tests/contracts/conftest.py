"""Every port twice: in memory, and the real adapter against real processes."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure_emulator.testing import Azurite, Emulator

from shared.adapters.azure_blobs import (
    LEASE_CONTAINER,
    AzureBlobLease,
    AzureContainer,
    AzureLandingZone,
    AzureRunFiles,
)
from shared.adapters.azure_decisions import AzureTableDecisionLog
from shared.adapters.azure_health import AzureTableHealthWindow
from shared.adapters.azure_notices import AzureNoticeQueue, parse_notice
from shared.adapters.azure_queues import AzureMessageQueue, parse_message
from shared.adapters.azure_state import AzureTableReleaseStore, AzureTableStateStore
from shared.adapters.azure_tables import AzureTable
from shared.adapters.credential import LazyCredential
from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.files import MemoryLandingZone, MemoryRunFiles
from shared.adapters.memory.health import MemoryHealthWindow
from shared.adapters.memory.messages import MemoryLease, MemoryMessageQueue
from shared.adapters.memory.outside import MemoryNoticeQueue
from shared.adapters.memory.state import (
    MemoryDecisionLog,
    MemoryReleaseStore,
    MemoryStateStore,
)
from shared.ports import (
    DecisionLog,
    HealthWindow,
    LandingZone,
    Lease,
    ReleaseStore,
    RunFiles,
    StateStore,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def credential(local_azure: Emulator) -> LazyCredential:
    """The identity of the control plane."""
    return LazyCredential()


@pytest.fixture
def unique() -> str:
    """A part of a name that no other test uses."""
    return uuid.uuid4().hex[:12]


@pytest.fixture
def azure_table(azurite: Azurite, credential: LazyCredential, unique: str) -> Iterator[AzureTable]:
    """A table of this test alone."""
    table = AzureTable(azurite.table_url, f"noon{unique}", credential)
    with closing(table.client()):
        yield table


@pytest.fixture
def azure_container(
    azurite: Azurite, credential: LazyCredential, unique: str
) -> Iterator[AzureContainer]:
    """A container of this test alone."""
    container = AzureContainer(f"{azurite.blob_url}/noon-{unique}", credential)
    with closing(container.client()) as client:
        client.create_container()
        yield container


Requests = Callable[[], AbstractContextManager[list[str]]]


class _Sent(logging.Handler):
    """Notes each request that urllib3, below all of the clients, says it has sent."""

    def __init__(self, services: dict[int, str]) -> None:
        super().__init__(logging.DEBUG)
        self._services = services
        self.requests: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note `METHOD service`; what else urllib3 tells has other arguments."""
        args = record.args
        if isinstance(args, tuple) and len(args) == 8:
            service = self._services.get(int(str(args[2])), "elsewhere")
            self.requests.append(f"{args[3]} {service}")


@pytest.fixture
def requests_sent(azurite: Azurite, local_azure: Emulator) -> Requests:
    """Lists every request that goes out over HTTP while a block runs, identity included."""
    services = {
        azurite.blob_port: "blob",
        azurite.queue_port: "queue",
        azurite.table_port: "table",
        local_azure.port: "azure",
    }

    @contextmanager
    def listening() -> Iterator[list[str]]:
        log = logging.getLogger("urllib3.connectionpool")
        handler, level = _Sent(services), log.level
        log.addHandler(handler)
        log.setLevel(logging.DEBUG)
        try:
            yield handler.requests
        finally:
            log.setLevel(level)
            log.removeHandler(handler)

    return listening


@pytest.fixture(params=["memory", "azure"])
def state_store(request: pytest.FixtureRequest) -> StateStore:
    """States and waiting rows, none yet."""
    if request.param == "memory":
        return MemoryStateStore()
    return AzureTableStateStore(request.getfixturevalue("azure_table"))


@pytest.fixture(params=["memory", "azure"])
def release_store(request: pytest.FixtureRequest) -> ReleaseStore:
    """No release yet."""
    if request.param == "memory":
        return MemoryReleaseStore()
    return AzureTableReleaseStore(request.getfixturevalue("azure_table"))


@pytest.fixture(params=["memory", "azure"])
def decision_log(request: pytest.FixtureRequest) -> DecisionLog:
    """No decisions yet."""
    if request.param == "memory":
        return MemoryDecisionLog()
    return AzureTableDecisionLog(request.getfixturevalue("azure_table"))


@pytest.fixture(params=["memory", "azure"])
def health_window(request: pytest.FixtureRequest) -> HealthWindow:
    """Nothing counted yet."""
    if request.param == "memory":
        return MemoryHealthWindow()
    return AzureTableHealthWindow(request.getfixturevalue("azure_table"))


@pytest.fixture(params=["memory", "azure"])
def run_files(request: pytest.FixtureRequest) -> RunFiles:
    """No files yet."""
    if request.param == "memory":
        return MemoryRunFiles()
    return AzureRunFiles(request.getfixturevalue("azure_container"))


@dataclass(frozen=True)
class LandingUnderTest:
    """A landing zone, and how data gets there."""

    zone: LandingZone
    put: Callable[[str, bytes], object]


@pytest.fixture(params=["memory", "azure"])
def landing(request: pytest.FixtureRequest) -> LandingUnderTest:
    """Nothing landed yet."""
    if request.param == "memory":
        memory = MemoryLandingZone()
        return LandingUnderTest(memory, memory.put)
    container: AzureContainer = request.getfixturevalue("azure_container")

    def put(path: str, content: bytes) -> None:
        container.client().upload_blob(path, content, overwrite=True)

    return LandingUnderTest(AzureLandingZone(container), put)


@dataclass(frozen=True)
class QueueUnderTest:
    """A queue, of messages or of notices, and its other end."""

    queue: Any
    receive: Callable[[], Any]
    pass_seconds: Callable[[int], object]
    """Let time pass where it only passes when told."""


@contextmanager
def queue_under_test(
    request: pytest.FixtureRequest, memory: Any, azure: Any, parse: Callable[[str], Any]
) -> Iterator[QueueUnderTest]:
    """An empty queue: one of these two kinds, as the fixture's parameter says."""
    if request.param == "memory":
        clock = MemoryClock(NOON)
        queue = memory(clock)
        yield QueueUnderTest(
            queue, queue.receive, lambda seconds: clock.advance(timedelta(seconds=seconds))
        )
        return
    azurite, credential, unique = (
        request.getfixturevalue(name) for name in ("azurite", "credential", "unique")
    )
    queue = azure(azurite.queue_url, f"noon-{unique}", credential)
    with closing(queue.client()) as client:

        def receive() -> Any:
            message = client.receive_message()
            if message is None:
                return None
            client.delete_message(message)
            return parse(message.content)

        yield QueueUnderTest(queue, receive, lambda seconds: None)


@pytest.fixture(params=["memory", "azure"])
def message_queue(request: pytest.FixtureRequest) -> Iterator[QueueUnderTest]:
    """No messages yet."""
    with queue_under_test(request, MemoryMessageQueue, AzureMessageQueue, parse_message) as queue:
        yield queue


@pytest.fixture(params=["memory", "azure"])
def notices(request: pytest.FixtureRequest) -> Iterator[QueueUnderTest]:
    """No notices yet."""
    with queue_under_test(request, MemoryNoticeQueue, AzureNoticeQueue, parse_notice) as queue:
        yield queue


@dataclass(frozen=True)
class LeaseUnderTest:
    """A lease, and how somebody else takes it away."""

    lease: Lease
    break_off: Callable[[str], object]
    pass_seconds: Callable[[float], object]
    """Let time pass for the holder."""


@dataclass
class Stopwatch:
    """A monotonic clock that moves when it is told to."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """The seconds since it was made."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.seconds += seconds


@pytest.fixture(params=["memory", "azure"])
def lease(request: pytest.FixtureRequest) -> Iterator[LeaseUnderTest]:
    """Nobody holds anything."""
    if request.param == "memory":
        clock = MemoryClock(NOON)
        memory = MemoryLease(clock)
        yield LeaseUnderTest(
            memory, memory.break_off, lambda seconds: clock.advance(timedelta(seconds=seconds))
        )
        return
    azurite, credential = (request.getfixturevalue(name) for name in ("azurite", "credential"))
    container = AzureContainer(f"{azurite.blob_url}/{LEASE_CONTAINER}", credential)
    stopwatch = Stopwatch()
    with closing(container.client()) as client:
        yield LeaseUnderTest(
            AzureBlobLease(azurite.blob_url, credential, monotonic=stopwatch),
            lambda model: _break(client.get_blob_client(model)),
            stopwatch.advance,
        )


def _break(blob: Any) -> None:
    from azure.storage.blob import BlobLeaseClient

    BlobLeaseClient(blob).break_lease(0)
