"""One workspace inside the calling process."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import threading
import time
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient

from ..home import SUBSCRIPTION
from ..identity import TOKEN_SECONDS, make_token
from ..recorder import Recorder
from ..server import Server
from ..settings import Pace, ServeSettings
from ..storage import ACCOUNT, StorageAccess
from .memory_blobs import MemoryBlobs
from .transport import Answer, CallTransport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from azure.ai.ml import MLClient
    from starlette.types import ASGIApp, Message

    from ..router import Operation

AZURE = "https://management.azure.com"
"""Where the SDK believes it is: that of the cloud it knows by itself."""
STORAGE = f"https://memory.invalid/{ACCOUNT}"
CLOUD_VARIABLE = "AZUREML_CURRENT_CLOUD"
START_SECONDS = 30.0
CLOUD_VARIABLE = "AZUREML_CURRENT_CLOUD"


class InProcessCredential:
    """A credential of azure-core that asks nobody."""

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,  # noqa: ARG002 - the protocol's
        tenant_id: str | None = None,  # noqa: ARG002
        enable_cae: bool = False,  # noqa: ARG002
        **_: Any,
    ) -> AccessToken:
        """Give a token that decodes, for the audience of the first scope."""
        expires = int(time.time()) + TOKEN_SECONDS
        return AccessToken(make_token(scopes[0].removesuffix("/.default"), expires), expires)


class MemoryStorageAccess(StorageAccess):
    """The storage account of the emulator's own parts, in memory."""

    @cached_property
    def service(self) -> BlobServiceClient:
        """Give a client of the real storage library over a transport without network."""
        return BlobServiceClient(
            self.blob_url,
            credential={"account_name": self.account, "account_key": self.account_key},
            transport=CallTransport(MemoryBlobs(self.account).answer),
        )


class InProcessAzure:
    """Azure ML for an unmodified MLClient without sockets; a context manager.

    Without `home` its state is forgotten at the end. Blobs are in memory: what the SDK itself
    uploads or downloads (local files of data, models, code) needs Azurite, see the README.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        subscription: str = SUBSCRIPTION,
        resource_group: str = "local",
        workspace: str = "local",
        datastores: Mapping[str, str] | None = None,
        computes: tuple[str, ...] = ("cpu-cluster",),
        images: Mapping[str, str] | None = None,
        operation_seconds: float = 0.0,
        record: Path | None = None,
    ) -> None:
        self._until = ExitStack()
        folder = home or Path(self._until.enter_context(tempfile.TemporaryDirectory()))
        settings = ServeSettings(
            home=folder.absolute(),
            port=0,
            blob_url=STORAGE,
            subscription=subscription,
            resource_group=resource_group,
            workspace=workspace,
            datastores=dict(datastores or {}),
            computes=computes,
            images=tuple((images or {}).items()),
            record=record,
        )
        self.settings = settings
        self.credential = InProcessCredential()
        self.storage = MemoryStorageAccess(STORAGE, settings.home / "no-ca.pem")
        self._server = Server(settings, Pace(operation_seconds, 1), self.storage)
        self.transport = CallTransport(self._answer)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="azure-emulator", daemon=True)

    def __enter__(self) -> Self:
        # A client for a cloud by name makes that cloud the whole process's.
        self._until.callback(_set_cloud, os.environ.get(CLOUD_VARIABLE))
        self._thread.start()
        self._ready.wait(START_SECONDS)
        if self._failure:
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._until.close()

    def client(self, **options: Any) -> MLClient:
        """Give an unmodified MLClient that talks to this workspace."""
        from azure.ai.ml import MLClient

        settings = self.settings
        names = (settings.subscription, settings.resource_group, settings.workspace)
        before = os.environ.get(CLOUD_VARIABLE)
        try:
            return MLClient(
                self.credential, *names, cloud="AzureCloud", transport=self.transport, **options
            )
        finally:
            # The SDK makes the cloud of one client that of all later ones in the process.
            os.environ.pop(CLOUD_VARIABLE, None)
            if before is not None:
                os.environ[CLOUD_VARIABLE] = before

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call a control route, as `control("POST", "faults", {"preset": "quota"})`."""
        content = b"" if body is None else json.dumps(body).encode()
        answer = self._answer(method, f"{AZURE}/_emulator/{path}", {}, content)
        if answer.status >= 400:
            raise ValueError(answer.content.decode())
        return json.loads(answer.content)

    def operations(self) -> list[Operation]:
        """Give the operations of the control plane that are implemented."""
        return self._server.router.operations()

    def blobs(self) -> BlobServiceClient:
        """Give a client of the storage account in memory."""
        return self.storage.service

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        application = self._server.app()
        record = self.settings.record
        self._application: ASGIApp = Recorder(application, record) if record else application
        async with application.router.lifespan_context(application):
            self._ready.set()
            await self._stop.wait()

    def _answer(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        call = self._call(method, url, headers, content)
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

    async def _call(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        parts = urlsplit(url)
        given = {key.lower(): value for key, value in headers.items()}
        given.setdefault("host", parts.netloc)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [(key.encode(), str(value).encode()) for key, value in given.items()],
            "server": (parts.hostname, parts.port or 443),
            "client": ("in-process", 0),
        }
        return await _asked(self._application, scope, content)


async def _asked(application: ASGIApp, scope: dict[str, Any], content: bytes) -> Answer:
    status, headers, answered = 0, {}, bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {key.decode(): value.decode() for key, value in message["headers"]}
        elif message["type"] == "http.response.body":
            answered.extend(message.get("body", b""))

    await application(scope, receive, send)
    return Answer(status, headers, bytes(answered))


def _set_cloud(name: str | None) -> None:
    if name is None:
        os.environ.pop(CLOUD_VARIABLE, None)
    else:
        os.environ[CLOUD_VARIABLE] = name
