"""Runs jobs: steps in the order of their needs, as many at once as the graph allows."""

from __future__ import annotations

import asyncio
import logging
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from ...resource import now
from ...settings import DEFAULT_DATASTORE
from .plan import Data, FromStep
from .runs import STEP_RUN, TERMINAL
from .steps import StepFailedError, StepRun, StepRunner

if TYPE_CHECKING:
    from pathlib import Path

    from ...context import Context
    from ...resource import Resource
    from ..uris import Places
    from .plan import Plan, Step
    from .runs import Runs

log = logging.getLogger("azure_emulator")
EXECUTION_LOG = "logs/azureml/executionlogs.txt"
INTERRUPTED = "The emulator ended while the job was running."
FAILED_STEPS = "Pipeline has some failed steps. See child run or execution logs for more details."


class JobRunner:
    """Owns the jobs that run now."""

    def __init__(self, context: Context, runs: Runs, places: Places) -> None:
        self._context = context
        self._runs = runs
        self._steps = StepRunner(context, runs, places)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def fail_interrupted(self) -> None:
        """Mark what ran when an earlier process ended, children before their parents."""
        for run in reversed(self._runs.all()):
            if run.body["status"] not in TERMINAL:
                self._runs.set_status(run.name, "Failed", INTERRUPTED)

    def start(self, run: Resource, plan: Plan) -> None:
        """Begin a job in the background."""
        task = asyncio.create_task(self._guarded(run, plan))
        self._tasks[run.name] = task
        task.add_done_callback(lambda _: self._tasks.pop(run.name, None))

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
        self._stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, run: Resource, plan: Plan) -> None:
        try:
            if plan.is_pipeline:
                await self._pipeline(run, plan)
            else:
                await self._command(run, plan.steps["main"])
        except Exception:
            log.exception("job %s", run.name)
            self._runs.set_status(run.name, "Failed", "The job failed inside the emulator.")

    async def _command(self, run: Resource, step: Step) -> None:
        given = step.inputs.items()
        inputs = {name: value for name, value in given if not isinstance(value, FromStep)}
        await self._run_step(run, run.name, step, inputs)

    async def _pipeline(self, job: Resource, plan: Plan) -> None:
        self._runs.set_status(job.name, "Preparing")
        journal = _Journal(self._context.settings.home / "jobs" / job.name)
        journal.write(f"{len(plan.steps)} steps: {', '.join(plan.steps)}")
        self._runs.set_status(job.name, "Running")
        produced: dict[str, dict[str, str]] = {}
        try:
            failed = await self._all_steps(job, plan, produced, journal)
            self._runs.set_status(job.name, "Finalizing")
        finally:
            await self._steps.upload_log(job.name, journal.path, EXECUTION_LOG)
        if failed:
            self._runs.set_status(job.name, "Failed", FAILED_STEPS)
        else:
            self._runs.set_status(job.name, "Completed")

    async def _all_steps(
        self, job: Resource, plan: Plan, produced: dict[str, dict[str, str]], journal: _Journal
    ) -> bool:
        """Run what can be run; say whether a step failed."""
        waiting = dict(plan.steps)
        running: dict[asyncio.Task[dict[str, str] | None], str] = {}
        failed = False
        try:
            while True:
                if plan.continue_on_step_failure or not failed:
                    for step in [one for one in waiting.values() if one.needs <= produced.keys()]:
                        del waiting[step.name]
                        running[self._begin(job, step, produced, journal)] = step.name
                if not running:
                    return failed
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    name = running.pop(task)
                    outputs = task.result()
                    journal.write(f"step {name} {'failed' if outputs is None else 'completed'}")
                    if outputs is None:
                        failed = True
                    else:
                        produced[name] = outputs
                        self._note_outputs(job, plan, name, outputs)
                if failed and not plan.continue_on_step_failure:
                    return True
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _begin(
        self, job: Resource, step: Step, produced: dict[str, dict[str, str]], journal: _Journal
    ) -> asyncio.Task[dict[str, str] | None]:
        name = str(uuid.uuid4())
        body = {
            "displayName": step.display_name,
            "runType": STEP_RUN,
            "properties": {"azureml.nodeName": step.name},
        }
        self._runs.create(name, body, job)
        journal.write(f"step {step.name} starts as {name}")
        inputs = {
            key: Data(produced[value.step][value.output], value.type)
            if isinstance(value, FromStep)
            else value
            for key, value in step.inputs.items()
        }
        return asyncio.create_task(self._run_step(job, name, step, inputs))

    def _note_outputs(self, job: Resource, plan: Plan, step: str, outputs: dict[str, str]) -> None:
        for output, (source, name) in plan.outputs.items():
            if source == step and name in outputs:
                kind = plan.steps[step].outputs[name].type
                self._runs.set_output(job.name, output, outputs[name], kind)

    async def _run_step(
        self, job: Resource, name: str, step: Step, inputs: dict[str, str | Data]
    ) -> dict[str, str] | None:
        """Run one step; give where its outputs lie, or None when it failed."""
        outputs = {
            output: target.uri or default_output(name, output)
            for output, target in step.outputs.items()
        }
        experiment = job.body["experimentName"]
        step_run = StepRun(name, job.name, experiment, step, inputs, outputs)
        self._runs.set_status(name, "Queued")
        for output, uri in outputs.items():
            self._runs.set_output(name, output, uri, step.outputs[output].type)
        try:
            await self._steps.run(step_run)
        except StepFailedError as error:
            self._runs.set_status(name, "Failed", str(error))
            return None
        except asyncio.CancelledError:
            if not self._stopping:
                self._runs.set_status(name, "Canceled")
            raise
        self._runs.set_status(name, "Completed")
        return outputs


class _Journal:
    """The log of a pipeline: which step began and ended when."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "executionlogs.txt"

    def write(self, line: str) -> None:
        """Add one line."""
        with self.path.open("a") as text:
            text.write(f"[{now()}] {line}\n")


def default_output(run: str, output: str) -> str:
    """Give the place of an output that was given none."""
    return f"azureml://datastores/{DEFAULT_DATASTORE}/paths/azureml/{run}/{output}/"
