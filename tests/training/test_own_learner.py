"""The step that docs/own-pipeline.md shows, between the product's own."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.training.steps import COMPONENTS, ROOT, Job

PAGE = (ROOT / "docs" / "own-pipeline.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ridge_job(diabetes_job: Job, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The diabetes table trained by the page's block and judged by our step."""
    job = replace(diabetes_job, home=tmp_path_factory.mktemp("ridge"))
    train = job.home / "code" / "train"
    shutil.copytree(COMPONENTS / "train", train)
    (train / "run.py").rename(train / "run_trees.py")
    [block] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (train / "run.py").write_text(block)
    return job.succeed("prepare", "train", "evaluate")


def test_another_learner_is_judged_like_ours(ridge_job: Job, diabetes_job: Job) -> None:
    """The same held-out rows, an export that agrees, and a metrics file by the schema."""
    metrics, ours = ridge_job.read("model/metrics.json"), diabetes_job.read("model/metrics.json")
    assert metrics["holdout"] == ours["holdout"]
    assert metrics["challenger"] != ours["challenger"]
    assert metrics["versus_baseline"]["low"] > 0
    assert metrics["parity"]["flipped"] == 0
    assert not (Path(ridge_job.home) / "model" / "trees.onnx").exists()


def test_the_page_names_every_input_and_output() -> None:
    """Who brings a pipeline reads its contract there."""
    pipeline = yaml.safe_load((COMPONENTS / "pipeline.yml").read_text())
    rows = re.findall(r"^\| (input|output) \| ([^|]+) \|", PAGE, re.M)
    told = {
        kind: {name for of, names in rows if of == kind for name in re.findall(r"`(\w+)`", names)}
        for kind in ("input", "output")
    }
    assert told == {"input": set(pipeline["inputs"]), "output": set(pipeline["outputs"])}
