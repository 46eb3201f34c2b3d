"""One step as a process: inputs come down, the command runs, outputs and logs go up."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...environment import client_environment
from ...supervisor import supervised
from ..interpreter import write_python_wrappers
from ..uris import Place
from .command_line import UnknownPlaceholderError, render
from .environment import job_environment
from .plan import Data

if TYPE_CHECKING:
    from ...context import Context
    from ..uris import Places
    from .plan import Output, Step
    from .runs import Runs

LOG_CONTAINER = "azureml"
STEP_LOG = "user_logs/std_log.txt"
LOG_SECONDS = 0.5


class StepFailedError(Exception):
    """The step did not do what it should; the message is the run's error."""


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step with everything resolved."""

    name: str
    root: str
    experiment: str
    step: Step
    inputs: dict[str, str | Data]
    outputs: dict[str, str]
    """Output name to URI."""


class StepRunner:
    """Runs steps below `home`/jobs with the chosen Python."""

    def __init__(self, context: Context, runs: Runs, places: Places) -> None:
        self._context = context
        self._runs = runs
        self._places = places
        self._bin = write_python_wrappers(context.settings.home, context.settings.python)

    async def run(self, run: StepRun) -> None:
        """Run to the end; StepFailedError when it fails, CancelledError when it is canceled."""
        folder = self._context.settings.home / "jobs" / run.root / run.name
        log = folder / "std_log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        uploading = asyncio.create_task(self._keep_uploading(run.name, log))
        try:
            await self._prepare_and_run(run, folder, log)
        finally:
            uploading.cancel()
            with suppress(asyncio.CancelledError):
                await uploading
            await self.upload_log(run.name, log, STEP_LOG)
            await asyncio.to_thread(_clear, folder)

    async def upload_log(self, run: str, log: Path, name: str) -> None:
        """Put a log where the SDK looks for it."""
        place = Place(LOG_CONTAINER, f"ExperimentRun/dcid.{run}/{name}")
        await asyncio.to_thread(self._context.files.upload_file, log, place)
        self._runs.add_log(run, name)

    async def _prepare_and_run(self, run: StepRun, folder: Path, log: Path) -> None:
        self._runs.set_status(run.name, "Preparing")
        try:
            inputs = await asyncio.to_thread(self._download, run, folder)
            outputs = {
                name: self._local_output(folder, name, run.step.outputs[name], uri)
                for name, uri in run.outputs.items()
            }
            paths = {name: str(path) for name, path in outputs.items()}
            command = render(run.step.command, inputs, paths)
        except UnknownPlaceholderError as error:
            raise StepFailedError(f"The command cannot be filled in: {error}.") from error
        except StepFailedError:
            raise
        except Exception as error:
            with log.open("a") as text:
                text.write(f"The inputs could not be prepared: {error}\n")
            raise StepFailedError(f"The inputs could not be prepared: {error}") from error
        self._runs.set_status(run.name, "Running")
        variables = self._environment(run, inputs, paths)
        code = await self._execute(command, folder / "code", variables, log)
        self._runs.set_status(run.name, "Finalizing")
        for name, path in outputs.items():
            if code == 0 or run.step.outputs[name].kept_after_failure:
                await asyncio.to_thread(self._upload, path, run.outputs[name])
        if code != 0:
            raise StepFailedError(
                f"Execution failed. User process 'bash' exited with status code {code}."
                f" Please check log file '{STEP_LOG}' for error details."
            )

    def _download(self, run: StepRun, folder: Path) -> dict[str, str]:
        code = folder / "code"
        code.mkdir(parents=True, exist_ok=True)
        if run.step.code:
            self._download_code(run.step.code, code)
        values: dict[str, str] = {}
        for name, value in run.inputs.items():
            values[name] = value if isinstance(value, str) else self._input(name, value, folder)
        return values

    def _input(self, name: str, data: Data, folder: Path) -> str:
        if data.mode.lower() == "direct":
            return data.uri
        target = folder / "inputs" / name
        place = self._places.resolve(data.uri)
        link = data.mode.lower() in ("readonlymount", "ro_mount")
        if data.type == "uri_file":
            self._context.files.download_file(place, target / place.name, link=link)
            return str(target / place.name)
        self._context.files.download_folder(place, target, link=link)
        return str(target)

    def _download_code(self, code: str, target: Path) -> None:
        resource = self._context.store.get(code.removeprefix("azureml:"))
        if resource is None:
            raise StepFailedError(f"The code {code} does not exist.")
        place = self._places.resolve(str(resource.properties["codeUri"]))
        if not self._context.files.download_folder(place, target):
            self._context.files.download_file(place, target / place.name)

    def _local_output(self, folder: Path, name: str, output: Output, uri: str) -> Path:
        path = folder / "outputs" / name
        if output.type == "uri_file":
            path.mkdir(parents=True, exist_ok=True)
            return path / (self._places.resolve(uri).name or name)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _upload(self, path: Path, uri: str) -> None:
        place = self._places.resolve(uri)
        if path.is_dir():
            self._context.files.upload_folder(path, place)
        elif path.exists():
            self._context.files.upload_file(path, place)

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
        self, command: str, folder: Path, variables: dict[str, str], log: Path
    ) -> int:
        shell = shutil.which("bash") or "/bin/sh"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *supervised(shell, "-c", command),
                cwd=folder,
                env=variables,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )
        try:
            return await process.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            raise

    async def _keep_uploading(self, run: str, log: Path) -> None:
        size = 0
        while True:
            await asyncio.sleep(LOG_SECONDS)
            if log.stat().st_size != size:
                size = log.stat().st_size
                await self.upload_log(run, log, STEP_LOG)


def _clear(folder: Path) -> None:
    for name in ("code", "inputs", "outputs"):
        shutil.rmtree(folder / name, ignore_errors=True)
