"""Online endpoints in ARM: auth, traffic, and the operations that change them."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from ...arm import ArmError, Json, envelope, not_found, properties_of, user_error
from ...identity import make_token
from ...operations import OperationFailedError
from ...router import WORKSPACE, Call, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...resource import Resource
    from .serving import Serving

NAME = re.compile(r"(?=.{3,32}$)[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")
MOVING = ("Creating", "Updating", "Deleting")
AUTH_MODES = {"key": "Key", "amltoken": "AMLToken", "aadtoken": "AADToken"}
MIRROR_PERCENT_MAX = 50


class OnlineEndpoints:
    """Keeps endpoints; what scores is in `Serving`."""

    def __init__(self, context: Context, serving: Serving) -> None:
        self._context = context
        self._serving = serving

    def operations(self) -> list[Operation]:
        """Give the operations."""
        all_, one = WORKSPACE + "/onlineEndpoints", WORKSPACE + "/onlineEndpoints/{name}"
        named = {
            "CreateOrUpdate": ("PUT", one, self.put),
            "Get": ("GET", one, self.get),
            "List": ("GET", all_, self.list),
            "Delete": ("DELETE", one, self.delete),
            "ListKeys": ("POST", one + "/listKeys", self.list_keys),
            "RegenerateKeys": ("POST", one + "/regenerateKeys", self.regenerate_keys),
            "GetToken": ("POST", one + "/token", self.token),
        }
        return [Operation(f"OnlineEndpoints.{key}", *value) for key, value in named.items()]

    def resume(self) -> None:
        """Take up the operations of an earlier process and serve what is there."""
        for endpoint in self._context.store.list("onlineEndpoints"):
            self._serving.refresh(endpoint)
            if operation := endpoint.state.get("operation"):
                self._context.operations.resume(operation, self._work(endpoint))

    async def put(self, call: Call) -> Response:
        """Make or replace an endpoint; the old traffic stays until the operation ends."""
        name = call.params["name"]
        if not NAME.fullmatch(name):
            raise user_error(f"'{name}' is not a valid endpoint name.", "InvalidEndpointName")
        old = self._context.store.get(self.id(name))
        refuse_while_moving(old, "endpoint")
        wanted = self._wanted(name, call.body, old)
        body = {**(old.body if old else wanted)}
        verb = "Updating" if old else "Creating"
        traffic: Json = {} if old else {"traffic": {}, "mirrorTraffic": {}}
        body["properties"] = {**body["properties"], **traffic, "provisioningState": verb}
        state = {**(old.state if old else {"keys": _new_keys()}), "pending": wanted}
        endpoint, _ = self._context.store.put(
            self.id(name), "onlineEndpoints", body, state=state, parent=self._context.workspace
        )
        headers = self._begin(endpoint, verb, call)
        self._serving.refresh(endpoint)
        return JSONResponse(self._show(endpoint, call), 201, headers)

    async def get(self, call: Call) -> Response:
        """Describe an endpoint."""
        return JSONResponse(self._read_back(self._read(call), call))

    async def list(self, call: Call) -> Response:
        """Give all endpoints."""
        endpoints = self._context.store.list("onlineEndpoints")
        return call.page([self._read_back(endpoint, call) for endpoint in endpoints])

    async def delete(self, call: Call) -> Response:
        """Begin to delete an endpoint with its deployments."""
        endpoint = self._context.store.get(self.id(call.params["name"]))
        if endpoint is None:
            return Response(status_code=204)
        refuse_while_moving(endpoint, "endpoint")
        endpoint = set_state(self._context, endpoint.id, "Deleting") or endpoint
        return JSONResponse(None, 202, self._begin(endpoint, "Deleting", call))

    async def list_keys(self, call: Call) -> Response:
        """Give the two keys of an endpoint that takes keys."""
        endpoint = self._read(call)
        if endpoint.properties["authMode"] != "Key":
            raise user_error("Keys can be listed for endpoints with auth mode 'Key' only.")
        return JSONResponse(endpoint.state["keys"])

    async def regenerate_keys(self, call: Call) -> Response:
        """Replace one key."""
        endpoint = self._read(call)
        which = "primaryKey" if call.body.get("keyType") == "Primary" else "secondaryKey"
        value = call.body.get("keyValue") or secrets.token_urlsafe(32)

        def change(_: Json, state: Json) -> None:
            state["keys"][which] = value

        async def work() -> None:
            if changed := self._context.store.change(endpoint.id, change):
                self._serving.refresh(changed)

        operation = self._context.operations.begin(endpoint.id, "Updating", work)
        return JSONResponse(None, 202, self._context.operations.headers(operation, call.base_url))

    async def token(self, call: Call) -> Response:
        """Give a token of an endpoint that takes tokens of Azure ML."""
        endpoint = self._read(call)
        if endpoint.properties["authMode"] != "AMLToken":
            raise user_error("A token can be had for endpoints with auth mode 'AMLToken' only.")
        expires = int(time.time()) + 3600
        return JSONResponse(
            {
                "accessToken": make_token(endpoint.id, expires),
                "expiryTimeUtc": expires,
                "refreshAfterTimeUtc": expires - 1800,
                "tokenType": "Bearer",
            }
        )

    def id(self, name: str) -> str:
        """Give the ARM id of an endpoint."""
        return f"{self._context.workspace}/onlineEndpoints/{name}"

    def _wanted(self, name: str, body: Json, old: Resource | None) -> Json:
        given = properties_of(body)
        auth_mode = AUTH_MODES.get(str(given.get("authMode") or "Key").lower())
        if auth_mode is None:
            raise user_error(f"Unknown authMode '{given.get('authMode')}'.")
        traffic = _percentages(given.get("traffic"), "traffic")
        mirror = _percentages(given.get("mirrorTraffic"), "mirrorTraffic")
        self._check_traffic(name, traffic, mirror)
        if old and body.get("identity") and _identity(body) != _identity(old.body):
            raise user_error("The identity of an endpoint cannot be changed.")
        properties = {
            "description": None,
            "properties": {},
            "publicNetworkAccess": "Enabled",
            **{key: value for key, value in given.items() if value is not None},
            "authMode": auth_mode,
            "traffic": traffic,
            "mirrorTraffic": mirror,
        }
        return {
            "location": body.get("location") or self._context.settings.location,
            "kind": "Managed",
            "tags": body.get("tags") or {},
            "identity": body.get("identity") or {"type": "SystemAssigned"},
            "properties": properties,
        }

    def _check_traffic(self, name: str, traffic: dict[str, int], mirror: dict[str, int]) -> None:
        for deployment, percent in {**traffic, **mirror}.items():
            resource = self._context.store.get(f"{self.id(name)}/deployments/{deployment}")
            if resource is None:
                message = f"Traffic names a deployment that does not exist: '{deployment}'."
                raise user_error(message, "DeploymentNotFound")
            if percent and resource.properties["provisioningState"] not in (
                "Succeeded",
                "Updating",
            ):
                state = resource.properties["provisioningState"]
                raise user_error(f"Deployment '{deployment}' in state {state} gets no traffic.")
        if sum(traffic.values()) not in (0, 100):
            message = f"Traffic must add up to 0 or 100, not {sum(traffic.values())}."
            raise user_error(message, "InvalidTraffic")
        mirrored = [deployment for deployment, percent in mirror.items() if percent]
        if len(mirrored) > 1 or sum(mirror.values()) > MIRROR_PERCENT_MAX:
            raise user_error("Mirror traffic goes to one deployment, 50 percent at most.")
        if any(traffic.get(deployment) for deployment in mirrored):
            raise user_error("A deployment with live traffic cannot get mirror traffic.")

    def _begin(self, endpoint: Resource, verb: str, call: Call) -> dict[str, str]:
        operation = self._context.operations.begin(endpoint.id, verb, self._work(endpoint))
        remember_operation(self._context, endpoint.id, operation)
        return self._context.operations.headers(operation, call.base_url)

    def _work(self, endpoint: Resource) -> Callable[[], Any]:
        deleting = endpoint.properties["provisioningState"] == "Deleting"

        async def update() -> None:
            fault = self._context.faults.take(f"EndpointProvisioning.{endpoint.name}")
            await asyncio.sleep(self._context.pace.operation_seconds)
            if fault:
                await asyncio.sleep(fault.delay_seconds)
            failed = fault is not None and fault.fails
            change = _give_up if failed else _take_over
            if changed := self._context.store.change(endpoint.id, change):
                self._serving.refresh(changed)
            if fault and failed:
                message = fault.words(f"The update of {endpoint.name}")
                raise OperationFailedError(message, fault.code or "BadArgument", fault.inner)

        async def delete() -> None:
            await asyncio.sleep(self._context.pace.operation_seconds)
            for deployment in self._context.store.list("onlineEndpoints/deployments", endpoint.id):
                await self._serving.remove(endpoint.name, deployment.name)
                self._context.store.delete(deployment.id)
            self._serving.forget(endpoint.name)
            self._context.store.delete(endpoint.id)

        return delete if deleting else update

    def _read(self, call: Call) -> Resource:
        endpoint = self._context.store.get(self.id(call.params["name"]))
        if endpoint is None:
            raise not_found(f"Endpoint {call.params['name']}")
        return endpoint

    def _read_back(self, endpoint: Resource, call: Call) -> Json:
        """Show the endpoint, or with the fault that is due its traffic of before."""
        shown, before = self._show(endpoint, call), endpoint.state.get("before")
        if before and endpoint.properties["provisioningState"] == "Succeeded":
            operation = f"StaleTraffic.{endpoint.name}"
            if self._context.faults.take(operation, since=before["until"]):
                shown["properties"]["traffic"] = before["traffic"]
        return shown

    def _show(self, endpoint: Resource, call: Call) -> Json:
        root = f"{call.base_url}/inference/{endpoint.name}"
        uris = {
            "scoringUri": root + self._serving.scoring_route(endpoint.name),
            "swaggerUri": root + "/swagger.json",
        }
        return envelope(endpoint, {**endpoint.properties, **uris})


def refuse_while_moving(resource: Resource | None, kind: str) -> None:
    """Refuse a write while an operation is under way, as the service does."""
    state = resource.properties.get("provisioningState") if resource else None
    if resource and state in MOVING:
        message = f"The {kind} '{resource.name}' is in {state} provisioning state."
        raise ArmError(409, "Conflict", message, "OperationInProgress")


def set_state(context: Context, resource_id: str, state: str) -> Resource | None:
    """Write the provisioning state."""

    def change(body: Json, _: Json) -> None:
        body["properties"]["provisioningState"] = state

    return context.store.change(resource_id, change)


def remember_operation(context: Context, resource_id: str, operation: str) -> None:
    """Note the operation under way, so that a restart takes it up."""

    def change(_: Json, state: Json) -> None:
        state["operation"] = operation

    context.store.change(resource_id, change)


def _take_over(body: Json, state: Json) -> None:
    pending = state.pop("pending", None)
    if pending:
        state["before"] = {"traffic": body["properties"]["traffic"], "until": time.time()}
        body.clear()
        body.update(pending)
    body["properties"]["provisioningState"] = "Succeeded"
    state.pop("operation", None)


def _give_up(body: Json, state: Json) -> None:
    state.pop("pending", None)
    state.pop("operation", None)
    body["properties"]["provisioningState"] = "Failed"


def _percentages(given: Any, name: str) -> dict[str, int]:
    values = {str(key): value for key, value in (given or {}).items()}
    for key, value in values.items():
        if not isinstance(value, int) or not 0 <= value <= 100:
            raise user_error(f"{name} of '{key}' must be a whole number from 0 to 100.")
    return values


def _identity(body: Json) -> tuple[str, list[str]]:
    identity = body.get("identity") or {}
    users = [user.lower() for user in identity.get("userAssignedIdentities") or {}]
    return str(identity.get("type")).lower(), sorted(users)


def _new_keys() -> Json:
    return {"primaryKey": secrets.token_urlsafe(32), "secondaryKey": secrets.token_urlsafe(32)}
