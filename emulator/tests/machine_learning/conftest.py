"""The unmodified SDK, and a workspace in which the tests' pipeline is registered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import Input, MLClient, Output, load_component
from azure.ai.ml.entities import Environment, PipelineJob, PipelineJobSettings
from azure.identity import DefaultAzureCredential
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.storage.blob import BlobServiceClient
    from azure_emulator.testing import Azurite, Emulator

ASSETS = Path(__file__).parent / "assets"
ENDED = ("Completed", "Failed", "Canceled")
RUNS = "azureml://datastores/workspaceblobstore/paths/runs"


@pytest.fixture(scope="session")
def ml_client(ml_emulator: Emulator) -> MLClient:
    """The client as an app makes it."""
    return MLClient(
        DefaultAzureCredential(),
        ml_emulator.subscription,
        ml_emulator.resource_group,
        ml_emulator.workspace,
    )


@pytest.fixture(scope="session")
def emulator_blobs(ml_emulator: Emulator, emulator_azurite: Azurite) -> BlobServiceClient:
    """The storage account, by identity."""
    from azure.storage.blob import BlobServiceClient

    return BlobServiceClient(emulator_azurite.blob_url, DefaultAzureCredential())


@pytest.fixture(scope="session")
def tiny_pipeline(ml_client: MLClient, emulator_blobs: BlobServiceClient) -> str:
    """The ARM id of the registered pipeline component; its data lie in storage."""
    ml_client.environments.create_or_update(
        Environment(name="tiny-training", version="1", image="registry.example/tiny-training:1")
    )
    for name in ("prepare", "train"):
        ml_client.components.create_or_update(load_component(ASSETS / f"{name}.yml"))
    pipeline = ml_client.components.create_or_update(load_component(ASSETS / "pipeline.yml"))
    store = emulator_blobs.get_container_client("azureml-blobstore")
    store.upload_blob("manifests/1.json", b'{"data": 1}', overwrite=True)
    landing = emulator_blobs.get_container_client("landing")
    landing.upload_blob("flights/a.txt", b"first", overwrite=True)
    landing.upload_blob("flights/b.txt", b"second", overwrite=True)
    return str(pipeline.id)


@pytest.fixture(scope="session")
def tiny_job(ml_emulator: Emulator, tiny_pipeline: str) -> Callable[..., PipelineJob]:
    """Makes a job of the registered pipeline, as an app would submit it."""

    def make(name: str, *, continue_on_step_failure: bool = False, **inputs: Any) -> PipelineJob:
        manifest = "azureml://datastores/workspaceblobstore/paths/manifests/1.json"
        workspace = ml_emulator.workspace_id.replace(
            "/providers/Microsoft.MachineLearningServices", ""
        )
        landing = f"azureml:/{workspace}/datastores/landing/paths/flights/"
        given = {
            "manifest": Input(type="uri_file", path=manifest),
            "landing": Input(type="uri_folder", path=landing, mode="ro_mount"),
            **inputs,
        }
        return PipelineJob(
            component=f"{ml_emulator.workspace_id}/components/tiny_retrain/versions/1",
            name=name,
            experiment_name="tiny",
            display_name=name,
            tags={"cause": "test"},
            inputs={key: value for key, value in given.items() if value is not None},
            outputs={
                "model": Output(type="uri_folder", mode="rw_mount", path=f"{RUNS}/{name}/model/"),
                "report": Output(type="uri_folder", mode="rw_mount", path=f"{RUNS}/{name}/report/"),
            },
            settings=PipelineJobSettings(
                default_compute="cpu-cluster",
                continue_on_step_failure=continue_on_step_failure,
                force_rerun=True,
            ),
        )

    return make


@pytest.fixture(scope="session")
def until_ended(ml_client: MLClient) -> Callable[[str], str]:
    """Waits for a job and gives its last status."""

    def wait(name: str) -> str:
        def ended() -> str:
            status = ml_client.jobs.get(name).status
            return str(getattr(status, "value", status)) if status in ENDED else ""

        return wait_until(ended, timeout_seconds=60, what=f"the end of {name}")

    return wait
