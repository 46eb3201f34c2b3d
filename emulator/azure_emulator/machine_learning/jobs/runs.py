"""Runs: jobs and their steps, their status, and the events that a change of it raises."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ...arm import PROVIDER, Json
from ...resource import now

if TYPE_CHECKING:
    from ...context import Context
    from ...resource import Resource

TERMINAL = ("Completed", "Failed", "Canceled")
PIPELINE_RUN = "azureml.PipelineRun"
STEP_RUN = "azureml.StepRun"
COMMAND_RUN = "azureml.scriptrun"


class Runs:
    """Keeps one record per run; the data planes and the job's status read from it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def get(self, name: str) -> Resource | None:
        """Give a run by its name."""
        return self._context.store.get(self._id(name))

    def unended(self) -> tuple[Resource, ...]:
        """Give the runs that have not ended, oldest first."""
        return self._context.store.without("runs", "status", TERMINAL)

    def children(self, name: str) -> list[Resource]:
        """Give the runs of a pipeline's steps."""
        return self._context.store.list("runs", self._id(name))

    def create(self, name: str, body: Json, parent: Resource | None = None) -> Resource:
        """Note a new run; it has not started."""
        root = parent.body["rootRunId"] if parent else name
        experiment = parent.body["experimentName"] if parent else body["experimentName"]
        record = {
            "tags": {},
            "properties": {},
            "hidden": False,
            "error": None,
            "startTimeUtc": None,
            "endTimeUtc": None,
            **body,
            "runId": name,
            "parentRunId": parent.name if parent else None,
            "rootRunId": root,
            "experimentName": experiment,
            "experimentId": str(uuid.uuid5(uuid.NAMESPACE_URL, self._id(experiment))),
            "status": "NotStarted",
            "createdUtc": now(),
        }
        above = self._id(parent.name) if parent else self._context.workspace
        return self._context.store.put(self._id(name), "runs", record, parent=above)[0]

    def delete(self, name: str) -> None:
        """Forget a run and all below it."""
        for child in self.children(name):
            self.delete(child.name)
        self._context.store.delete(self._id(name))

    def set_status(self, name: str, status: str, error: str | None = None) -> None:
        """Note a change and raise its events; a run that has ended stays as it is."""
        changed = False

        def change(body: Json, _: Json) -> None:
            nonlocal changed
            changed = body["status"] not in TERMINAL and body["status"] != status
            if not changed:
                return
            body["status"] = status
            if status == "Running":
                body["startTimeUtc"] = body["startTimeUtc"] or now()
            if status in TERMINAL:
                body["endTimeUtc"] = now()
            if error:
                inner = {"code": "UserError", "message": error, "messageParameters": {}}
                body["error"] = {"error": inner, "time": now()}

        run = self._context.store.change(self._id(name), change)
        if run and changed:
            self._publish(run)

    def reuse(self, name: str, earlier: Resource) -> dict[str, str]:
        """End a run with the outputs of an earlier one; give where they lie."""
        outputs: dict[str, str] = earlier.state.get("outputs", {})

        def change(body: Json, state: Json) -> None:
            body["properties"] |= {
                "azureml.isreused": "true",
                "azureml.reusedrunid": earlier.name,
                "azureml.reusedpipelinerunid": earlier.body["rootRunId"],
            }
            state["outputs"] = outputs
            state["output_types"] = earlier.state.get("output_types", {})

        self._context.store.change(self._id(name), change)
        self.set_status(name, "Completed")
        return outputs

    def set_output(self, name: str, output: str, uri: str, kind: str) -> None:
        """Note where an output of the run lies."""

        def change(_: Json, state: Json) -> None:
            state.setdefault("outputs", {})[output] = uri
            state.setdefault("output_types", {})[output] = kind

        self._context.store.change(self._id(name), change)

    def add_log(self, name: str, path: str) -> None:
        """Note that the run has a log file."""

        def change(_: Json, state: Json) -> None:
            state.setdefault("logs", []).append(path)

        run = self.get(name)
        if run and path not in run.state.get("logs", []):
            self._context.store.change(self._id(name), change)

    def patch(self, name: str, given: Json) -> Resource | None:
        """Change what callers may change: tags and properties are merged."""

        def change(body: Json, _: Json) -> None:
            for key in ("displayName", "description", "hidden"):
                if given.get(key) is not None:
                    body[key] = given[key]
            for key in ("tags", "properties"):
                body[key] = {**(body.get(key) or {}), **(given.get(key) or {})}

        return self._context.store.change(self._id(name), change)

    def _publish(self, run: Resource) -> None:
        body = run.body
        data = {
            "experimentId": body["experimentId"],
            "experimentName": body["experimentName"],
            "runId": run.name,
            "runType": body.get("runType"),
            "runTags": body["tags"],
            "runProperties": body["properties"],
        }
        subject = f"experiments/{body['experimentId']}/runs/{run.name}"
        status = body["status"]
        scope = self._context.workspace
        changed = {**data, "runStatus": status}
        self._context.events.publish(scope, f"{PROVIDER}.RunStatusChanged", subject, changed)
        if status == "Completed":
            self._context.events.publish(scope, f"{PROVIDER}.RunCompleted", subject, data)

    def _id(self, name: str) -> str:
        return f"{self._context.workspace}/runs/{name}"
