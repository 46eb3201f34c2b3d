"""Jobs in ARM: submit, read, list, cancel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ...arm import PROVIDER, Json, envelope, not_found, properties_of, user_error
from ...router import WORKSPACE, Call, Operation
from .plan import Pipeline
from .planner import Planner
from .runs import COMMAND_RUN, PIPELINE_RUN, TERMINAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...context import Context
    from ...resource import Resource
    from ..references import References
    from .runner import JobRunner
    from .runs import Runs

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,254}")
MUTABLE = ("tags", "displayName", "description", "properties", "isArchived", "status", "services")
RUN_TYPES = {"command": COMMAND_RUN, "pipeline": PIPELINE_RUN}
EXISTS = (
    "A job with this name already exists. If you are trying to submit a new job, use a different"
    " name. If you are trying to update an existing job, the existing job's {changed} cannot be"
    " changed. Only description, tags, displayName, properties, and isArchived can be updated."
)


class Jobs:
    """Answers for pipeline and command jobs; their steps are seen through run history."""

    def __init__(
        self, context: Context, references: References, runs: Runs, runner: JobRunner
    ) -> None:
        self._context = context
        self._runs = runs
        self._runner = runner
        self._planner = Planner(context, references)

    def operations(self) -> list[Operation]:
        """Give the operations."""
        one = WORKSPACE + "/jobs/{name}"
        return [
            Operation("Jobs.CreateOrUpdate", "PUT", one, self.put),
            Operation("Jobs.Get", "GET", one, self.get),
            Operation("Jobs.List", "GET", WORKSPACE + "/jobs", self.list),
            Operation("Jobs.Delete", "DELETE", one, self.delete),
            Operation("Jobs.Cancel", "POST", one + "/cancel", self.cancel),
        ]

    async def put(self, call: Call) -> Response:
        """Submit a job; the same body again changes only what may be changed."""
        name = call.params["name"]
        properties = properties_of(call.body)
        if not NAME.fullmatch(name):
            raise user_error(f"'{name}' is not a valid job name.", "InvalidJobName")
        old = self._context.store.get(self._id(name))
        if old:
            return self._update(old, properties)
        if self._runs.get(name):
            raise user_error(EXISTS.format(changed="name"), "ImmutableProperty")
        plan = self._planner.plan(name, properties)
        kind = PIPELINE_RUN if isinstance(plan.root, Pipeline) else COMMAND_RUN
        body = {"properties": properties}
        job, _ = self._context.store.put(self._id(name), "jobs", body)
        run = self._runs.create(
            name,
            {
                "experimentName": properties.get("experimentName") or "Default",
                "displayName": properties.get("displayName") or name,
                "description": properties.get("description"),
                "tags": properties.get("tags") or {},
                "properties": properties.get("properties") or {},
                "runType": kind,
            },
        )
        answer = self._show(job)
        self._runner.start(run, plan)
        return JSONResponse(answer, 201)

    async def get(self, call: Call) -> Response:
        """Describe a job; a pipeline's step has no properties here."""
        name = call.params["name"]
        if job := self._context.store.get(self._id(name)):
            return JSONResponse(self._show(job))
        if run := self._runs.get(name):
            shown = envelope(run)
            known = {"name": name, "systemData": shown["systemData"], "properties": None}
            kind = f"{PROVIDER}/workspaces/jobs"
            return JSONResponse({"id": self._id(name), "type": kind, **known})
        raise not_found(f"Job {name}")

    async def list(self, call: Call) -> Response:
        """Give the jobs, newest first."""
        kind, tag = call.query("jobType").lower(), call.query("tag")
        where = ("runType", RUN_TYPES.get(kind, "")) if kind else None
        jobs: dict[str, Resource] = {}

        def wanted() -> Iterator[Resource]:
            workspace, archived = self._context.workspace, call.archived()
            for run in self._context.store.walk(
                "runs",
                workspace,
                newest_first=True,
                archived=archived,
                after=call.after,
                where=where,
            ):
                job = self._context.store.get(self._id(run.name))
                if job and (not tag or _has_tag(run, tag)):
                    jobs[run.name] = job
                    yield run

        return call.page_of(wanted(), lambda run: self._job(jobs[run.name], run))

    async def delete(self, call: Call) -> Response:
        """Forget a job that has ended, and its steps; what they made stays."""
        name = call.params["name"]
        run = self._runs.get(name)
        if run is None or self._context.store.get(self._id(name)) is None:
            return Response(status_code=204)
        if run.body["status"] not in TERMINAL:
            message = f"Job {name} is in status {run.body['status']}: cancel it first."
            raise user_error(message, "JobNotFinished")

        async def work() -> None:
            self._runs.delete(name)
            self._context.store.delete(self._id(name))

        operation = self._context.operations.begin(self._id(name), "Deleting", work)
        headers = self._context.operations.headers(operation, call.base_url)
        return JSONResponse(None, 202, headers)

    async def cancel(self, call: Call) -> Response:
        """End a job; a finished pipeline refuses, a finished command job does not mind."""
        name = call.params["name"]
        job, run = self._context.store.get(self._id(name)), self._runs.get(name)
        if job is None or run is None:
            raise not_found(f"Job {name}")
        if run.body["status"] in TERMINAL:
            if job.properties["jobType"] == "Pipeline":
                message = f"Job {name} is in status {run.body['status']} and cannot be canceled."
                raise user_error(message, "JobAlreadyFinished")
            return JSONResponse(None, 200)
        work = self._runner.cancel
        operation = self._context.operations.begin(self._id(name), "Canceling", lambda: work(name))
        headers = self._context.operations.location_header(operation, call.base_url)
        return JSONResponse(None, 202, headers)

    def _update(self, job: Resource, properties: Json) -> Response:
        changed = [
            key
            for key in sorted({*job.properties, *properties})
            if key not in MUTABLE and job.properties.get(key) != properties.get(key)
        ]
        if changed:
            raise user_error(EXISTS.format(changed=", ".join(changed)), "ImmutableProperty")
        given = {key: properties.get(key) for key in MUTABLE}
        given["hidden"] = properties.get("isArchived")
        self._runs.patch(job.name, given)
        return JSONResponse(self._show(job), 200)

    def _show(self, job: Resource) -> Json:
        run = self._runs.get(job.name)
        if run is None:
            raise not_found(f"Job {job.name}")
        return self._job(job, run)

    def _job(self, job: Resource, run: Resource) -> Json:
        studio = f"https://ml.azure.com/runs/{job.name}?wsid={self._context.workspace}"
        tracking = f"azureml://local/mlflow/v1.0{self._context.workspace}?"
        properties = {
            **job.properties,
            "displayName": run.body.get("displayName"),
            "description": run.body.get("description"),
            "tags": run.body["tags"],
            "properties": run.body["properties"],
            "experimentName": run.body["experimentName"],
            "isArchived": run.body["hidden"],
            "status": run.body["status"],
            "services": {
                "Studio": {"jobServiceType": "Studio", "endpoint": studio},
                "Tracking": {"jobServiceType": "Tracking", "endpoint": tracking},
            },
        }
        return envelope(job, properties)

    def _id(self, name: str) -> str:
        return f"{self._context.workspace}/jobs/{name}"


def _has_tag(run: Resource, wanted: str) -> bool:
    """Say whether a run has a tag, given as its name or as NAME=VALUE."""
    name, separator, value = wanted.partition("=")
    tags = run.body["tags"]
    return name in tags and (not separator or str(tags[name]) == value)
