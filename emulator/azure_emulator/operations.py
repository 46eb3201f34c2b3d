"""Long-running operations: their two poll URLs and the work behind them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from .arm import ArmError, Json, not_found
from .resource import now
from .router import Call, Operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .settings import Pace, ServeSettings
    from .store import Store

log = logging.getLogger("azure_emulator")
ENDED = ("Succeeded", "Failed")
SIGNING_KEY = b"operations"


class OperationFailedError(Exception):
    """The work could not be done; the message becomes the operation's error."""

    def __init__(self, message: str, code: str = "BadArgument", inner: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.inner = inner


class Operations:
    """Starts work that outlives its request, and answers who asks how it goes."""

    def __init__(self, settings: ServeSettings, store: Store, pace: Pace) -> None:
        self._settings = settings
        self._store = store
        self.pace = pace
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: set[str] = set()

    def begin(self, target: str, verb: str, work: Callable[[], Awaitable[None]]) -> str:
        """Run `work` in the background; give the operation's id. `verb` is Creating and so on."""
        operation = self.record(target, verb)
        self.resume(operation, work)
        return operation

    def record(self, target: str, verb: str) -> str:
        """Note an operation whose work `resume` runs; give its id.

        So that its target can name it on disk before anything happens.
        """
        operation = str(uuid.uuid4())
        body: Json = {"status": verb, "startTime": now(), "endTime": None, "error": None}
        self._store.put(self._key(operation), "operations", body, state={"target": target})
        return operation

    def resume(self, operation: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run the work of an operation that began earlier, maybe in another process."""
        task = asyncio.create_task(self._run(operation, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._running.add(operation)
        task.add_done_callback(lambda _: self._running.discard(operation))

    def settle(self) -> None:
        """End what nobody resumed: the work was done, and then the process died."""
        for record in self._store.without("operations", "status", ENDED):
            if record.name in self._running:
                continue
            target = self._store.get(record.state["target"])
            failed = target is not None and target.properties.get("provisioningState") == "Failed"
            error = OperationFailedError("The operation failed.")
            self._finish(record.name, _error_of(error) if failed else None)

    async def stop(self) -> None:
        """Leave the work that is under way; `resume` takes it up after a start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def headers(self, operation: str, base_url: str) -> dict[str, str]:
        """Give the headers of an answer that begins an operation."""
        status = self._url(base_url, "mfeOperationsStatus", operation)
        return {
            "Azure-AsyncOperation": status,
            "Location": self._url(base_url, "mfeOperationResults", operation),
            "x-ms-async-operation-timeout": "PT1H",
            **self.poll_header(),
        }

    def location_header(self, operation: str, base_url: str) -> dict[str, str]:
        """Give the headers of an answer whose operation has no status URL (cancel)."""
        location = self._url(base_url, "mfeOperationResults", operation)
        return {"Location": location, **self.poll_header()}

    def poll_header(self) -> dict[str, str]:
        """Give what makes the SDK poll as fast as the emulator works."""
        milliseconds = self.pace.poll_milliseconds
        return {"retry-after-ms": str(milliseconds)} if milliseconds else {}

    def operations(self) -> list[Operation]:
        """Give the two poll operations."""
        place = "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices"
        place += "/locations/{location}/"
        status, results = "mfeOperationsStatus/{operation}", "mfeOperationResults/{operation}"
        return [
            Operation("OperationsStatus.Get", "GET", place + status, self.get_status),
            Operation("OperationResults.Get", "GET", place + results, self.get_result),
        ]

    async def get_status(self, call: Call) -> Response:
        """Answer the state of one operation."""
        record = self._read(call)
        answer = {
            "id": call.request.url.path,
            "name": call.params["operation"],
            "status": record["status"],
            "startTime": record["startTime"],
            "endTime": record["endTime"],
            "percentComplete": 100.0 if record["endTime"] else 50.0,
        }
        if record["error"]:
            answer["error"] = record["error"]
        return JSONResponse(answer, headers=self.poll_header())

    async def get_result(self, call: Call) -> Response:
        """Answer 202 while it runs, then an empty 200."""
        if self._read(call)["endTime"]:
            return Response(status_code=200)
        return JSONResponse({}, 202, {"Location": str(call.request.url), **self.poll_header()})

    async def _run(self, operation: str, work: Callable[[], Awaitable[None]]) -> None:
        error: Json | None = None
        try:
            await work()
        except OperationFailedError as failure:
            error = _error_of(failure)
        except Exception:
            log.exception("operation %s", operation)
            error = ArmError(500, "InternalServerError", "The operation failed.").body()

        self._finish(operation, error)

    def _finish(self, operation: str, error: Json | None) -> None:
        def finish(body: Json, _: Json) -> None:
            body["status"] = "Failed" if error else "Succeeded"
            body["endTime"] = now()
            body["error"] = error

        self._store.change(self._key(operation), finish)

    def _read(self, call: Call) -> Json:
        operation = call.params["operation"]
        record = self._store.get(self._key(operation))
        if record is None:
            raise not_found(f"Operation {operation}")
        if call.query("s") != _signature(operation):
            raise ArmError(403, "AuthorizationFailed", "The operation URL's signature is wrong.")
        return record.body

    def _key(self, operation: str) -> str:
        return f"/operations/{operation}"

    def _url(self, base_url: str, kind: str, operation: str) -> str:
        return (
            f"{base_url}/subscriptions/{self._settings.subscription}/providers"
            f"/Microsoft.MachineLearningServices/locations/{self._settings.location}"
            f"/{kind}/{operation}?api-version=2023-04-01-preview&t=0&c=local"
            f"&s={_signature(operation)}&h=local"
        )


def _error_of(failure: OperationFailedError) -> Json:
    return ArmError(400, failure.code, str(failure), failure.inner).body()


def _signature(operation: str) -> str:
    return hmac.digest(SIGNING_KEY, operation.encode(), hashlib.sha256).hex()
