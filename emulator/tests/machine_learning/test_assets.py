"""Data, models, environments, code and components through the unmodified SDK."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.ai.ml import load_component
from azure.ai.ml.entities import Data, Environment, Model
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure_emulator.testing import Emulator

ASSETS = Path(__file__).parent / "assets"
DATA = "azureml://datastores/workspaceblobstore/paths/manifests/1.json"


def arm(emulator: Emulator, path: str, **query: Any) -> Any:
    """Ask the control plane as the SDK would."""
    token = DefaultAzureCredential().get_token(f"{emulator.url}/.default").token
    url = path if path.startswith("https:") else f"{emulator.url}{emulator.workspace_id}{path}"
    headers = {"authorization": f"Bearer {token}"}
    answer = requests.get(url, params=query, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()


def test_data_assets_are_numbered_and_immutable(ml_client: MLClient) -> None:
    """Without a version the next one is taken; a version keeps its place."""
    for _ in range(2):
        made = ml_client.data.create_or_update(Data(name="numbered", path=DATA, type="uri_file"))
    assert made.version == "2"
    assert ml_client.data.get("numbered", label="latest").version == "2"
    with pytest.raises(HttpResponseError, match="cannot be changed"):
        ml_client.data.create_or_update(
            Data(name="numbered", version="1", path=DATA + "x", type="uri_file")
        )
    ml_client.data.archive("numbered", version="1")
    assert [one.version for one in ml_client.data.list("numbered")] == ["2"]


def test_a_tenth_model_comes_after_the_ninth(ml_client: MLClient) -> None:
    """Versions are numbered as numbers, and tags can be changed."""
    for version in ("9", "10"):
        ml_client.models.create_or_update(
            Model(name="counted", version=version, path=DATA, type="custom_model")
        )
    path = "azureml://datastores/workspaceblobstore/paths/manifests/1.json"
    made = ml_client.models.create_or_update(Model(name="counted", path=path, type="custom_model"))
    assert made.version == "11"
    made.tags = {"verdict": "promote"}
    ml_client.models.create_or_update(made)
    assert ml_client.models.get("counted", "11").tags == {"verdict": "promote"}
    with pytest.raises(ResourceNotFoundError):
        ml_client.models.get("counted", "12")


@pytest.mark.behaviour("The latest version is the one that was made last")
def test_the_latest_environment_is_the_newest(ml_client: MLClient) -> None:
    """Label latest goes by the time of creation."""
    for version in ("2", "1"):
        image = f"registry.example/latest:{version}"
        ml_client.environments.create_or_update(
            Environment(name="latest", version=version, image=image)
        )
    assert ml_client.environments.get("latest", label="latest").version == "1"


@pytest.mark.behaviour("Code is found again by its hash, whatever name it is asked for")
def test_the_same_code_is_uploaded_once(
    ml_client: MLClient, ml_emulator: Emulator, tiny_pipeline: str
) -> None:
    """Code is found by its hash, so two components of one folder share it."""
    specs = [ml_client.components.get(name, "1") for name in ("tiny_prepare", "tiny_train")]
    assert len({spec.code for spec in specs}) == 1
    again = ml_client.components.create_or_update(load_component(ASSETS / "train.yml"))
    assert again.code == specs[0].code


@pytest.mark.behaviour("A pipeline component is shown without its graph, booleans as words")
def test_the_graph_of_a_pipeline_is_not_shown(ml_emulator: Emulator, tiny_pipeline: str) -> None:
    """A registered pipeline answers without its jobs, and booleans are words."""
    spec = arm(ml_emulator, "/components/tiny_retrain/versions/1")["properties"]["componentSpec"]
    assert "jobs" not in spec
    assert spec["inputs"]["champion"]["optional"] == "True"
    step = arm(ml_emulator, "/components/tiny_prepare/versions/1")["properties"]["componentSpec"]
    assert step["is_deterministic"] == "False"


@pytest.mark.behaviour("Changing a component of a version is 400")
def test_a_changed_component_needs_a_new_version(ml_client: MLClient, tiny_pipeline: str) -> None:
    """What a version says cannot be changed: 400."""
    changed = load_component(ASSETS / "prepare.yml", params_override=[{"command": "echo changed"}])
    with pytest.raises(HttpResponseError, match="cannot be changed") as refusal:
        ml_client.components.create_or_update(changed)
    assert refusal.value.status_code == 400


def test_lists_lead_on_page_by_page(ml_client: MLClient, ml_emulator: Emulator) -> None:
    """`nextLink` is an absolute URL and ends."""
    for version in ("1", "2", "3"):
        image = f"registry.example/paged:{version}"
        ml_client.environments.create_or_update(
            Environment(name="paged", version=version, image=image)
        )
    first = arm(ml_emulator, "/environments/paged/versions", **{"$top": 2})
    assert [one["name"] for one in first["value"]] == ["1", "2"]
    second = arm(ml_emulator, first["nextLink"])
    assert [one["name"] for one in second["value"]] == ["3"]
    assert "nextLink" not in second


def test_ids_are_compared_without_case(ml_client: MLClient, ml_emulator: Emulator) -> None:
    """A resource is found however its path is written, and unknown fields are kept."""
    ml_client.environments.create_or_update(
        Environment(name="Cased", version="1", image="registry.example/cased:1")
    )
    found = arm(ml_emulator, "/ENVIRONMENTS/cased/Versions/1")
    assert found["id"].endswith("/environments/Cased/versions/1")
    assert found["systemData"]["createdAt"]
