"""One pipeline job while it runs: nodes in the order of their needs, as many at once as can be."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...resource import now
from .bindings import fill_path
from .plan import Data, FromStep, Pipeline, needs
from .runs import PIPELINE_RUN, STEP_RUN
from .staging import StepRun
from .steps import StepFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from ...resource import Resource
    from .plan import Plan, Step, Value
    from .results import Results
    from .reuse import Reuse
    from .runs import Runs
    from .steps import StepRunner

log = logging.getLogger("azure_emulator")
FAILED_STEPS = "Pipeline has some failed steps. See child run or execution logs for more details."
BROKEN = "The job failed inside the emulator."
Outputs = dict[str, str]
"""Output name to URI."""


class Journal:
    """The log of a pipeline: which step began and ended when."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "executionlogs.txt"

    def write(self, line: str) -> None:
        """Add one line."""
        with self.path.open("a") as text:
            text.write(f"[{now()}] {line}\n")


@dataclass(frozen=True, slots=True)
class Parts:
    """What all jobs share."""

    steps: StepRunner
    results: Results
    reuse: Reuse


class JobRun:
    """Runs the nodes of one job; knows what every node of it has made."""

    def __init__(self, runs: Runs, parts: Parts, plan: Plan, journal: Journal) -> None:
        self._runs = runs
        self._parts = parts
        self._plan = plan
        self._journal = journal
        self._made: dict[str, Outputs] = {}
        self.stopping = False
        """The emulator ends: what is cut off now is found at its next start."""

    async def pipeline(self, run: Resource, pipeline: Pipeline) -> Outputs | None:
        """Run all nodes below `run`; give the pipeline's outputs, or None when a step failed."""
        waiting = dict(pipeline.nodes)
        running: dict[asyncio.Task[Outputs | None], str] = {}
        failed = False
        try:
            while True:
                if self._plan.continue_on_step_failure or not failed:
                    for path, node in list(waiting.items()):
                        if needs(node.inputs) <= self._made.keys():
                            del waiting[path]
                            running[self._begin(run, node)] = path
                if not running:
                    break
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    failed |= not self._note(run, pipeline, running.pop(task), task.result())
                if failed and not self._plan.continue_on_step_failure:
                    break
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if failed:
            return None
        return {output: self._made[path][name] for output, (path, name) in pipeline.bound.items()}

    async def step(self, root: Resource, name: str, step: Step) -> Outputs | None:
        """Run one step as the run `name`; give where its outputs lie, or None when it failed."""
        outputs = {
            key: fill_path(
                target.uri or default_place(self._plan.datastore),
                job=name,
                output_name=key,
                datastore=self._plan.datastore,
            )
            for key, target in step.outputs.items()
        }
        inputs = {key: self._resolved(value) for key, value in step.inputs.items()}
        for key, uri in outputs.items():
            self._runs.set_output(name, key, uri, step.outputs[key].type)
        root_name, experiment = root.body["rootRunId"], root.body["experimentName"]
        try:
            await self._parts.steps.run(StepRun(name, root_name, experiment, step, inputs, outputs))
            self._parts.results.register(name, step, outputs)
        except StepFailedError as error:
            self._runs.set_status(name, error.status, str(error))
            return None
        except asyncio.CancelledError:
            if not self.stopping:
                self._runs.set_status(name, "Canceled")
            raise
        except Exception:
            log.exception("step %s of %s", step.path, root_name)
            self._runs.set_status(name, "Failed", BROKEN)
            return None
        self._runs.set_status(name, "Completed")
        return outputs

    def _begin(self, parent: Resource, node: Step | Pipeline) -> asyncio.Task[Outputs | None]:
        name = str(uuid.uuid4())
        is_pipeline = isinstance(node, Pipeline)
        body = {
            "displayName": node.display_name,
            "runType": PIPELINE_RUN if is_pipeline else STEP_RUN,
            "properties": {"azureml.nodeName": node.name},
        }
        run = self._runs.create(name, body, parent)
        self._journal.write(f"step {node.path} starts as {name}")
        if isinstance(node, Pipeline):
            return asyncio.create_task(self._inner(run, node))
        return asyncio.create_task(self._step(parent, name, node))

    async def _step(self, parent: Resource, name: str, step: Step) -> Outputs | None:
        """Run a step of a pipeline, or take what an equal one has made."""
        inputs = {key: self._resolved(value) for key, value in step.inputs.items()}
        earlier = None if self._plan.force_rerun else self._parts.reuse.find(step, inputs)
        if earlier:
            self._journal.write(f"step {step.path} takes the results of {earlier.name}")
            return self._runs.reuse(name, earlier)
        outputs = await self.step(parent, name, step)
        if outputs is not None and not self._plan.force_rerun:
            self._parts.reuse.note(step, inputs, name)
        return outputs

    async def _inner(self, run: Resource, pipeline: Pipeline) -> Outputs | None:
        """Run a pipeline inside this one, as a run of its own."""
        self._runs.set_status(run.name, "Running")
        try:
            outputs = await self.pipeline(run, pipeline)
        except asyncio.CancelledError:
            if not self.stopping:
                self._runs.set_status(run.name, "Canceled")
            raise
        if outputs is None:
            self._runs.set_status(run.name, "Failed", FAILED_STEPS)
        else:
            self._runs.set_status(run.name, "Completed")
        return outputs

    def _note(self, run: Resource, around: Pipeline, path: str, outputs: Outputs | None) -> bool:
        """Keep what a node made, say what it means for the pipeline; False when it failed."""
        self._journal.write(f"step {path} {'failed' if outputs is None else 'completed'}")
        if outputs is None:
            return False
        self._made[path] = outputs
        for output, (source, name) in around.bound.items():
            if source == path and name in outputs:
                kind = around.nodes[path].outputs[name].type
                self._runs.set_output(run.name, output, outputs[name], kind)
        return True

    def _resolved(self, value: Value) -> str | Data:
        if isinstance(value, FromStep):
            return Data(self._made[value.step][value.output], value.type)
        return value


def default_place(datastore: str) -> str:
    """Give the place of an output that was given none."""
    return f"azureml://datastores/{datastore}/paths/azureml/${{{{name}}}}/${{{{output_name}}}}/"
