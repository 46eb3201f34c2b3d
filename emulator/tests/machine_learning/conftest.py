"""The unmodified SDK, and a workspace in which the tests' pipeline is registered."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.ai.ml import Input, MLClient, Output, load_component
from azure.ai.ml.entities import (
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    OnlineRequestSettings,
    PipelineJob,
    PipelineJobSettings,
)
from azure.identity import DefaultAzureCredential
from azure_emulator.conformance.rest_models import problems
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


@dataclass
class Served:
    """One endpoint: what an app does with it, and what the tests do to it."""

    client: MLClient
    emulator: Emulator
    name: str

    def deploy(self, name: str, *, wait: bool = True, **options: Any) -> Any:
        """Make or replace a deployment; 32 requests at once, 1 s each, unless told otherwise."""
        settings = {"request_timeout_ms": 1000, "max_concurrent_requests_per_instance": 32}
        options.setdefault("request_settings", OnlineRequestSettings(**settings))
        deployment = ManagedOnlineDeployment(
            name=name,
            endpoint_name=self.name,
            environment="azureml:tiny-story:1",
            instance_type="Standard_DS3_v2",
            instance_count=1,
            environment_variables={"LABEL": name},
            **options,
        )
        poller = self.client.online_deployments.begin_create_or_update(deployment)
        return poller.result() if wait else poller

    def route(self, **traffic: int) -> Any:
        """Set the whole traffic map; give the endpoint as it is read back at the end."""
        endpoint = ManagedOnlineEndpoint(name=self.name, auth_mode="aad_token", traffic=traffic)
        return self.client.online_endpoints.begin_create_or_update(endpoint).result()

    def traffic(self) -> dict[str, int]:
        """Read who gets how much, without those who get nothing."""
        shares = self.client.online_endpoints.get(self.name).traffic
        return {name: share for name, share in shares.items() if share}

    def score(self, body: object = None, deployment: str = "") -> requests.Response:
        """Score once, by weight or at one deployment."""
        headers = self.headers()
        if deployment:
            headers["azureml-model-deployment"] = deployment
        url = f"{self.emulator.url}/inference/{self.name}/score"
        return requests.post(url, json=body or {}, headers=headers, timeout=30)

    def headers(self) -> dict[str, str]:
        """Give a header that opens the endpoint."""
        return {"authorization": f"Bearer {self._token}"}

    @cached_property
    def _token(self) -> str:
        return DefaultAzureCredential().get_token("https://ml.azure.com/.default").token

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call a control route of the emulator."""
        url = f"{self.emulator.url}/_emulator/{path}"
        answer = requests.request(method, url, json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def fault(self, **rule: Any) -> str:
        """Add a fault; its operation and resource may leave the endpoint's name to us as {}."""
        given = {
            key: value.replace("{}", self.name) if isinstance(value, str) else value
            for key, value in rule.items()
        }
        return str(self.control("POST", "faults", given)["id"])

    def order(self, deployment: str, verb: str, **body: Any) -> dict[str, Any]:
        """Kill, pause or resume a deployment's processes."""
        path = f"deployments/{self.name}/{deployment}/{verb}"
        return dict(self.control("POST", path, body))

    def process(self, deployment: str) -> dict[str, Any]:
        """Say how a deployment's processes are."""
        rows = self.control("GET", "deployments")["value"]
        mine = (self.name, deployment)
        return next(row for row in rows if (row["endpoint"], row["deployment"]) == mine)


@pytest.fixture(scope="session")
def serve_endpoint(ml_client: MLClient, ml_emulator: Emulator) -> Callable[[str], Any]:
    """Makes an endpoint for a `with` block, at the end of which it and its faults are gone."""
    route = {"path": "/ready", "port": 8000}
    ml_client.environments.create_or_update(
        Environment(
            name="tiny-story",
            version="1",
            image="tiny-container:story",
            inference_config={
                "liveness_route": route,
                "readiness_route": route,
                "scoring_route": {"path": "/score", "port": 8000},
            },
        )
    )

    @contextmanager
    def serve(name: str) -> Iterator[Served]:
        served = Served(ml_client, ml_emulator, name)
        served.route()
        try:
            yield served
        finally:
            served.control("DELETE", "faults")
            ml_client.online_endpoints.begin_delete(name).result()

    return serve


@pytest.fixture(autouse=True)
def as_the_sdk_models_it(request: pytest.FixtureRequest, emulator_home: Path) -> Iterator[None]:
    """Every call is as the SDK's own REST models say: nothing unknown, nothing missing.

    A test that sends or stores what the models do not know says so: `unmodelled("why")`.
    """
    calls = emulator_home / "calls.jsonl"
    before = calls.stat().st_size if calls.exists() else 0
    yield
    if not calls.exists() or request.node.get_closest_marker("unmodelled"):
        return
    with calls.open("rb") as lines:
        lines.seek(before)
        wrong = {each for line in lines for each in problems(json.loads(line))}
    if wrong:
        pytest.fail("\n".join(sorted(wrong)), pytrace=False)


@pytest.fixture
def arm_call(ml_emulator: Emulator) -> Callable[..., requests.Response]:
    """Calls the control plane as the SDK does, with paths below the workspace or whole URLs."""

    def call(method: str, path: str, body: object = None, **query: Any) -> requests.Response:
        whole = path.startswith("https:")
        url = path if whole else ml_emulator.url + ml_emulator.workspace_id + path
        headers = {"authorization": "Bearer any"}
        return requests.request(method, url, json=body, params=query, headers=headers, timeout=10)

    return call
