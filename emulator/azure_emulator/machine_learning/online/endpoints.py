"""Online endpoints in ARM: auth, traffic, and the operations that change them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from ...arm import envelope, properties_of, user_error
from ...operations import OperationFailedError
from ...router import WORKSPACE, Call, Operation
from .answers import conflict, invalid, unimplemented
from .endpoint_lists import chosen
from .keys import new_keys
from .lifecycle import (
    DEPLOYMENTS,
    ENDPOINTS,
    MOVING,
    check_name,
    find_endpoint,
    finished,
    never_made,
    refuse_while_moving,
    set_state,
    state_of,
    writable,
)
from .traffic import check_traffic, percentages

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...resource import Json, Resource
    from .serving import Serving

AUTH_MODES = {"key": "Key", "amltoken": "AMLToken", "aadtoken": "AADToken"}


class OnlineEndpoints:
    """Keeps endpoints; what scores is in `Serving`."""

    def __init__(self, context: Context, serving: Serving) -> None:
        self._context = context
        self._serving = serving

    def operations(self) -> list[Operation]:
        """Give the operations."""
        all_, one = WORKSPACE + "/onlineEndpoints", WORKSPACE + "/onlineEndpoints/{endpoint}"
        named = {
            "CreateOrUpdate": ("PUT", one, self.put),
            "Update": ("PATCH", one, self.patch),
            "Get": ("GET", one, self.get),
            "List": ("GET", all_, self.list),
            "Delete": ("DELETE", one, self.delete),
        }
        return [Operation(f"OnlineEndpoints.{key}", *value) for key, value in named.items()]

    def resume(self) -> None:
        """Take up the operations of an earlier process and serve what is there."""
        for endpoint in self._context.store.list(ENDPOINTS):
            self._serving.refresh(endpoint)
            if state_of(endpoint) in MOVING:
                operation = endpoint.state.get("operation", "")
                self._context.operations.resume(operation, self._work(endpoint))

    async def put(self, call: Call) -> Response:
        """Make or replace an endpoint; the old traffic stays until the operation ends."""
        name = call.params["endpoint"]
        check_name(name, "endpoint")
        old = self._context.store.get(self.id(name))
        refuse_while_moving(old, f"update endpoint {name}")
        wanted = self._wanted(name, call.body, old)
        endpoint = self._change(old, wanted) if old else self._make(name, wanted)
        self._serving.refresh(endpoint)
        return JSONResponse(self._show(endpoint, call), 201, self._run(endpoint, call))

    async def patch(self, call: Call) -> Response:
        """Change tags; everything else stays."""
        old = find_endpoint(self._context, call)
        refuse_while_moving(old, f"update endpoint {old.name}")
        _refuse_never_made(old)
        tags = {**(old.body.get("tags") or {}), **(call.body.get("tags") or {})}
        endpoint = self._change(old, {**old.body, "tags": tags})
        return JSONResponse(None, 202, self._run(endpoint, call))

    async def get(self, call: Call) -> Response:
        """Describe an endpoint."""
        return JSONResponse(self._read_back(find_endpoint(self._context, call), call))

    async def list(self, call: Call) -> Response:
        """Give the endpoints that the query asks for."""
        endpoints = chosen(self._context.store.list(ENDPOINTS), call)
        return call.page([self._read_back(endpoint, call) for endpoint in endpoints])

    async def delete(self, call: Call) -> Response:
        """Begin to delete an endpoint with its deployments."""
        endpoint = self._context.store.get(self.id(call.params["endpoint"]))
        if endpoint is None:
            return Response(status_code=204)
        refuse_while_moving(endpoint, f"delete endpoint {endpoint.name}")
        for deployment in self._context.store.list(DEPLOYMENTS, endpoint.id):
            if state_of(deployment) in MOVING:
                raise conflict(
                    f"Cannot delete endpoint {endpoint.name} because its deployment"
                    f" {deployment.name} is in {state_of(deployment)} provisioning state."
                )
        operation = self._context.operations.record(endpoint.id, "Deleting")
        endpoint = set_state(self._context, endpoint.id, "Deleting", operation)
        return JSONResponse(None, 202, self._run(endpoint, call))

    def id(self, name: str) -> str:
        """Give the ARM id of an endpoint."""
        return f"{self._context.workspace}/onlineEndpoints/{name}"

    def _make(self, name: str, wanted: Json) -> Resource:
        operation = self._context.operations.record(self.id(name), "Creating")
        empty: Json = {"traffic": {}, "mirrorTraffic": {}, "provisioningState": "Creating"}
        body = {**wanted, "properties": {**wanted["properties"], **empty}}
        state: Json = {"keys": new_keys(), "pending": wanted}
        state |= {"operation": operation, "latest": operation}
        return self._context.store.put(
            self.id(name), ENDPOINTS, body, state=state, parent=self._context.workspace
        )[0]

    def _change(self, old: Resource, wanted: Json) -> Resource:
        operation = self._context.operations.record(old.id, "Updating")
        body = {**old.body, "properties": {**old.properties, "provisioningState": "Updating"}}
        state = {**old.state, "pending": wanted}
        state |= {"operation": operation, "latest": operation}
        return self._context.store.put(old.id, ENDPOINTS, body, state=state)[0]

    def _wanted(self, name: str, body: Json, old: Resource | None) -> Json:
        given = properties_of(body)
        if given.get("compute") or str(body.get("kind") or "Managed").lower() != "managed":
            raise unimplemented("Kubernetes endpoints are")
        auth_mode = AUTH_MODES.get(str(given.get("authMode") or "Key").lower())
        if auth_mode is None:
            raise user_error(f"Unknown authMode '{given.get('authMode')}'.")
        live = percentages(given.get("traffic"), "traffic")
        mirror = percentages(given.get("mirrorTraffic"), "mirrorTraffic")
        if old:
            _refuse_other_nature(old, body, auth_mode)
        deployments = self._context.store.list(DEPLOYMENTS, self.id(name))
        check_traffic(live, mirror, {one.name.lower(): one for one in deployments})
        properties = {
            "description": None,
            "properties": {},
            "publicNetworkAccess": "Enabled",
            **{key: value for key, value in given.items() if value is not None and key != "keys"},
            "authMode": auth_mode,
            "traffic": live,
            "mirrorTraffic": mirror,
        }
        return {
            **writable(body),
            "location": body.get("location") or self._context.settings.location,
            "kind": "Managed",
            "tags": body.get("tags") or {},
            "identity": body.get("identity") or {"type": "SystemAssigned"},
            "properties": properties,
        }

    def _run(self, endpoint: Resource, call: Call) -> dict[str, str]:
        operation = endpoint.state["operation"]
        self._context.operations.resume(operation, self._work(endpoint))
        return self._context.operations.headers(operation, call.base_url)

    def _work(self, endpoint: Resource) -> Callable[[], Any]:
        context = self._context

        async def update() -> None:
            fault = context.faults.take(f"EndpointProvisioning.{endpoint.name}")
            await asyncio.sleep(context.pace.operation_seconds)
            if fault:
                await asyncio.sleep(fault.delay_seconds)
            failed = fault is not None and fault.fails
            if changed := context.store.change(endpoint.id, _give_up if failed else _take_over):
                self._serving.refresh(changed)
            if fault and failed:
                message = fault.words(f"The update of {endpoint.name}")
                raise OperationFailedError(message, fault.code or "BadArgument", fault.inner)

        async def delete() -> None:
            fault = context.faults.take(f"Deletion.{endpoint.name}")
            await asyncio.sleep(context.pace.operation_seconds)
            if fault:
                await asyncio.sleep(fault.delay_seconds)
            if fault and fault.fails:
                context.store.change(endpoint.id, finished("Failed"))
                message = fault.words(f"The deletion of {endpoint.name}")
                raise OperationFailedError(message, fault.code or "BadArgument", fault.inner)
            for deployment in context.store.list(DEPLOYMENTS, endpoint.id):
                await self._serving.remove(endpoint.name, deployment.name)
                context.store.delete(deployment.id)
            self._serving.forget(endpoint.name)
            context.store.delete(endpoint.id)

        return delete if state_of(endpoint) == "Deleting" else update

    def _read_back(self, endpoint: Resource, call: Call) -> Json:
        """Show the endpoint, or with the fault that is due its traffic of before."""
        shown, before = self._show(endpoint, call), endpoint.state.get("before")
        if before and state_of(endpoint) == "Succeeded":
            operation = f"StaleTraffic.{endpoint.name}"
            if self._context.faults.take(operation, since=before["until"]):
                shown["properties"]["traffic"] = before["traffic"]
        return shown

    def _show(self, endpoint: Resource, call: Call) -> Json:
        root = f"{call.base_url}/inference/{endpoint.name}"
        added = {"azureml.onlineendpointid": endpoint.id.lower()}
        if latest := endpoint.state.get("latest"):
            headers = self._context.operations.headers(latest, call.base_url)
            added["AzureAsyncOperationUri"] = headers["Azure-AsyncOperation"]
        return envelope(
            endpoint,
            {
                **endpoint.properties,
                "properties": {**added, **(endpoint.properties.get("properties") or {})},
                "scoringUri": root + self._serving.scoring_route(endpoint.name),
                "swaggerUri": root + "/swagger.json",
            },
        )


def _refuse_other_nature(old: Resource, body: Json, auth_mode: str) -> None:
    """Refuse to change what an endpoint is born with."""
    _refuse_never_made(old)
    if auth_mode != old.properties["authMode"]:
        raise invalid(f"The auth mode of endpoint '{old.name}' cannot be changed.")
    if body.get("identity") and _identity(body) != _identity(old.body):
        raise invalid("The identity of an endpoint cannot be changed.")
    if str(body.get("location") or old.body["location"]).lower() != old.body["location"].lower():
        raise invalid(f"The location of endpoint '{old.name}' cannot be changed.")


def _refuse_never_made(old: Resource) -> None:
    if never_made(old):
        raise invalid(
            f"Specified endpoint [{old.name}] has not been created successfully."
            " Please recreate the endpoint."
        )


def _take_over(body: Json, state: Json) -> None:
    pending = state.pop("pending", None)
    if pending:
        state["before"] = {"traffic": body["properties"]["traffic"], "until": time.time()}
        body.clear()
        body.update(pending)
    finished("Succeeded")(body, state)
    state["live"] = True


def _give_up(body: Json, state: Json) -> None:
    state.pop("pending", None)
    finished("Failed")(body, state)


def _identity(body: Json) -> tuple[str, list[str]]:
    identity = body.get("identity") or {}
    users = [user.lower() for user in identity.get("userAssignedIdentities") or {}]
    return str(identity.get("type")).lower(), sorted(users)
