"""Compute targets: names that jobs may give; all of them are this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ..arm import Json, envelope, not_found, not_implemented, properties_of, user_error
from ..router import WORKSPACE, Call, Operation

if TYPE_CHECKING:
    from ..context import Context
    from ..resource import Resource

LOCAL = "local"
CLUSTER = "AmlCompute"
SCALE = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"}


class Computes:
    """Answers for `local`, for what `serve` was given, and for clusters that callers make."""

    def __init__(self, context: Context) -> None:
        self._context = context
        given = {name.lower(): name for name in (*context.settings.computes, LOCAL)}
        for old in context.store.list("computes"):
            if old.state.get("given") and old.name.lower() not in given:
                context.store.delete(old.id)
        for name in given.values():
            self._put(name, {"location": context.settings.location}, {}, {"given": True})

    def operations(self) -> list[Operation]:
        """Give the operations."""
        one = WORKSPACE + "/computes/{name}"
        return [
            Operation("Compute.Get", "GET", one, self.get),
            Operation("Compute.List", "GET", WORKSPACE + "/computes", self.list),
            Operation("Compute.CreateOrUpdate", "PUT", one, self.put),
            Operation("Compute.Delete", "DELETE", one, self.delete),
            Operation("Compute.ListNodes", "POST", one + "/listNodes", self.nodes),
        ]

    async def get(self, call: Call) -> Response:
        """Describe one compute target."""
        return JSONResponse(self._show(self._read(call)))

    async def list(self, call: Call) -> Response:
        """Give all compute targets."""
        computes = self._context.store.walk("computes", self._context.workspace, after=call.after)
        return call.page_of(computes, self._show)

    async def put(self, call: Call) -> Response:
        """Make a cluster by name; its size and scale are kept and mean nothing here."""
        given = properties_of(call.body)
        if given.get("computeType") != CLUSTER:
            raise not_implemented(f"A compute of type {given.get('computeType')}")
        name = call.params["name"]
        kept = {key: value for key, value in call.body.items() if key != "properties"}
        compute, created = self._put(name, kept, given)

        async def work() -> None:
            pass

        verb = "Creating" if created else "Updating"
        operation = self._context.operations.begin(compute.id, verb, work)
        headers = self._context.operations.headers(operation, call.base_url)
        return JSONResponse(self._show(compute), 201 if created else 200, headers)

    async def delete(self, call: Call) -> Response:
        """Forget a cluster; those that `serve` was given stay."""
        compute = self._read(call)
        if compute.state.get("given"):
            message = f"Compute '{compute.name}' was given to the emulator at its start."
            raise user_error(message, "ComputeInUse")

        async def work() -> None:
            self._context.store.delete(compute.id)

        operation = self._context.operations.begin(compute.id, "Deleting", work)
        headers = self._context.operations.headers(operation, call.base_url)
        return JSONResponse(None, 202, headers)

    async def nodes(self, call: Call) -> Response:
        """Give the nodes of a cluster: none, since this machine is none."""
        self._read(call)
        return JSONResponse({"nodes": []})

    def _put(
        self, name: str, body: Json, given: Json, state: Json | None = None
    ) -> tuple[Resource, bool]:
        location = self._context.settings.location
        properties = {
            **given,
            "computeType": CLUSTER,
            "computeLocation": given.get("computeLocation") or location,
            "provisioningState": "Succeeded",
            "properties": {
                "vmSize": "STANDARD_DS3_V2",
                "vmPriority": "Dedicated",
                "scaleSettings": SCALE,
                **(given.get("properties") or {}),
                "allocationState": "Steady",
                "currentNodeCount": 0,
                "targetNodeCount": 0,
            },
        }
        return self._context.store.put(
            f"{self._context.workspace}/computes/{name}",
            "computes",
            {**body, "properties": properties},
            state=state,
            parent=self._context.workspace,
        )

    def _show(self, compute: Resource) -> Json:
        return envelope(compute)

    def _read(self, call: Call) -> Resource:
        name = call.params["name"]
        compute = self._context.store.get(f"{self._context.workspace}/computes/{name}")
        if compute is None:
            raise not_found(f"Compute {name}")
        return compute
