"""The keys and tokens that open an endpoint."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ...arm import user_error
from ...identity import make_token
from ...router import WORKSPACE, Call, Operation
from .answers import conflict, invalid
from .lifecycle import ENDPOINTS, find_endpoint, refuse_while_moving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ...context import Context
    from ...resource import Json, Resource
    from .serving import Serving

KEYS = {"primary": "primaryKey", "secondary": "secondaryKey"}
TOKEN_SECONDS = 3600


class EndpointKeys:
    """Gives keys and tokens, and makes new keys."""

    def __init__(self, context: Context, serving: Serving) -> None:
        self._context = context
        self._serving = serving

    def operations(self) -> list[Operation]:
        """Give the operations."""
        one = WORKSPACE + "/onlineEndpoints/{endpoint}"
        return [
            Operation("OnlineEndpoints.ListKeys", "POST", one + "/listKeys", self.list_keys),
            Operation(
                "OnlineEndpoints.RegenerateKeys", "POST", one + "/regenerateKeys", self.regenerate
            ),
            Operation("OnlineEndpoints.GetToken", "POST", one + "/token", self.token),
        ]

    def resume(self) -> None:
        """Make the keys that an earlier process was asked for."""
        for endpoint in self._context.store.list(ENDPOINTS):
            if new_key := endpoint.state.get("new_key"):
                self._context.operations.resume(new_key["operation"], self._work(endpoint))

    async def list_keys(self, call: Call) -> Response:
        """Give the two keys of an endpoint that takes keys."""
        return JSONResponse(self._with_keys(call).state["keys"])

    async def regenerate(self, call: Call) -> Response:
        """Begin to replace one key, by the given value or by a fresh one.

        The SDK sends the present key as the value, and yet its callers get a fresh one.
        """
        endpoint = self._with_keys(call)
        refuse_while_moving(endpoint, f"regenerate keys of endpoint {endpoint.name}")
        if "new_key" in endpoint.state:
            raise conflict(f"Keys of endpoint {endpoint.name} are being regenerated.")
        which = KEYS.get(str(call.body.get("keyType")).lower())
        if which is None:
            raise user_error("keyType is 'Primary' or 'Secondary'.")
        value = call.body.get("keyValue")
        if not value or value == endpoint.state["keys"][which]:
            value = _new_key()
        operation = self._context.operations.record(endpoint.id, "Updating")

        def note(_: Json, state: Json) -> None:
            state["new_key"] = {"which": which, "value": value, "operation": operation}

        self._context.store.change(endpoint.id, note)
        self._context.operations.resume(operation, self._work(endpoint))
        return JSONResponse(None, 202, self._context.operations.headers(operation, call.base_url))

    async def token(self, call: Call) -> Response:
        """Give a token of an endpoint that takes tokens of Azure ML."""
        endpoint = find_endpoint(self._context, call)
        if endpoint.properties["authMode"] != "AMLToken":
            raise invalid("A token can be had for endpoints with auth mode 'AMLToken' only.")
        expires = int(time.time()) + TOKEN_SECONDS
        return JSONResponse(
            {
                "accessToken": make_token(endpoint.id, expires),
                "expiryTimeUtc": expires,
                "refreshAfterTimeUtc": expires - TOKEN_SECONDS // 2,
                "tokenType": "Bearer",
            }
        )

    def _with_keys(self, call: Call) -> Resource:
        endpoint = find_endpoint(self._context, call)
        if endpoint.properties["authMode"] != "Key":
            raise invalid("Keys can be had for endpoints with auth mode 'Key' only.")
        return endpoint

    def _work(self, endpoint: Resource) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            await asyncio.sleep(self._context.pace.operation_seconds)
            if changed := self._context.store.change(endpoint.id, _take_key):
                self._serving.refresh(changed)

        return work


def new_keys() -> Json:
    """Give the keys of a new endpoint."""
    return {name: _new_key() for name in KEYS.values()}


def _new_key() -> str:
    return secrets.token_urlsafe(32)


def _take_key(_: Json, state: Json) -> None:
    new_key = state.pop("new_key")
    state["keys"][new_key["which"]] = new_key["value"]
