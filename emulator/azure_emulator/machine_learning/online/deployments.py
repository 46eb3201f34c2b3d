"""Online deployments in ARM: one local process each."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from ...arm import Json, envelope, not_found, properties_of, user_error
from ...operations import OperationFailedError
from ...router import WORKSPACE, Call, Operation
from .endpoints import NAME, refuse_while_moving, remember_operation, set_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...resource import Resource
    from .serving import Serving

DEPLOYMENTS_MAX = 20
KIND = "onlineEndpoints/deployments"
PROBE = {
    "initialDelay": "PT10S",
    "period": "PT10S",
    "timeout": "PT2S",
    "failureThreshold": 30,
    "successThreshold": 1,
}
REQUESTS = {
    "requestTimeout": "PT5S",
    "maxConcurrentRequestsPerInstance": 1,
    "maxQueueWait": "PT0.5S",
}


class OnlineDeployments:
    """Keeps deployments; their processes are in `Serving`."""

    def __init__(self, context: Context, serving: Serving) -> None:
        self._context = context
        self._serving = serving

    def operations(self) -> list[Operation]:
        """Give the operations."""
        all_ = WORKSPACE + "/onlineEndpoints/{endpoint}/deployments"
        one = all_ + "/{name}"
        named = {
            "CreateOrUpdate": ("PUT", one, self.put),
            "Get": ("GET", one, self.get),
            "List": ("GET", all_, self.list),
            "Delete": ("DELETE", one, self.delete),
            "GetLogs": ("POST", one + "/getLogs", self.logs),
        }
        return [Operation(f"OnlineDeployments.{key}", *value) for key, value in named.items()]

    def resume(self) -> None:
        """Start what an earlier process served, and take up its operations."""
        for deployment in self._context.store.list(KIND):
            if operation := deployment.state.get("operation"):
                self._context.operations.resume(operation, self._work(deployment))
            elif deployment.properties["provisioningState"] == "Succeeded":
                self._serving.start_in_background(deployment)

    async def put(self, call: Call) -> Response:
        """Begin to make or replace a deployment."""
        name = call.params["name"]
        endpoint = self._endpoint(call)
        if not NAME.fullmatch(name):
            raise user_error(f"'{name}' is not a valid deployment name.", "InvalidDeploymentName")
        refuse_while_moving(endpoint, "endpoint")
        resource_id = f"{endpoint.id}/deployments/{name}"
        old = self._context.store.get(resource_id)
        refuse_while_moving(old, "deployment")
        if old is None and len(self._context.store.list(KIND, endpoint.id)) >= DEPLOYMENTS_MAX:
            raise user_error(f"An endpoint has {DEPLOYMENTS_MAX} deployments at most.", "Quota")
        verb = "Updating" if old else "Creating"
        properties = self._accepted(properties_of(call.body))
        properties["provisioningState"] = verb
        body = {
            **call.body,
            "sku": call.body.get("sku") or {"name": "Default", "capacity": 1},
            "properties": properties,
        }
        deployment, _ = self._context.store.put(resource_id, KIND, body, parent=endpoint.id)
        return JSONResponse(self._show(deployment), 201, self._begin(deployment, verb, call))

    async def get(self, call: Call) -> Response:
        """Describe a deployment."""
        return JSONResponse(self._show(self._read(call)))

    async def list(self, call: Call) -> Response:
        """Give the deployments of an endpoint."""
        deployments = self._context.store.list(KIND, self._endpoint(call).id)
        return call.page([self._show(one) for one in deployments])

    async def delete(self, call: Call) -> Response:
        """Begin to delete a deployment that has no traffic."""
        endpoint = self._endpoint(call)
        deployment = self._context.store.get(f"{endpoint.id}/deployments/{call.params['name']}")
        if deployment is None:
            return Response(status_code=204)
        refuse_while_moving(endpoint, "endpoint")
        refuse_while_moving(deployment, "deployment")
        if _shares(endpoint, deployment.name):
            message = f"Deployment '{deployment.name}' has traffic and cannot be deleted."
            raise user_error(message, "DeploymentHasTraffic")
        deployment = set_state(self._context, deployment.id, "Deleting") or deployment
        return JSONResponse(None, 202, self._begin(deployment, "Deleting", call))

    async def logs(self, call: Call) -> Response:
        """Give the last lines of the container's output."""
        self._read(call)
        tail = int(call.body.get("tail") or 50)
        path = self._serving.log_path(call.params["endpoint"], call.params["name"])
        text = await asyncio.to_thread(_tail, path, tail)
        if str(call.body.get("containerType")) == "StorageInitializer":
            text = ""
        return JSONResponse({"content": text})

    def _accepted(self, given: Json) -> Json:
        if str(given.get("endpointComputeType", "Managed")) != "Managed":
            raise user_error("Only managed endpoints are implemented.")
        if not given.get("instanceType"):
            raise user_error("A deployment needs 'instanceType'.")
        if given.get("codeConfiguration"):
            raise user_error("Deployments with code are not implemented: bring a container.")
        for key in ("environmentId", "model"):
            asset = str(given.get(key) or "").removeprefix("azureml:")
            if asset and self._context.store.get(asset) is None:
                raise user_error(f"{key} '{asset}' does not exist.", "AssetNotFound")
        if not given.get("environmentId"):
            raise user_error("A deployment of a custom model needs an environment.")
        properties = {key: value for key, value in given.items() if value is not None}
        return {
            "appInsightsEnabled": False,
            "scaleSettings": {"scaleType": "Default"},
            "egressPublicNetworkAccess": "Enabled",
            **properties,
            "endpointComputeType": "Managed",
            "properties": properties.get("properties") or {},
            "requestSettings": _over(REQUESTS, given.get("requestSettings")),
            "livenessProbe": _over(PROBE, given.get("livenessProbe")),
            "readinessProbe": _over(PROBE, given.get("readinessProbe")),
        }

    def _begin(self, deployment: Resource, verb: str, call: Call) -> dict[str, str]:
        operation = self._context.operations.begin(deployment.id, verb, self._work(deployment))
        remember_operation(self._context, deployment.id, operation)
        return self._context.operations.headers(operation, call.base_url)

    def _work(self, deployment: Resource) -> Callable[[], Any]:
        endpoint = deployment.id.split("/")[-3]

        async def provision() -> None:
            state = "Failed"
            try:
                await self._provision(deployment)
                state = "Succeeded"
            finally:
                if not self._serving.stopping:
                    self._context.store.change(deployment.id, _finished(state))

        async def delete() -> None:
            await asyncio.sleep(self._context.pace.operation_seconds)
            await self._serving.remove(endpoint, deployment.name)
            self._context.store.delete(deployment.id)
            parent = deployment.id.rpartition("/deployments/")[0]
            if changed := self._context.store.change(parent, _without(deployment.name)):
                self._serving.refresh(changed)

        deleting = deployment.properties["provisioningState"] == "Deleting"
        return delete if deleting else provision

    async def _provision(self, deployment: Resource) -> None:
        """Start the container, with the fault that is due; takes as long as the pace says."""
        endpoint = deployment.id.split("/")[-3]
        operation = f"Provisioning.{endpoint}.{deployment.name}"
        least_seconds = self._context.pace.operation_seconds
        fault = self._context.faults.take(operation)
        if fault:
            await asyncio.sleep(fault.delay_seconds)
            if fault.fails:
                await asyncio.sleep(least_seconds)
                raise OperationFailedError(
                    fault.words(operation), fault.code or "BadArgument", fault.inner
                )
        try:
            await asyncio.gather(self._serving.provision(deployment), asyncio.sleep(least_seconds))
        except OperationFailedError:
            await asyncio.sleep(least_seconds)
            raise

    def _endpoint(self, call: Call) -> Resource:
        name = call.params["endpoint"]
        resource_id = f"{self._context.workspace}/onlineEndpoints/{name}"
        endpoint = self._context.store.get(resource_id)
        if endpoint is None:
            raise not_found(f"Endpoint {name}")
        return endpoint

    def _read(self, call: Call) -> Resource:
        endpoint = self._endpoint(call)
        deployment = self._context.store.get(f"{endpoint.id}/deployments/{call.params['name']}")
        if deployment is None:
            raise not_found(f"Deployment {call.params['name']}")
        return deployment

    def _show(self, deployment: Resource) -> Json:
        properties = dict(deployment.properties)
        model = re.search(r"/models/([^/]+)/versions/([^/]+)", str(properties.get("model")))
        place = f"/var/azureml-app/azureml-models/{model[1]}/{model[2]}" if model else ""
        properties["environmentVariables"] = {
            "AML_APP_ROOT": "/var/azureml-app",
            "AZUREML_MODEL_DIR": place,
            **(properties.get("environmentVariables") or {}),
        }
        return envelope(deployment, properties)


def _shares(endpoint: Resource, name: str) -> list[int]:
    """Give what the deployment gets of live and of mirrored traffic, without zeros."""
    maps = (endpoint.properties["traffic"], endpoint.properties["mirrorTraffic"])
    return [
        share
        for each in maps
        for key, share in each.items()
        if share and key.lower() == name.lower()
    ]


def _over(defaults: Json, given: Any) -> Json:
    return {**defaults, **{key: value for key, value in (given or {}).items() if value is not None}}


def _finished(provisioning_state: str) -> Callable[[Json, Json], None]:
    def change(body: Json, state: Json) -> None:
        body["properties"]["provisioningState"] = provisioning_state
        state.pop("operation", None)

    return change


def _without(name: str) -> Callable[[Json, Json], None]:
    def change(body: Json, _: Json) -> None:
        for key in ("traffic", "mirrorTraffic"):
            body["properties"][key].pop(name, None)

    return change


def _tail(path: Any, lines: int) -> str:
    text: str = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:]) + "\n" if text else ""
