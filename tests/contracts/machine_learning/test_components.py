"""How what training and serving need is registered."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.azure_ml_assets import register_components
from shared.domain.facts import Release

COMPONENTS = Path(__file__).parent / "components"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the components that can be changed."""
    return shutil.copytree(COMPONENTS, tmp_path / "components")


def test_same_content_is_the_same_release(
    workspace: AzureMachineLearning, contract_release: Release, folder: Path
) -> None:
    """Registering again, from wherever, changes nothing; Python's leavings are no content."""
    (folder / "work" / "__pycache__").mkdir()
    (folder / "work" / "__pycache__" / "run.pyc").write_bytes(b"x")
    release = register_components(workspace.client(), folder, image="tiny-backend:1")
    assert release == contract_release


@pytest.mark.parametrize(
    "changed",
    ["work/run.py", "work/component.yml", "pipeline.yml", "environment/noon-training.yml"],
)
def test_other_content_is_another_pipeline(
    workspace: AzureMachineLearning, contract_release: Release, folder: Path, changed: str
) -> None:
    """Any change of code, step, pipeline or environment makes a pipeline of its own."""
    path = folder / changed
    if changed.startswith("environment"):
        path.write_text(path.read_text().replace("ubuntu22.04", "ubuntu24.04"))
    else:
        path.write_text(path.read_text() + f"\n# {folder}\n")
    release = register_components(workspace.client(), folder, image="tiny-backend:1")
    assert release.component != contract_release.component
    assert release.environment == contract_release.environment


def test_serving_environments_are_numbered(
    workspace: AzureMachineLearning, contract_release: Release
) -> None:
    """Each new image takes the next number, after 9 comes 10, and an old one keeps its own."""
    taken = [
        register_components(workspace.client(), COMPONENTS, image=f"image:{tag}").environment
        for tag in range(12)
    ]
    assert taken == list(range(taken[0], taken[0] + 12))
    again = register_components(workspace.client(), COMPONENTS, image="image:3")
    assert again == Release(contract_release.component, taken[3])


def test_components_are_registered_by_name(
    workspace: AzureMachineLearning, contract_release: Release
) -> None:
    """The release is what the workspace shows: a pipeline with its inputs."""
    name, _, version = contract_release.component.partition(":")
    pipeline = workspace.client().components.get(name, version=version)
    assert pipeline.type == "pipeline"
    assert {"manifest", "spec", "landing", "champion", "job_name"} <= set(pipeline.inputs)
    environment = workspace.client().environments.get(
        "noon-serving", version=str(contract_release.environment)
    )
    assert environment.image == "tiny-backend:1"


def test_registering_says_nothing_on_the_output(
    workspace: AzureMachineLearning, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that prints JSON can register components."""
    (folder / "work" / "run.py").write_text("raise SystemExit(0)\n")
    register_components(workspace.client(), folder, image="tiny-backend:1")
    assert capsys.readouterr().out == ""
