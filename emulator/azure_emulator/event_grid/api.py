"""Event subscriptions and system topics as in Azure Resource Manager."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .errors import RefusedError, malformed, unsupported
from .event import key_of
from .subscription import SYSTEM_TOPIC_TYPE, TYPE, Subscription, is_system_topic, parse_subscription

if TYPE_CHECKING:
    from .service import EventGrid

DIRECT = "/{parent:path}/providers/" + TYPE
GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
TOPICS = GROUP + "/providers/" + SYSTEM_TOPIC_TYPE
OF_TOPIC = TOPICS + "/{topic}/eventSubscriptions"
TOPIC_TYPES = {
    ("microsoft.storage", "storageaccounts"): "Microsoft.Storage.StorageAccounts",
    ("microsoft.machinelearningservices", "workspaces"): (
        "Microsoft.MachineLearningServices.Workspaces"
    ),
}
Handler = Callable[[Request], Awaitable[Response]]


class EventGridApi:
    """Answers requests about the subscriptions of one Event Grid."""

    def __init__(self, grid: EventGrid) -> None:
        self._grid = grid

    def routes(self) -> list[Route]:
        """Return all routes; they match paths in whatever case."""
        one = TOPICS + "/{topic}"
        routes = [
            _route(TOPICS, "GET", self._list_topics),
            _route(one, "GET", self._get_topic),
            _route(one, "PUT", self._put_topic),
            _route(one, "DELETE", self._delete_topic),
        ]
        for collection in (OF_TOPIC, DIRECT):
            one = collection + "/{name}"
            routes += [
                _route(collection, "GET", self._list),
                _route(one, "GET", self._get),
                _route(one, "PUT", self._put),
                _route(one, "PATCH", self._patch),
                _route(one, "DELETE", self._delete),
                _route(one + "/getFullUrl", "POST", self._full_url),
            ]
        return routes

    async def _put(self, request: Request) -> Response:
        parent, name = _parent(request), request.path_params["name"]
        return await self._subscribe(parent, name, await read_object(request))

    async def _patch(self, request: Request) -> Response:
        known = self._find(request)
        changed = {**known.properties, **await read_object(request)}
        return await self._subscribe(known.parent, known.name, {"properties": changed})

    async def _subscribe(self, parent: str, name: str, body: dict[str, Any]) -> Response:
        scope = parent
        if is_system_topic(parent):
            scope = str(self._topic(parent)["properties"]["source"])
        self._check_scope(scope)
        subscription = parse_subscription(scope, name, body, parent)
        new = await self._grid.subscribe(subscription)
        return JSONResponse(subscription.as_json(), 201 if new else 200)

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._find(request).as_json())

    async def _full_url(self, request: Request) -> Response:
        return JSONResponse({"endpointUrl": self._find(request).url})

    async def _list(self, request: Request) -> Response:
        found = self._grid.subscriptions.find(_parent(request))
        return JSONResponse({"value": [each.as_json() for each in found]})

    async def _delete(self, request: Request) -> Response:
        name = request.path_params["name"]
        found = self._grid.subscriptions.find(_parent(request), name)
        for subscription in found:
            self._grid.unsubscribe(subscription)
        return Response(status_code=200 if found else 204)

    def _find(self, request: Request) -> Subscription:
        name = request.path_params["name"]
        found = self._grid.subscriptions.find(_parent(request), name)
        if not found:
            raise RefusedError(404, "ResourceNotFound", f"Event subscription {name!r} not found.")
        return found[0]

    def _check_scope(self, scope: str) -> str:
        """Return the topic type of a resource whose events we have, or refuse it."""
        provider, *rest = scope.lower().split("/providers/")[-1].split("/")
        kind = TOPIC_TYPES.get((provider, rest[0])) if len(rest) == 2 else None
        if kind is None:
            raise unsupported(f"An event subscription on {scope}")
        if provider == "microsoft.storage" and not self._grid.watcher.is_own(scope):
            raise RefusedError(404, "ResourceNotFound", f"{scope} was not found.")
        return kind

    # System topics

    async def _put_topic(self, request: Request) -> Response:
        body, topic_id = await read_object(request), _topic_id(request)
        given = body.get("properties") or {}
        source = str(given.get("source") or "")
        kind = self._check_scope(source)
        if str(given.get("topicType") or "").lower() != kind.lower():
            raise malformed(f"properties.topicType must be {kind} for {source}.")
        for other in self._grid.subscriptions.system_topics():
            same = key_of(str(other["properties"]["source"])) == key_of(source)
            if same and key_of(other["id"]) != key_of(topic_id):
                raise malformed(f"Only one system topic is allowed per source: {other['name']}.")
        topic = {
            **body,
            "id": topic_id,
            "name": request.path_params["topic"],
            "type": SYSTEM_TOPIC_TYPE,
            "properties": {**given, "provisioningState": "Succeeded"},
        }
        new = self._grid.subscriptions.save_system_topic(topic)
        return JSONResponse(topic, 201 if new else 200)

    async def _get_topic(self, request: Request) -> Response:
        return JSONResponse(self._topic(_topic_id(request)))

    async def _list_topics(self, _: Request) -> Response:
        return JSONResponse({"value": self._grid.subscriptions.system_topics()})

    async def _delete_topic(self, request: Request) -> Response:
        topic_id = _topic_id(request)
        for subscription in self._grid.subscriptions.find(topic_id):
            self._grid.unsubscribe(subscription)
        found = self._grid.subscriptions.delete_system_topic(topic_id)
        return Response(status_code=200 if found else 204)

    def _topic(self, topic_id: str) -> dict[str, Any]:
        for topic in self._grid.subscriptions.system_topics():
            if key_of(topic["id"]) == key_of(topic_id):
                return topic
        raise RefusedError(404, "ResourceNotFound", f"System topic {topic_id} not found.")


def _topic_id(request: Request) -> str:
    given = request.path_params
    group = f"/subscriptions/{given['subscription']}/resourceGroups/{given['group']}"
    return f"{group}/providers/{SYSTEM_TOPIC_TYPE}/{given['topic']}"


def _parent(request: Request) -> str:
    if "topic" in request.path_params:
        return _topic_id(request)
    return f"/{request.path_params['parent'].strip('/')}"


def _route(path: str, method: str, handler: Handler) -> Route:
    async def guarded(request: Request) -> Response:
        if not request.headers.get("authorization", "").lower().startswith("bearer "):
            raise RefusedError(401, "AuthenticationFailed", "No bearer token.")
        return await handler(request)

    route = Route(path, refusing(guarded), methods=[method])
    route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route


def refusing(handler: Handler) -> Handler:
    """Answer refusals as Azure Resource Manager words them."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except RefusedError as error:
            return error.response()

    return answer


async def read_object(request: Request) -> dict[str, Any]:
    """Return the request's JSON object; an empty body is an empty one. Refuses anything else."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise malformed("The request's body is not JSON.") from None
    if not isinstance(body, dict):
        raise malformed("The request's body must be a JSON object.")
    return body
