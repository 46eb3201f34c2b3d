"""The data planes that read runs: run history, and where a run's outputs lie."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ...arm import Json, not_found
from ...router import WORKSPACE, Call, Operation
from ..workspace import blob_sas_url, workspace_guid
from .staging import ARTIFACT_CONTAINER, artifact

if TYPE_CHECKING:
    from ...context import Context
    from ...resource import Resource
    from ..uris import Places
    from .runs import Runs

HISTORY = "/history/v1.0" + WORKSPACE
ASSET = re.compile(r".*/data/azureml_(?P<run>.+)_output_data_(?P<output>.+)/versions/1")

NOT_IN_DETAILS = {
    "createdUtc",
    "dataContainerId",
    "description",
    "displayName",
    "experimentId",
    "hidden",
    "runType",
}


class RunHistory:
    """Answers at the discovery document's `api` URL."""

    def __init__(self, context: Context, runs: Runs, places: Places) -> None:
        self._context = context
        self._runs = runs
        self._places = places

    def operations(self) -> list[Operation]:
        """Give the operations."""
        run = HISTORY + "/runs/{run}"
        named = HISTORY + "/experiments/{experiment}/runs/{run}"
        uris = WORKSPACE + "/dataversion/batchGetResolvedUris"
        return [
            Operation("Runs.Get", "GET", run, self.get),
            Operation("Runs.GetByExperiment", "GET", named, self.get),
            Operation("Runs.Update", "PATCH", run, self.patch),
            Operation("Runs.UpdateByExperiment", "PATCH", named, self.patch),
            Operation("Runs.GetDetails", "GET", run + "/details", self.details),
            Operation("Runs.GetDetailsByExperiment", "GET", named + "/details", self.details),
            Operation("Runs.GetServices", "GET", run + "/serviceinstances/{node}", self.services),
            Operation("Runs.GetChildren", "GET", run + "/children", self.children),
            Operation("Runs.GetRunData", "POST", HISTORY + "/rundata", self.run_data),
            Operation("DataVersion.GetResolvedUris", "POST", "/data/v1.0" + uris, self.uris),
        ]

    async def get(self, call: Call) -> Response:
        """Describe a run."""
        return JSONResponse(self._show(self._read(call)))

    async def patch(self, call: Call) -> Response:
        """Change names, tags and properties; hide or show."""
        self._read(call)
        run = self._runs.patch(call.params["run"], call.body)
        return JSONResponse(self._show(run) if run else {})

    async def details(self, call: Call) -> Response:
        """Describe a run and give URLs of its logs."""
        run = self._read(call)
        logs = run.state.get("logs", [])
        urls = await asyncio.to_thread(lambda: {name: self._log_url(run, name) for name in logs})
        shown = self._show(run)
        return JSONResponse(
            {
                **{key: value for key, value in shown.items() if key not in NOT_IN_DETAILS},
                "createdTimeUtc": run.body["createdUtc"],
                "logFiles": urls,
                "warnings": [],
                "services": {},
            }
        )

    async def services(self, call: Call) -> Response:
        """Give the services inside a run's container: none are started here."""
        self._read(call)
        return JSONResponse({"instances": {}})

    async def children(self, call: Call) -> Response:
        """Give the runs of a pipeline's steps."""
        self._read(call)
        runs = self._runs.children(call.params["run"])
        return call.page([self._show(run) for run in runs])

    async def run_data(self, call: Call) -> Response:
        """Describe a run by the id in the body; its outputs are named by asset."""
        run = self._runs.get(str(call.body.get("runId")))
        if run is None:
            raise not_found(f"Run {call.body.get('runId')}")
        shown = self._show(run)
        shown["outputs"] = {
            output: {
                "assetId": self._asset_id(run, output),
                "type": run.state["output_types"][output],
            }
            for output in run.state.get("outputs", {})
        }
        return JSONResponse({"runMetadata": shown, "runDefinition": None, "jobSpecification": None})

    async def uris(self, call: Call) -> Response:
        """Say where the outputs lie that `run_data` named."""
        values: Json = {}
        for asset in call.body.get("values") or []:
            match = ASSET.fullmatch(str(asset))
            run = self._runs.get(match["run"]) if match else None
            if match is None or run is None or match["output"] not in run.state.get("outputs", {}):
                raise not_found(f"Asset {asset}")
            values[asset] = {
                "uri": self._places.long_uri(run.state["outputs"][match["output"]]),
                "type": run.state["output_types"][match["output"]],
            }
        return JSONResponse({"values": values})

    def _read(self, call: Call) -> Resource:
        run = self._runs.get(call.params["run"])
        if run is None:
            raise not_found(f"Run {call.params['run']}")
        return run

    def _show(self, run: Resource) -> Json:
        author = {"userName": "emulator", "userObjectId": None, "upn": None}
        return {
            **{key: value for key, value in run.body.items() if key != "experimentName"},
            "runNumber": run.sequence,
            "runUuid": run.name,
            "createdBy": author,
            "lastModifiedBy": author,
            "lastModifiedUtc": run.modified_at,
            "dataContainerId": f"dcid.{run.name}",
            "runTypeV2": {"orchestrator": None, "traits": []},
        }

    def _asset_id(self, run: Resource, output: str) -> str:
        place = f"azureml://locations/{self._context.settings.location}/workspaces/"
        place += workspace_guid(self._context.workspace)
        return f"{place}/data/azureml_{run.name}_output_data_{output}/versions/1"

    def _log_url(self, run: Resource, name: str) -> str:
        path = artifact(run.name, name).path
        return blob_sas_url(self._context.storage, ARTIFACT_CONTAINER, path)
