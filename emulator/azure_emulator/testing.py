"""Starts Azurite and the emulator as real processes for tests and local runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGUSR2
from typing import TYPE_CHECKING, Any, TypeVar

from .azurite import azurite_command
from .certificates import Certificates, certificate_paths, ensure_certificates
from .control_client import ControlClient
from .environment import client_environment
from .ports import free_port
from .storage import ACCOUNT, ACCOUNT_KEY
from .supervisor import supervised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Self

__all__ = [
    "Azurite",
    "Emulator",
    "LocalProcess",
    "free_port",
    "start_azurite",
    "start_emulator",
    "wait_until",
]
T = TypeVar("T")
PACKAGE = Path(__file__).resolve().parent
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
START_SECONDS = 60.0


def wait_until(
    condition: Callable[[], T], *, timeout_seconds: float = 30.0, what: str = "the condition"
) -> T:
    """Give the first truthy answer of `condition`, or raise TimeoutError that names `what`.

    It looks less often the longer it waits, so that looking does not slow down what it waits for.
    """
    began = time.monotonic()
    while not (answer := condition()):
        waited = time.monotonic() - began
        if waited > timeout_seconds:
            raise TimeoutError(f"{what} did not come true within {timeout_seconds} s")
        time.sleep(min(0.25, max(0.05, waited / 20)))
    return answer


def listening(port: int) -> bool:
    """Say whether something accepts connections at a loopback port."""
    with socket.socket() as client:
        client.settimeout(1.0)
        return client.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class LocalProcess:
    """A process that ends with the one that started it; its output is in `log`."""

    command: list[str]
    log: Path
    environment: dict[str, str]
    cwd: Path | None = None
    _process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                supervised(*self.command),
                env=self.environment,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_ready(self, ready: Callable[[], bool]) -> None:
        """Return when `ready` says so; raise with the log's end when the process is gone."""

        def ready_or_gone() -> bool:
            return self._process.poll() is not None or ready()

        try:
            wait_until(ready_or_gone, timeout_seconds=START_SECONDS, what=self.command[0])
        finally:
            code = self._process.poll()
        if code is not None:
            raise RuntimeError(f"{self.command} ended with {code}:\n{self.last_words()}")

    def ended(self) -> bool:
        """Say whether it is gone."""
        return self._process.poll() is not None

    def last_words(self) -> str:
        """Give the end of its output."""
        return self.log.read_text(errors="replace")[-4000:]

    def close(self) -> None:
        """End it as a service manager would, and wait."""
        self._process.terminate()
        self._process.wait(30)

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would, and wait."""
        with suppress(ProcessLookupError):
            self._process.send_signal(SIGUSR2)
        self._process.wait(30)


class _Closing:
    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Azurite(_Closing):
    """A running Azurite over TLS, https only, that takes bearer tokens, SAS and the key."""

    home: Path
    tls: Certificates
    blob_port: int
    queue_port: int
    table_port: int
    process: LocalProcess

    account = ACCOUNT
    account_key = ACCOUNT_KEY

    @property
    def blob_url(self) -> str:
        """Give the account URL of the blobs."""
        return f"https://127.0.0.1:{self.blob_port}/{ACCOUNT}"

    @property
    def queue_url(self) -> str:
        """Give the account URL of the queues."""
        return f"https://127.0.0.1:{self.queue_port}/{ACCOUNT}"

    @property
    def table_url(self) -> str:
        """Give the account URL of the tables."""
        return f"https://127.0.0.1:{self.table_port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """Give what AzureWebJobsStorage takes; clients need REQUESTS_CA_BUNDLE besides."""
        return (
            f"DefaultEndpointsProtocol=https;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.blob_url};QueueEndpoint={self.queue_url};"
            f"TableEndpoint={self.table_url};"
        )

    def close(self) -> None:
        """Stop it; what it holds stays in `home`/azurite."""
        self.process.close()


def start_azurite(home: Path, ports: tuple[int, int, int] | None = None) -> Azurite:
    """Start Azurite with its data in `home`/azurite; ports are blob, queue, table."""
    tls = ensure_certificates(home)
    blob, queue, table = ports or (free_port(), free_port(), free_port())
    command = azurite_command(home, tls, {"blob": blob, "queue": queue, "table": table})
    process = LocalProcess(command, home / "logs" / "azurite.log", dict(os.environ))
    azurite = Azurite(home, tls, blob, queue, table, process)
    try:
        process.wait_ready(lambda: all(listening(port) for port in (blob, queue, table)))
    except BaseException:
        process.kill()
        raise
    return azurite


@dataclass
class Emulator(_Closing):
    """A running `serve` process and everything a client needs to reach it."""

    home: Path
    port: int
    process: LocalProcess
    subscription: str
    resource_group: str
    workspace: str

    @property
    def url(self) -> str:
        """Give the base URL, without a slash at the end."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables that point an unmodified SDK at this emulator."""
        return client_environment(self.home, self.url)

    @property
    def workspace_id(self) -> str:
        """Give the ARM id of the workspace."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace}"
        )

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call a control route, as `control("POST", "faults", {"preset": "quota"})`."""
        return ControlClient(self.url, certificate_paths(self.home).ca).ask(method, path, body)

    def close(self) -> None:
        """End it as a service manager would; what it knows stays in `home`."""
        self.process.close()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()

    def start_again(self) -> None:
        """Start it on the same port with what it knows."""
        self.process = LocalProcess(
            self.process.command, self.process.log, self.process.environment, self.process.cwd
        )
        self.process.wait_ready(lambda: listening(self.port))


def start_emulator(
    home: Path,
    blob_url: str,
    *,
    datastores: Mapping[str, str] | None = None,
    computes: Iterable[str] = ("cpu-cluster",),
    images: Mapping[str, str] | None = None,
    python: str = sys.executable,
    operation_seconds: float = 0.0,
    watch_seconds: float = 0.2,
    port: int | None = None,
    subscription: str = SUBSCRIPTION,
    resource_group: str = "local",
    workspace: str = "local",
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    record: Path | None = None,
    options: Iterable[str] = (),
) -> Emulator:
    """Start `serve` and return when it answers; `images` maps a name pattern to a command.

    `options` are further ones of `serve`, as on a command line.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "azure_emulator", "serve", "--home", str(home)]
    command += ["--port", str(port), "--blob-url", blob_url, "--subscription", subscription]
    command += ["--resource-group", resource_group, "--workspace", workspace]
    command += ["--operation-seconds", str(operation_seconds)]
    command += ["--watch-seconds", str(watch_seconds), "--python", python]
    if record:
        command += ["--record", str(record)]
    for name, container in (datastores or {}).items():
        command += ["--datastore", f"{name}={container}"]
    for compute in computes:
        command += ["--compute", compute]
    for pattern, local in (images or {}).items():
        command += ["--image", f"{pattern}={local}"]
    command += options
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]))
    variables = {**os.environ, **(environment or {}), "PYTHONPATH": path}
    process = LocalProcess(command, home / "logs" / "emulator.log", variables, cwd)
    try:
        process.wait_ready(lambda: listening(port))
    except BaseException:
        process.kill()
        raise
    return Emulator(home, port, process, subscription, resource_group, workspace)
