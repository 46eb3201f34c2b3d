"""One step as a process: inputs come down, the command runs, outputs and logs go up."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...environment import client_environment
from ..interpreter import write_python_wrappers
from .command_line import UnknownPlaceholderError, render
from .environment import job_environment
from .process import StepProcess
from .staging import Staging, artifact

if TYPE_CHECKING:
    from pathlib import Path

    from ...context import Context
    from ..uris import Places
    from .runs import Runs
    from .staging import StepRun

STEP_LOG = "user_logs/std_log.txt"
LOG_SECONDS = 0.5


class StepFailedError(Exception):
    """The step did not do what it should; the message is the run's error."""

    status = "Failed"


class StepTimedOutError(StepFailedError):
    """The step ran longer than its limit: the service cancels it."""

    status = "Canceled"


@dataclass(frozen=True, slots=True)
class _Staged:
    """What a command needs to run."""

    line: str
    variables: dict[str, str]
    outputs: dict[str, Path]


class StepRunner:
    """Runs steps below `home`/jobs with the chosen Python."""

    def __init__(self, context: Context, runs: Runs, places: Places) -> None:
        self._context = context
        self._runs = runs
        self._staging = Staging(context, places)
        self._bin = write_python_wrappers(context.settings.home, context.settings.python)

    async def run(self, run: StepRun) -> None:
        """Run to the end; StepFailedError when it fails, CancelledError when it is canceled."""
        folder = self._context.settings.home / "jobs" / run.root / run.name
        log = folder / "std_log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        try:
            await self._prepare_and_run(run, folder, log)
        finally:
            # Nobody waits for it: a step ends when its outputs and its log are up.
            asyncio.get_running_loop().run_in_executor(None, _clear, folder)

    async def upload_log(self, run: str, log: Path, name: str) -> None:
        """Put a log where the SDK looks for it."""
        place = artifact(run, name)
        await asyncio.to_thread(self._context.files.upload_file, log, place)
        self._runs.add_log(run, name)

    async def _prepare_and_run(self, run: StepRun, folder: Path, log: Path) -> None:
        self._runs.set_status(run.name, "Preparing")
        starting = asyncio.create_task(StepProcess.start(log))
        try:
            staged = await self._stage(run, folder, log)
            self._runs.set_status(run.name, "Queued")
            self._runs.set_status(run.name, "Running")
            await self._suffer(run, log)
        except BaseException:
            await (await starting).abandon()
            raise
        process = await starting
        try:
            code = await self._execute(run, process, staged, folder / "code", log)
            self._runs.set_status(run.name, "Finalizing")
            keeping = self._staging.keep(run, staged.outputs, folder, code == 0)
            await asyncio.gather(keeping, self.upload_log(run.name, log, STEP_LOG))
        except asyncio.CancelledError:
            await self.upload_log(run.name, log, STEP_LOG)
            raise
        _raise_for(code, run.step.timeout_seconds)

    async def _stage(self, run: StepRun, folder: Path, log: Path) -> _Staged:
        try:
            inputs = await self._staging.bring(run, folder)
            outputs = {
                name: self._staging.output(folder, name, run.step.outputs[name], uri)
                for name, uri in run.outputs.items()
            }
            paths = {name: str(path) for name, path in outputs.items()}
            line = render(run.step.command, inputs, paths)
        except UnknownPlaceholderError as error:
            words = f"The command cannot be filled in: {error}."
            raise await self._refusal(run, log, words) from error
        except Exception as error:
            words = f"The inputs could not be prepared: {error}"
            raise await self._refusal(run, log, words) from error
        return _Staged(line, self._environment(run, inputs, paths), outputs)

    async def _suffer(self, run: StepRun, log: Path) -> None:
        """Play the fault that is due: the step takes longer, or fails instead of running."""
        fault = self._context.faults.take(f"Step.{run.root}.{run.step.path}")
        if fault:
            await asyncio.sleep(fault.delay_seconds)
        if fault and fault.fails:
            raise await self._refusal(run, log, fault.words(f"The step {run.step.name}"))

    async def _refusal(self, run: StepRun, log: Path, words: str) -> StepFailedError:
        with log.open("a") as text:
            text.write(words + "\n")
        await self.upload_log(run.name, log, STEP_LOG)
        return StepFailedError(words)

    def _environment(
        self, run: StepRun, inputs: dict[str, str], outputs: dict[str, str]
    ) -> dict[str, str]:
        settings = self._context.settings
        variables = dict(os.environ)
        # The step stands alone: nothing of the emulator's own search path reaches it.
        variables.pop("PYTHONPATH", None)
        path = [str(self._bin), str(settings.python.parent), variables.get("PATH", "")]
        return {
            **variables,
            "PATH": os.pathsep.join(path),
            **client_environment(settings.home, settings.base_url),
            **job_environment(settings, run.name, run.root, run.experiment),
            **{f"AZURE_ML_INPUT_{name}": value for name, value in inputs.items()},
            **{f"AZURE_ML_OUTPUT_{name}": value for name, value in outputs.items()},
            **run.step.environment_variables,
        }

    async def _execute(
        self, run: StepRun, process: StepProcess, staged: _Staged, folder: Path, log: Path
    ) -> int | None:
        """Run the command, its log uploaded meanwhile; give its exit code, None out of time."""
        ended = asyncio.Event()
        following = asyncio.create_task(self._follow_log(run.name, log, ended))
        try:
            limit = run.step.timeout_seconds
            return await process.run(staged.line, folder, staged.variables, limit)
        finally:
            ended.set()
            await following

    async def _follow_log(self, run: str, log: Path, ended: asyncio.Event) -> None:
        """Upload the log while it grows; an upload that has begun is never overtaken."""
        size = 0
        while not ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), LOG_SECONDS)
            if not ended.is_set() and log.stat().st_size != size:
                size = log.stat().st_size
                await self.upload_log(run, log, STEP_LOG)


def _raise_for(code: int | None, limit_seconds: float | None) -> None:
    if code is None:
        raise StepTimedOutError(
            f"The job was canceled: it ran longer than its limit of {limit_seconds:g} seconds."
        )
    if code != 0:
        raise StepFailedError(
            f"Execution failed. User process 'bash' exited with status code {code}."
            f" Please check log file '{STEP_LOG}' for error details."
        )


def _clear(folder: Path) -> None:
    for name in ("code", "inputs", "outputs"):
        shutil.rmtree(folder / name, ignore_errors=True)
