"""Where a job of a drill really runs: the production components over files on disk."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.domain.facts import JobStatus
from shared.domain.places import output_path
from shared.domain.state import Training
from simulation.drills.components import Component, Ran, last_line
from simulation.drills.datasets import Spoilt, files_of
from simulation.drills.happenings import end
from simulation.drills.world import MODEL, World, drilled_model

MODEL_FILES = ("metrics.json", "sample.json", "model.onnx", "schema.json", "lineage.json")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a draft comes to be: which data, which features, and what is done to it afterwards."""

    data: Spoilt
    features: tuple[str, ...] = ()
    """The model's own when empty."""
    iterations: int = 40
    afterwards: Callable[[Laboratory, Path], None] | None = None


class Laboratory:
    """Component processes, and a folder in which data is prepared and drafts are kept."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.prepare, self.train, self.evaluate = (
            Component(name) for name in ("prepare", "train", "evaluate")
        )
        self._drafts: dict[Recipe, Path] = {}
        self._prepared: dict[tuple[Spoilt, str], Path] = {}
        self._specs = 0

    def close(self) -> None:
        """Let the processes end."""
        for component in (self.prepare, self.train, self.evaluate):
            component.close()

    def data(self, spoilt: Spoilt, manifest: bytes) -> Path:
        """The dataset, prepared from what the control plane pinned; the same is done once."""
        version = json.loads(manifest)["data_version"]
        folder = self._prepared.get((spoilt, version))
        if folder is None:
            folder = self.home / f"data-{len(self._prepared)}"
            landing = folder / "landing"
            for name, content in files_of(spoilt).items():
                path = landing / MODEL / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            (folder / "manifest.json").write_bytes(manifest)
            self.prepare.succeed(
                *("--manifest", folder / "manifest.json", "--spec", self.spec()),
                *("--landing", landing, "--data", folder / "data", "--report", folder / "report"),
            )
            self._prepared[spoilt, version] = folder
        return folder / "data"

    def spec(self, recipe: Recipe | None = None) -> Path:
        """What the components are told, for a recipe's features and parameters."""
        told: dict[str, Any] = json.loads(json.dumps(drilled_model().training_spec))
        if recipe is not None:
            told["training"]["max_iterations"] = recipe.iterations
            kinds = told["features"]
            told["features"] = {name: kinds[name] for name in recipe.features or kinds}
        self._specs += 1
        path = self.home / f"spec-{self._specs}.json"
        path.write_text(json.dumps(told), encoding="utf-8")
        return path

    def draft(self, recipe: Recipe, data: Path) -> Path:
        """What train makes of the data; the same recipe is trained once."""
        draft = self._drafts.get(recipe)
        if draft is None:
            draft = self.home / f"draft-{len(self._drafts)}"
            arguments = ("--spec", self.spec(recipe), "--job-name", "drill", "--draft", draft)
            self.train.succeed("--data", data, *arguments)
            if recipe.afterwards is not None:
                recipe.afterwards(self, draft)
            self._drafts[recipe] = draft
        return draft

    def model_of(self, world: World, version: int | None) -> list[str | Path]:
        """The folder of a registered version as Azure ML would mount it, with its number."""
        if version is None:
            return []
        registered = world.registry.versions[MODEL, version]
        folder = Path(tempfile.mkdtemp(dir=self.home))
        for name in MODEL_FILES:
            content = world.files.read(output_path(registered.job, "model", name))
            if content is not None:
                (folder / name).write_bytes(content)
        return [folder, str(version)]

    def judge(self, world: World, training: Training, data: Path, draft: Path) -> Ran:
        """Run evaluate as the job's last step; what it writes becomes the job's output."""
        output = Path(tempfile.mkdtemp(dir=self.home))
        given: list[str | Path] = ["--data", data, "--draft", draft, "--model", output]
        given += ["--spec", self.spec(), "--job-name", training.job]
        for whom, version in (("champion", training.champion), ("anchor", training.anchor)):
            for flag, value in zip(
                (f"--{whom}", f"--{whom}-version"), self.model_of(world, version), strict=False
            ):
                given += [flag, value]
        ran = self.evaluate.run(*given)
        for path in sorted(output.iterdir()):
            place = output_path(training.job, "model", path.name)
            world.files.write_once(place, path.read_bytes())
        return ran

    def run_job(self, world: World, training: Training, recipe: Recipe) -> Ran:
        """The whole job: prepare, train, evaluate, and the event of its end."""
        manifest = world.files.read(training.manifest.path)
        assert manifest is not None, "the control plane pinned the data"
        data = self.data(recipe.data, manifest)
        return self.finish(world, training, data, self.draft(recipe, data))

    def finish(self, world: World, training: Training, data: Path, draft: Path) -> Ran:
        """Evaluate a draft that is there already, and end the job as that ended."""
        ran = self.judge(world, training, data, draft)
        status = JobStatus.FAILED if ran.code else JobStatus.COMPLETED
        end(world, None, status, sample=None)
        return Ran(ran.code, last_line(ran.output))


@contextmanager
def laboratory() -> Iterator[Laboratory]:
    """A laboratory whose files and processes are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="noon-drills-"))
    try:
        lab = Laboratory(home)
        try:
            yield lab
        finally:
            lab.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
