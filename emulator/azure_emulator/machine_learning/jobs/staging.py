"""Brings a step's code and inputs into its folder, and what it made out again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..blobs import MissingDataError
from ..uris import Place
from .plan import Data

if TYPE_CHECKING:
    from ...context import Context
    from ..uris import Places
    from .plan import Output, Step

ARTIFACT_CONTAINER = "azureml"
KEPT_FOLDERS = ("outputs", "logs")
"""Folders below the code whose files become artifacts of the run, without being asked for."""


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


def artifact(run: str, name: str) -> Place:
    """Give the place of a file that belongs to a run."""
    return Place(ARTIFACT_CONTAINER, f"ExperimentRun/dcid.{run}/{name}")


class Staging:
    """Moves files between storage and the folder of a step."""

    def __init__(self, context: Context, places: Places) -> None:
        self._context = context
        self._places = places

    async def bring(self, run: StepRun, folder: Path) -> dict[str, str]:
        """Download code and inputs, all at once; give what each input is to the command."""
        wanted = list(run.inputs.items())
        code = asyncio.to_thread(self._code, run.step.code, folder / "code")
        inputs = [asyncio.to_thread(self._input, *each, folder) for each in wanted]
        values, _ = await asyncio.gather(asyncio.gather(*inputs), code)
        return dict(zip((name for name, _ in wanted), values, strict=True))

    def output(self, folder: Path, name: str, output: Output, uri: str) -> Path:
        """Give the file or folder that the command writes an output to."""
        path = folder / "outputs" / name
        path.mkdir(parents=True, exist_ok=True)
        if output.type == "uri_file":
            return path / (self._places.resolve(uri).name or name)
        return path

    async def keep(self, run: StepRun, outputs: dict[str, Path], folder: Path, ok: bool) -> None:
        """Upload the outputs and the run's artifacts; after a failure only what was mounted."""
        kept = [name for name in outputs if ok or run.step.outputs[name].kept_after_failure]
        transfers = [
            asyncio.to_thread(self._upload, outputs[name], run.outputs[name]) for name in kept
        ]
        for name in KEPT_FOLDERS:
            if (files := folder / "code" / name).is_dir():
                place = artifact(run.name, name)
                transfers.append(asyncio.to_thread(self._upload_folder, files, place))
        await asyncio.gather(*transfers)

    def _code(self, code: str | None, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        if code is None:
            return
        resource = self._context.store.get(code.removeprefix("azureml:"))
        if resource is None:
            raise MissingDataError(f"The code {code} does not exist.")
        place = self._places.resolve(str(resource.properties["codeUri"]))
        self._context.files.copy_code(place, target)

    def _input(self, name: str, value: str | Data, folder: Path) -> str:
        if isinstance(value, str):
            return value
        mode = value.mode.lower()
        if mode == "direct":
            return value.uri
        target = folder / "inputs" / name
        place = self._places.resolve(value.uri)
        link = mode in ("readonlymount", "ro_mount", "evalmount", "eval_mount")
        if value.type == "uri_file":
            return self._file(place, target, link)
        found = self._context.files.download_folder(place, target, link=link)
        if not found and value.type.endswith("_model"):
            return self._file(place, target, link)
        return str(target)

    def _file(self, place: Place, target: Path, link: bool) -> str:
        self._context.files.download_file(place, target / place.name, link=link)
        return str(target / place.name)

    def _upload(self, path: Path, uri: str) -> None:
        place = self._places.resolve(uri)
        if path.is_dir():
            self._upload_folder(path, place)
        elif path.exists():
            self._context.files.upload_last(path, place)

    def _upload_folder(self, folder: Path, place: Place) -> None:
        self._context.files.upload_folder(folder, place)
