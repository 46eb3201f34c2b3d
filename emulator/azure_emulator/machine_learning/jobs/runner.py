"""Starts, cancels and finds again the jobs that run."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from .pipelines import BROKEN, FAILED_STEPS, JobRun, Journal, Parts
from .plan import Pipeline
from .reuse import Reuse
from .steps import StepRunner

if TYPE_CHECKING:
    from ...context import Context
    from ...resource import Resource
    from ..uris import Places
    from .plan import Plan
    from .results import Results
    from .runs import Runs

log = logging.getLogger("azure_emulator")
EXECUTION_LOG = "logs/azureml/executionlogs.txt"
INTERRUPTED = "The emulator ended while the job was running."


class JobRunner:
    """Owns the jobs that run now."""

    def __init__(self, context: Context, runs: Runs, places: Places, results: Results) -> None:
        self._context = context
        self._runs = runs
        self._parts = Parts(StepRunner(context, runs, places), results, Reuse(context, runs))
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._jobs: dict[str, JobRun] = {}

    def settle_interrupted(self) -> None:
        """Mark what ran when an earlier process ended, children before their parents."""
        for run in reversed(self._runs.unended()):
            if run.body["status"] == "CancelRequested":
                self._cancel_children(run.name)
                self._runs.set_status(run.name, "Canceled")
        for run in reversed(self._runs.unended()):
            self._runs.set_status(run.name, "Failed", INTERRUPTED)

    def start(self, run: Resource, plan: Plan) -> None:
        """Begin a job in the background."""
        journal = Journal(self._context.settings.home / "jobs" / run.name)
        job = JobRun(self._runs, self._parts, plan, journal)
        task = asyncio.create_task(self._guarded(run, plan, job, journal))
        self._tasks[run.name], self._jobs[run.name] = task, job

        def forget(_: asyncio.Task[None]) -> None:
            self._tasks.pop(run.name, None)
            self._jobs.pop(run.name, None)

        task.add_done_callback(forget)

    async def cancel(self, name: str) -> None:
        """End a job's processes; returns when its status is final."""
        self._runs.set_status(name, "CancelRequested")
        if task := self._tasks.get(name):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._runs.set_status(name, "Canceled")

    async def stop(self) -> None:
        """End the processes of all jobs without a word: the next start finds them interrupted."""
        for job in self._jobs.values():
            job.stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, run: Resource, plan: Plan, job: JobRun, journal: Journal) -> None:
        try:
            if isinstance(plan.root, Pipeline):
                await self._pipeline(run, plan.root, job, journal)
            else:
                await job.step(run, run.name, plan.root)
        except Exception:
            log.exception("job %s", run.name)
            self._runs.set_status(run.name, "Failed", BROKEN)

    async def _pipeline(
        self, run: Resource, pipeline: Pipeline, job: JobRun, journal: Journal
    ) -> None:
        self._runs.set_status(run.name, "Preparing")
        journal.write(f"{len(pipeline.nodes)} steps: {', '.join(pipeline.nodes)}")
        self._runs.set_status(run.name, "Running")
        try:
            outputs = await job.pipeline(run, pipeline)
            self._runs.set_status(run.name, "Finalizing")
        finally:
            await self._parts.steps.upload_log(run.name, journal.path, EXECUTION_LOG)
        if outputs is None:
            self._runs.set_status(run.name, "Failed", FAILED_STEPS)
        else:
            self._runs.set_status(run.name, "Completed")

    def _cancel_children(self, name: str) -> None:
        for child in self._runs.children(name):
            self._cancel_children(child.name)
            self._runs.set_status(child.name, "Canceled")
