"""The workspace, its computes and datastores, and the registry of curated environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    AmlCompute,
    AzureBlobDatastore,
    BuildContext,
    Environment,
    NoneCredentialConfiguration,
)
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential

if TYPE_CHECKING:
    from pathlib import Path


def test_the_workspace(ml_client: MLClient) -> None:
    """It is found by name and in the list of its resource group."""
    workspace = ml_client.workspaces.get(ml_client.workspace_name)
    assert workspace.name == ml_client.workspace_name
    assert [one.name for one in ml_client.workspaces.list()] == [workspace.name]
    with pytest.raises(ResourceNotFoundError):
        ml_client.workspaces.get("elsewhere")


@pytest.mark.behaviour("A compute target that is not there is 404")
def test_computes(ml_client: MLClient) -> None:
    """`local` and the named clusters are there; others are made and deleted."""
    assert {"local", "cpu-cluster"} <= {one.name for one in ml_client.compute.list()}
    assert ml_client.compute.get("CPU-Cluster").name == "cpu-cluster"
    with pytest.raises(ResourceNotFoundError):
        ml_client.compute.get("gpu-cluster")
    cluster = AmlCompute(name="gpu-cluster", size="STANDARD_NC6S_V3", max_instances=4)
    made = ml_client.compute.begin_create_or_update(cluster).result()
    assert (made.max_instances, made.provisioning_state) == (4, "Succeeded")
    assert list(ml_client.compute.list_nodes("gpu-cluster")) == []
    ml_client.compute.begin_delete("gpu-cluster").result()
    with pytest.raises(ResourceNotFoundError):
        ml_client.compute.get("gpu-cluster")
    with pytest.raises(HttpResponseError, match="at its start"):
        ml_client.compute.begin_delete("local")


def test_datastores(ml_client: MLClient, arm_call: Any) -> None:
    """One is the default; one made without credentials answers no secrets."""
    assert ml_client.datastores.get_default().name == "workspaceblobstore"
    ml_client.datastores.create_or_update(
        AzureBlobDatastore(name="bare", account_name="x", container_name="bare", credentials=None)
    )
    bare = ml_client.datastores.get("bare")
    assert isinstance(bare.credentials, NoneCredentialConfiguration)
    refused = arm_call("POST", "/datastores/bare/listSecrets")
    assert refused.status_code == 400
    assert "has no credentials" in refused.json()["error"]["message"]
    secret = arm_call("POST", "/datastores/landing/listSecrets").json()
    assert (secret["secretsType"], "sig=" in secret["sasToken"]) == ("Sas", True)
    ml_client.datastores.delete("bare")
    with pytest.raises(ResourceNotFoundError):
        ml_client.datastores.get("bare")
    assert {"landing", "workspaceblobstore"} <= {one.name for one in ml_client.datastores.list()}


def test_environments_of_all_makes(ml_client: MLClient, tmp_path: Path) -> None:
    """From an image, with a conda file, and from a build context, which is kept and not built."""
    conda = {"name": "any", "dependencies": ["python=3.11", {"pip": ["scikit-learn"]}]}
    image = "registry.example/base:1"
    made = ml_client.environments.create_or_update(
        Environment(name="made-of-conda", version="1", image=image, conda_file=conda)
    )
    assert made.conda_file == conda
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    context = BuildContext(path=str(tmp_path), dockerfile_path="Dockerfile")
    built = ml_client.environments.create_or_update(
        Environment(name="made-of-context", version="1", build=context)
    )
    assert built.build.dockerfile_path == "Dockerfile"
    assert ml_client.environments.get("made-of-context", label="latest").version == "1"


@pytest.mark.unmodelled("calls of registries are no part of the workspace's clients")
def test_curated_environments(ml_client: MLClient) -> None:
    """The registry `azureml` answers for its environments; others are not there."""
    registry = MLClient(DefaultAzureCredential(), registry_name="azureml")
    latest = registry.environments.get("sklearn-1.5", label="latest")
    assert latest.image == f"mcr.microsoft.com/azureml/curated/sklearn-1.5:{latest.version}"
    assert "sklearn-1.5" in {one.name for one in registry.environments.list()}
    with pytest.raises(ResourceNotFoundError):
        registry.environments.get("sklearn-0.1", version="1")
    with pytest.raises(ResourceNotFoundError):
        MLClient(DefaultAzureCredential(), registry_name="elsewhere")
