"""The components as Azure ML's own SDK reads them, and what they promise to others."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.training.steps import COMPONENTS, ROOT

STEPS = ("prepare", "train", "evaluate")


@pytest.fixture(scope="module")
def retrain() -> Any:
    """The pipeline component as the SDK loads it."""
    from azure.ai.ml import load_component

    return load_component(COMPONENTS / "pipeline.yml")


def test_pipeline_loads_with_its_steps(retrain: Any) -> None:
    """The SDK reads the pipeline component; the earlier models are optional, all else is not."""
    assert retrain.name == "noon_retrain"
    assert list(retrain.jobs) == list(STEPS)
    optional = {name for name, about in retrain.inputs.items() if about.optional}
    assert optional == {"champion", "champion_version", "anchor", "anchor_version"}
    needed = {name for name in set(retrain.inputs) - optional if not retrain.inputs[name].default}
    assert needed == {"manifest", "spec", "landing", "job_name"}
    assert set(retrain.outputs) == {"model", "report"}


@pytest.mark.parametrize("step", STEPS)
def test_steps_load_and_are_never_reused(step: str) -> None:
    """The SDK reads each step; none may be answered from an earlier job's results."""
    from azure.ai.ml import load_component

    component = load_component(COMPONENTS / step / "component.yml")
    assert component.name == f"noon_{step}"
    assert component.is_deterministic is False
    assert component.environment == "noon-training@latest"
    assert component._validate().passed


def test_steps_pass_on_what_the_pipeline_gets(retrain: Any) -> None:
    """Every input of a step comes from the pipeline or from a step before it."""
    for node in retrain.jobs.values():
        wired = set(node.inputs)
        assert wired == set(node.component.inputs)


def test_environment_loads_with_the_locked_packages() -> None:
    """The environment holds exactly the versions that requirements/training.txt locks."""
    from azure.ai.ml import load_environment

    environment = load_environment(COMPONENTS / "environment" / "noon-training.yml")
    assert environment.name == "noon-training"
    *_, pip = environment.conda_file["dependencies"]
    pins = _load("environment/pins.py")
    locked = (ROOT / "requirements" / "training.txt").read_text(encoding="utf-8")
    assert pip["pip"] == pins.pins(locked), "run training_components/environment/pins.py"
    assert (COMPONENTS / "environment.yml").read_text(encoding="utf-8") == pins.conda(locked)


def test_environment_runs_on_the_python_of_this_project() -> None:
    """Locally and in Azure the components run on the same version of Python."""
    conda = yaml.safe_load((COMPONENTS / "environment.yml").read_text(encoding="utf-8"))
    assert f"python={sys.version_info.major}.{sys.version_info.minor}" in conda["dependencies"]


def test_evaluate_carries_the_published_schema() -> None:
    """Only its own folder is uploaded, so evaluate has a copy: the two are the same."""
    published = (COMPONENTS / "metrics.schema.json").read_bytes()
    assert (COMPONENTS / "evaluate" / "metrics.schema.json").read_bytes() == published
    jsonschema.Draft202012Validator.check_schema(yaml.safe_load(published))


def test_published_metrics_are_the_ones_there_are() -> None:
    """The schema, the code and the models' tomls name the same metrics."""
    metrics = _load("evaluate/metrics.py").METRICS
    schema = yaml.safe_load((COMPONENTS / "metrics.schema.json").read_text(encoding="utf-8"))
    assert schema["properties"]["metric"]["properties"]["name"]["enum"] == list(metrics)
    for toml in (ROOT / "models" / "flights.toml", ROOT / "examples/diabetes/diabetes.toml"):
        model = tomllib.loads(toml.read_text(encoding="utf-8"))
        assert metrics[model["evaluation"]["metric"]].task == model["task"]


@pytest.mark.parametrize("step", STEPS)
def test_bytecode_is_not_part_of_a_component(step: str) -> None:
    """A folder's content decides its version, whether it was run here before or not."""
    from azure.ai.ml._utils._asset_utils import get_ignore_file

    folder = COMPONENTS / step
    ignored = get_ignore_file(folder)
    assert ignored.is_file_excluded(folder / "__pycache__" / "run.cpython-311.pyc")
    assert not ignored.is_file_excluded(folder / "run.py")


@pytest.mark.parametrize("step", STEPS)
def test_steps_explain_themselves(step: str, tmp_path: Path) -> None:
    """Each step runs by itself and says what it needs."""
    run = COMPONENTS / step / "run.py"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, run, "--help"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    declared = yaml.safe_load((COMPONENTS / step / "component.yml").read_text(encoding="utf-8"))
    for name in (*declared["inputs"], *declared["outputs"]):
        assert f"--{name.replace('_', '-')}" in done.stdout


def _load(path: str) -> Any:
    """A module of a component, by path: the folders are no packages."""
    name = path.removesuffix(".py").replace("/", "_")
    spec = importlib.util.spec_from_file_location(name, COMPONENTS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
