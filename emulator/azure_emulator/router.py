"""Finds the operation of a request by method and path, whatever their case."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from .arm import NOT_IMPLEMENTED, ArmError, Json, not_implemented, user_error
from .fault_answers import answer
from .reads import seen_through

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from .faults import Fault, Faults
    from .resource import Resource
    from .settings import ServeSettings

log = logging.getLogger("azure_emulator")
WORKSPACE = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"
)
PAGE_SIZE = 100
VIEWS = {"activeonly": False, "archivedonly": True, "all": None}


@dataclass(slots=True)
class Call:
    """One request: its operation, what the path names, and the body."""

    request: Request
    operation: str
    params: dict[str, str]
    body: Json = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """Give the URL under which the caller reached us, without a slash at the end."""
        return str(self.request.base_url).rstrip("/")

    def query(self, name: str, default: str = "") -> str:
        """Give a query parameter, its name compared without case."""
        for key, value in self.request.query_params.items():
            if key.lower() == name.lower():
                return value
        return default

    def page(self, values: list[Json]) -> JSONResponse:
        """Answer one page of a list; `$top` or `count` is its size and nextLink leads on."""
        start = self.after or 0
        size = self._page_size()
        more = start + size if start + size < len(values) else None
        return self._page(values[start : start + size], more)

    def page_of(self, resources: Iterator[Resource], show: Callable[[Resource], Json]) -> Response:
        """Answer one page of what the store walks through, from `after` on."""
        size = self._page_size()
        found = list(islice(resources, size + 1))
        more = found[size - 1].sequence if len(found) > size else None
        return self._page([show(resource) for resource in found[:size]], more)

    @property
    def after(self) -> int | None:
        """Give the place that the token in `$skip` stands for; callers take it as it comes."""
        token = self.query("$skip") or self.query("$skipToken")
        if not token:
            return None
        try:
            return int(base64.urlsafe_b64decode(token).decode())
        except ValueError:
            raise user_error("The continuation token is not valid.", "InvalidToken") from None

    def archived(self) -> bool | None:
        """Say what `listViewType` asks for: the archived, the others, or None for all."""
        view = self.query("listViewType", "ActiveOnly").lower()
        if view not in VIEWS:
            message = f"'{view}' is not a listViewType: ActiveOnly, ArchivedOnly or All."
            raise user_error(message, "InvalidListViewType")
        return VIEWS[view]

    def _page_size(self) -> int:
        # Lists of endpoints and skus call it `count`.
        top = self.query("$top") or self.query("count")
        if top and not (top.isdecimal() and int(top)):
            raise user_error("$top and count are numbers above 0.", "InvalidTop")
        return min(int(top), PAGE_SIZE) if top else PAGE_SIZE

    def _page(self, values: list[Json], more: int | None) -> JSONResponse:
        answer: Json = {"value": values}
        if more is not None:
            token = base64.urlsafe_b64encode(str(more).encode()).decode()
            answer["nextLink"] = str(self.request.url.include_query_params(**{"$skip": token}))
        return JSONResponse(answer)


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """A name as in Azure's own specification, and what it answers to."""

    name: str
    method: str
    template: str
    handler: Handler

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Give the named parts of a path of as many parts, or None when it is not ours."""
        params: dict[str, str] = {}
        # From the end, where paths differ.
        for want, have in zip(reversed(self.parts), reversed(segments), strict=True):
            if want.startswith("{"):
                params[want[1:-1]] = have
            elif want.lower() != have.lower():
                return None
        return params

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Give the parts of the path; a name stands for any one in braces."""
        return tuple(self.template.strip("/").split("/"))


@dataclass
class RequestLog:
    """The last calls and how many there were of each operation."""

    counts: Counter[str] = field(default_factory=Counter)
    unsupported: Counter[str] = field(default_factory=Counter)
    """The calls that were answered 501."""
    recent: deque[Json] = field(default_factory=lambda: deque(maxlen=10_000))

    def add(self, operation: str, method: str, path: str, status: int, seconds: float) -> None:
        """Note one call."""
        self.counts[operation] += 1
        if status == 501:
            self.unsupported[operation] += 1
        self.recent.append(
            {
                "operation": operation,
                "method": method,
                "path": path,
                "status": status,
                "at": time.time(),
                "milliseconds": round(seconds * 1000, 1),
            }
        )

    def clear(self) -> None:
        """Start counting anew."""
        self.counts.clear()
        self.unsupported.clear()
        self.recent.clear()


class Dropped(Response):
    """An answer that never arrives: the connection ends in the middle of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Promise a byte and do not send it: the server then cuts the connection."""
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


class Router:
    """Every operation of the control plane; what is missing answers 501 by name."""

    def __init__(self, settings: ServeSettings, faults: Faults) -> None:
        self._settings = settings
        self._faults = faults
        self._operations: dict[tuple[str, int], list[Operation]] = {}
        self.log = RequestLog()

    def add(self, operations: list[Operation]) -> None:
        """Take a controller's operations."""
        for operation in operations:
            form = (operation.method, len(operation.parts))
            self._operations.setdefault(form, []).append(operation)
        self._faults.operations.update(operation.name for operation in operations)

    def operations(self) -> list[Operation]:
        """Give all that is implemented."""
        return [operation for some in self._operations.values() for operation in some]

    async def handle(self, request: Request) -> Response:
        """Answer one request, with the fault that is due for its operation."""
        started = time.perf_counter()
        segments = request.url.path.strip("/").split("/")
        name, operation, params = self._find(request.method, segments)
        fault = self._faults.take(name, _below_workspace(segments))
        try:
            response = await self._with_fault(fault, request, name, operation, params)
        except ArmError as error:
            if error.status == NOT_IMPLEMENTED:
                log.warning("not implemented: %s", error.message)
            response = error.response()
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            message = f"{name} failed inside the emulator."
            response = ArmError(500, "InternalServerError", message).response()
        seconds = time.perf_counter() - started
        status = 0 if isinstance(response, Dropped) else response.status_code
        self.log.add(name, request.method, request.url.path, status, seconds)
        return response

    async def _with_fault(
        self,
        fault: Fault | None,
        request: Request,
        name: str,
        operation: Operation | None,
        params: dict[str, str],
    ) -> Response:
        if fault:
            await asyncio.sleep(fault.delay_seconds)
            if fault.drop == "before":
                return Dropped()
            if fault.status:
                return answer(fault, name)
        if operation is None:
            raise not_implemented(name)
        self._authorize(request, params)
        call = Call(request, name, params, await _json_body(request))
        if request.method == "GET":
            with seen_through(self._faults, request.url.path):
                response = await operation.handler(call)
        else:
            response = await operation.handler(call)
        return Dropped() if fault and fault.drop == "after" else response

    def _find(
        self, method: str, segments: list[str]
    ) -> tuple[str, Operation | None, dict[str, str]]:
        for operation in self._operations.get((method, len(segments)), ()):
            params = operation.match(segments)
            if params is not None:
                return operation.name, operation, params
        return f"{method} /{'/'.join(segments)}", None, {}

    def _authorize(self, request: Request, params: dict[str, str]) -> None:
        if "subscription" not in params:
            return
        if not request.headers.get("authorization", "").lower().startswith("bearer "):
            raise ArmError(401, "AuthenticationFailed", "Authentication failed: no bearer token.")
        ours = self._settings
        for name, own in (
            ("subscription", ours.subscription),
            ("group", ours.resource_group),
            ("workspace", ours.workspace),
        ):
            if name in params and params[name].lower() != own.lower():
                message = f"The {name} '{params[name]}' could not be found."
                raise ArmError(404, f"{name.capitalize()}NotFound", message)


def _below_workspace(segments: list[str]) -> str:
    depth = WORKSPACE.count("/")
    return "/".join(segments[depth:])


async def _json_body(request: Request) -> Json:
    content = await request.body()
    if not content:
        return {}
    try:
        body: Any = json.loads(content)
    except ValueError:
        raise user_error("The request's body is not JSON.", "InvalidRequestContent") from None
    return body if isinstance(body, dict) else {}
