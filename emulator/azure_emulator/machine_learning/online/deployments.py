"""Online deployments in ARM: one local process each."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from ...arm import PROVIDER, envelope, user_error
from ...operations import OperationFailedError
from ...router import WORKSPACE, Call, Operation
from .answers import absent, invalid, unimplemented
from .deployment_body import INSTANCES_MAX, accepted, shown
from .lifecycle import (
    DEPLOYMENTS,
    MOVING,
    check_name,
    find_endpoint,
    finished,
    never_made,
    refuse_while_moving,
    set_state,
    state_of,
)
from .traffic import shares

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...context import Context
    from ...faults import Fault
    from ...resource import Json, Resource
    from .serving import Serving

DEPLOYMENTS_MAX = 20
INITIALIZER = "StorageInitializer"
CONTAINERS = ("InferenceServer", INITIALIZER, "ModelDataCollector")


class OnlineDeployments:
    """Keeps deployments; their processes are in `Serving`."""

    def __init__(self, context: Context, serving: Serving) -> None:
        self._context = context
        self._serving = serving

    def operations(self) -> list[Operation]:
        """Give the operations."""
        all_ = WORKSPACE + "/onlineEndpoints/{endpoint}/deployments"
        one = all_ + "/{deployment}"
        named = {
            "CreateOrUpdate": ("PUT", one, self.put),
            "Update": ("PATCH", one, self.patch),
            "Get": ("GET", one, self.get),
            "List": ("GET", all_, self.list),
            "Delete": ("DELETE", one, self.delete),
            "GetLogs": ("POST", one + "/getLogs", self.logs),
            "ListSkus": ("GET", one + "/skus", self.skus),
        }
        return [Operation(f"OnlineDeployments.{key}", *value) for key, value in named.items()]

    def resume(self) -> None:
        """Start what an earlier process served, and take up its operations."""
        for deployment in self._context.store.list(DEPLOYMENTS):
            body = deployment.state.get("live")
            if body is None and state_of(deployment) == "Succeeded":
                body = deployment.body
            live = replace(deployment, body=body) if body else None
            if state_of(deployment) in MOVING:
                operation = deployment.state.get("operation", "")
                work = self._after(live, self._work(deployment))
                self._context.operations.resume(operation, work)
            elif live:
                self._serving.bring_back_soon(live)

    async def put(self, call: Call) -> Response:
        """Begin to make or replace a deployment."""
        deployment = self._written(call, call.body)
        return JSONResponse(self._show(deployment), 201, self._run(deployment, call))

    async def patch(self, call: Call) -> Response:
        """Change tags and the number of instances; everything else stays."""
        old = self._read(call)
        tags = {**(old.body.get("tags") or {}), **(call.body.get("tags") or {})}
        sku = {**old.body["sku"], **(call.body.get("sku") or {})}
        deployment = self._written(call, {**old.body, "tags": tags, "sku": sku})
        return JSONResponse(None, 202, self._run(deployment, call))

    async def get(self, call: Call) -> Response:
        """Describe a deployment."""
        return JSONResponse(self._show(self._read(call)))

    async def list(self, call: Call) -> Response:
        """Give the deployments of an endpoint."""
        deployments = self._context.store.list(DEPLOYMENTS, find_endpoint(self._context, call).id)
        return call.page([self._show(one) for one in deployments])

    async def delete(self, call: Call) -> Response:
        """Begin to delete a deployment that has no traffic."""
        endpoint = find_endpoint(self._context, call)
        name = call.params["deployment"]
        deployment = self._context.store.get(f"{endpoint.id}/deployments/{name}")
        if deployment is None:
            return Response(status_code=204)
        refuse_while_moving(endpoint, f"delete a deployment in endpoint {endpoint.name}")
        refuse_while_moving(deployment, f"delete deployment {name}")
        if shares(endpoint, deployment.name):
            raise invalid(f"Deployment '{deployment.name}' has traffic and cannot be deleted.")
        operation = self._context.operations.record(deployment.id, "Deleting")
        deployment = set_state(self._context, deployment.id, "Deleting", operation)
        return JSONResponse(None, 202, self._run(deployment, call))

    async def logs(self, call: Call) -> Response:
        """Give the last lines of the container's output."""
        deployment = self._read(call)
        container, tail = call.body.get("containerType"), call.body.get("tail")
        if container not in (None, *CONTAINERS):
            raise user_error(f"containerType is one of {', '.join(CONTAINERS)}.")
        if tail is not None and (not isinstance(tail, int) or tail < 1):
            raise user_error("'tail' is a whole number of at least 1.")
        endpoint = call.params["endpoint"]
        initializer = container == INITIALIZER
        path = self._serving.log_path(endpoint, deployment.name, initializer=initializer)
        return JSONResponse({"content": await asyncio.to_thread(_tail, path, tail or 50)})

    async def skus(self, call: Call) -> Response:
        """Say how far a deployment scales."""
        sku = self._read(call).body["sku"]
        capacity = {
            "minimum": 1,
            "maximum": INSTANCES_MAX,
            "default": sku["capacity"],
            "scaleType": "Manual",
        }
        kind = f"{PROVIDER}/workspaces/{DEPLOYMENTS}"
        named = {key: value for key, value in sku.items() if key in ("name", "tier")}
        return call.page([{"resourceType": kind, "sku": named, "capacity": capacity}])

    def _written(self, call: Call, body: Json) -> Resource:
        name = call.params["deployment"]
        endpoint = find_endpoint(self._context, call)
        check_name(name, "deployment")
        if never_made(endpoint) or state_of(endpoint) == "Deleting":
            raise invalid(
                "This endpoint has not been created successfully or is in deleting provisioning"
                " state. Please recreate endpoint and then try again to create deployment."
            )
        refuse_while_moving(endpoint, f"create a deployment in endpoint {endpoint.name}")
        resource_id = f"{endpoint.id}/deployments/{name}"
        old = self._context.store.get(resource_id)
        refuse_while_moving(old, f"update deployment {name}")
        if old is None and len(self._context.store.list(DEPLOYMENTS, endpoint.id)) >= (
            DEPLOYMENTS_MAX
        ):
            raise invalid(f"An endpoint has {DEPLOYMENTS_MAX} deployments at most.")
        body = accepted(body, old, self._context.store)
        if body["properties"].get("codeConfiguration") and self._serving.specs.server.missing:
            raise unimplemented(
                f"Scoring scripts ({self._serving.specs.server.missing}) are therefore"
            )
        verb = "Updating" if old else "Creating"
        body["properties"]["provisioningState"] = verb
        operation = self._context.operations.record(resource_id, verb)
        state = {**(old.state if old else {}), "operation": operation, "latest": operation}
        return self._context.store.put(
            resource_id, DEPLOYMENTS, body, state=state, parent=endpoint.id
        )[0]

    def _run(self, deployment: Resource, call: Call) -> dict[str, str]:
        operation = deployment.state["operation"]
        self._context.operations.resume(operation, self._work(deployment))
        return self._context.operations.headers(operation, call.base_url)

    def _after(self, live: Resource | None, work: Callable[[], Any]) -> Callable[[], Any]:
        async def both() -> None:
            if live:
                await self._serving.bring_back(live)
            await work()

        return both

    def _work(self, deployment: Resource) -> Callable[[], Any]:
        return lambda: (
            self._delete(deployment)
            if state_of(deployment) == "Deleting"
            else self._provide(deployment)
        )

    async def _provide(self, deployment: Resource) -> None:
        change = finished("Failed")
        try:
            await self._provision(deployment)
            change = finished("Succeeded", live=True)
        finally:
            if not self._serving.stopping:
                self._context.store.change(deployment.id, change)

    async def _provision(self, deployment: Resource) -> None:
        """Start the container, with the fault that is due; takes as long as the pace says."""
        least_seconds = self._context.pace.operation_seconds
        await self._suffer(self._fault("Provisioning", deployment), deployment, least_seconds)
        try:
            await asyncio.gather(self._serving.replace(deployment), asyncio.sleep(least_seconds))
        except OperationFailedError:
            await asyncio.sleep(least_seconds)
            raise

    async def _delete(self, deployment: Resource) -> None:
        least_seconds = self._context.pace.operation_seconds
        try:
            await self._suffer(self._fault("Deletion", deployment), deployment, least_seconds)
        except OperationFailedError:
            self._context.store.change(deployment.id, finished("Failed"))
            raise
        await asyncio.sleep(least_seconds)
        endpoint, _, name = deployment.id.rpartition("/deployments/")
        await self._serving.remove(endpoint.rpartition("/")[2], name)
        self._context.store.delete(deployment.id)
        if changed := self._context.store.change(endpoint, _without(deployment.name)):
            self._serving.refresh(changed)

    def _fault(self, family: str, deployment: Resource) -> Fault | None:
        endpoint = deployment.id.split("/")[-3]
        return self._context.faults.take(f"{family}.{endpoint}.{deployment.name}")

    async def _suffer(
        self, fault: Fault | None, deployment: Resource, least_seconds: float
    ) -> None:
        if fault is None:
            return
        await asyncio.sleep(fault.delay_seconds)
        if fault.fails:
            await asyncio.sleep(least_seconds)
            message = fault.words(f"The work of deployment {deployment.name}")
            raise OperationFailedError(message, fault.code or "BadArgument", fault.inner)

    def _read(self, call: Call) -> Resource:
        endpoint = find_endpoint(self._context, call)
        deployment = self._context.store.get(
            f"{endpoint.id}/deployments/{call.params['deployment']}"
        )
        if deployment is None:
            raise absent()
        return deployment

    def _show(self, deployment: Resource) -> Json:
        return envelope(deployment, shown(deployment))


def _without(name: str) -> Callable[[Json, Json], None]:
    def change(body: Json, _: Json) -> None:
        for key in ("traffic", "mirrorTraffic"):
            body["properties"][key].pop(name, None)

    return change


def _tail(path: Path, lines: int) -> str:
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:]) + "\n" if text else ""
