"""The HTTP side: subscriptions as in Azure Resource Manager, and control routes for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .errors import RefusedError, malformed, unsupported
from .subscription import TYPE, Subscription, parse_subscription

if TYPE_CHECKING:
    from .service import EventGrid

COLLECTION = "/{scope:path}/providers/" + TYPE
Handler = Callable[[Request], Awaitable[Response]]


class EventGridApi:
    """Answers requests about one Event Grid."""

    def __init__(self, grid: EventGrid) -> None:
        self._grid = grid

    def routes(self) -> list[Route]:
        """Return all routes; those of ARM match paths in whatever case."""
        one = COLLECTION + "/{name}"
        arm = [
            _route(COLLECTION, "GET", self._list),
            _route(one, "GET", self._get),
            _route(one, "PUT", self._put),
            _route(one, "DELETE", self._delete),
            _route(one + "/getFullUrl", "POST", self._full_url),
        ]
        own = [
            Route("/_emulator/events", _refusing(self._events), methods=["GET"]),
            Route("/_emulator/events/redeliver", _refusing(self._redeliver), methods=["POST"]),
            Route("/_emulator/event-faults", _refusing(self._faults), methods=["GET"]),
            Route("/_emulator/event-faults", _refusing(self._add_fault), methods=["POST"]),
            Route("/_emulator/event-faults", _refusing(self._clear_faults), methods=["DELETE"]),
        ]
        return [*arm, *own]

    async def _put(self, request: Request) -> Response:
        scope = f"/{request.path_params['scope'].strip('/')}"
        self._check_scope(scope)
        subscription = parse_subscription(scope, request.path_params["name"], await _body(request))
        new = await self._grid.subscribe(subscription)
        return JSONResponse(subscription.as_json(), 201 if new else 200)

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._find(request).as_json())

    async def _full_url(self, request: Request) -> Response:
        return JSONResponse({"endpointUrl": self._find(request).url})

    async def _list(self, request: Request) -> Response:
        found = self._grid.find(request.path_params["scope"])
        return JSONResponse({"value": [each.as_json() for each in found]})

    async def _delete(self, request: Request) -> Response:
        found = self._grid.find(request.path_params["scope"], request.path_params["name"])
        for subscription in found:
            self._grid.journal.delete_subscription(subscription.key)
        return Response(status_code=200 if found else 204)

    def _find(self, request: Request) -> Subscription:
        name = request.path_params["name"]
        found = self._grid.find(request.path_params["scope"], name)
        if not found:
            raise RefusedError(404, "ResourceNotFound", f"Event subscription {name!r} not found.")
        return found[0]

    def _check_scope(self, scope: str) -> None:
        if self._grid.watcher.is_own(scope):
            return
        parts = scope.lower().split("/providers/")[-1].split("/")
        if parts[:2] == ["microsoft.machinelearningservices", "workspaces"] and len(parts) == 3:
            return
        if parts[:2] == ["microsoft.storage", "storageaccounts"]:
            raise RefusedError(404, "ResourceNotFound", f"{scope} was not found.")
        raise unsupported(f"An event subscription on {scope}")

    async def _events(self, request: Request) -> Response:
        wanted = request.query_params.get("type", "").lower()
        report = [
            each
            for each in self._grid.journal.report()
            if wanted in ("", each["eventType"].lower())
        ]
        return JSONResponse({"value": report})

    async def _redeliver(self, request: Request) -> Response:
        body = await _body(request)
        ids, every = body.get("ids"), bool(body.get("all"))
        if every == (ids is not None):
            raise malformed("Give either 'ids' or 'all': true.")
        times = int(body.get("times", 1))
        sent = await self._grid.redeliver(
            None if every else {str(each) for each in ids or ()},
            body.get("type"),
            times,
            reverse=bool(body.get("reverse")),
        )
        return JSONResponse({"sent": sent})

    async def _faults(self, _: Request) -> Response:
        return JSONResponse({"value": self._grid.faults.listed()})

    async def _add_fault(self, request: Request) -> Response:
        body = await _body(request)
        try:
            self._grid.faults.add({**body, "event": body.get("event") or body.get("type")})
        except (TypeError, ValueError) as error:
            raise malformed(str(error)) from None
        return JSONResponse({"value": self._grid.faults.listed()}, 201)

    async def _clear_faults(self, _: Request) -> Response:
        self._grid.faults.clear()
        return Response(status_code=204)


def _route(path: str, method: str, handler: Handler) -> Route:
    async def guarded(request: Request) -> Response:
        if not request.headers.get("authorization", "").lower().startswith("bearer "):
            raise RefusedError(401, "AuthenticationFailed", "No bearer token.")
        return await handler(request)

    route = Route(path, _refusing(guarded), methods=[method])
    route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route


def _refusing(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except RefusedError as error:
            return error.response()

    return answer


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise malformed("The request's body is not JSON.") from None
    if not isinstance(body, dict):
        raise malformed("The request's body must be a JSON object.")
    return body
