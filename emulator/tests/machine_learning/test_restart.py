"""What a workspace knows after its process died."""

from __future__ import annotations

import gc
import subprocess
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    CommandComponent,
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    PipelineComponent,
    PipelineJob,
    PipelineJobSettings,
)
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential
from azure_emulator.testing import start_azurite, start_emulator, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from azure_emulator.testing import Emulator


@pytest.fixture
def mortal_emulator(tmp_path: Path, ml_emulator: Emulator) -> Iterator[Emulator]:
    """An emulator of its own, which the test may kill."""
    tiny = ml_emulator.process.command[ml_emulator.process.command.index("--image") + 1]
    pattern, _, command = tiny.partition("=")
    with (
        start_azurite(tmp_path) as azurite,
        start_emulator(tmp_path, azurite.blob_url, images={pattern: command}) as emulator,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        yield emulator
    # The client cannot be closed, and may hold an answer that the kill cut off: its socket is
    # collected here, and not in the middle of another test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def hanging_job(client: MLClient, workspace_id: str) -> None:
    """Submit a job whose only step never ends by itself."""
    client.environments.create_or_update(Environment(name="any", version="1", image="any"))
    step = client.components.create_or_update(
        CommandComponent(
            name="hang", version="1", command="sleep 4242", environment="azureml:any:1"
        )
    )
    client.components.create_or_update(
        PipelineComponent(name="hanging", version="1", jobs={"hang": step()})
    )
    client.jobs.create_or_update(
        PipelineJob(
            component=f"{workspace_id}/components/hanging/versions/1",
            name="hanging-job",
            experiment_name="any",
            settings=PipelineJobSettings(default_compute="cpu-cluster"),
        )
    )


def processes() -> str:
    """The commands that run on this machine."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return listed.stdout


def test_a_killed_emulator_leaves_no_process_and_forgets_nothing(
    mortal_emulator: Emulator,
) -> None:
    """Jobs are found and failed with their events, endpoints score again, operations end."""
    emulator = mortal_emulator
    client = MLClient(
        DefaultAzureCredential(),
        emulator.subscription,
        emulator.resource_group,
        emulator.workspace,
    )
    endpoint = ManagedOnlineEndpoint(name="lasting", auth_mode="key")
    client.online_endpoints.begin_create_or_update(endpoint).result()
    routes = {
        "liveness_route": {"path": "/ready", "port": 80},
        "readiness_route": {"path": "/ready", "port": 80},
        "scoring_route": {"path": "/score", "port": 80},
    }
    image = "tiny-container:2"
    environment = Environment(name="serving", version="1", image=image, inference_config=routes)
    client.environments.create_or_update(environment)
    deployment = ManagedOnlineDeployment(
        name="blue",
        endpoint_name="lasting",
        environment="azureml:serving:1",
        instance_type="Standard_DS3_v2",
    )
    client.online_deployments.begin_create_or_update(deployment).result()
    hanging_job(client, emulator.workspace_id)
    wait_until(lambda: "sleep 4242" in processes(), what="the step")
    pace = f"{emulator.url}/_emulator/pace"
    requests.put(pace, json={"operation_seconds": 60}, timeout=5).raise_for_status()
    moved = ManagedOnlineEndpoint(name="lasting", auth_mode="key", traffic={"blue": 100})
    moving = client.online_endpoints.begin_create_or_update(moved)

    emulator.kill()
    wait_until(lambda: "sleep 4242" not in processes(), what="the step's end")
    emulator.start_again()

    job = client.jobs.get("hanging-job")
    assert job.status == "Failed"
    children = list(client.jobs.list(parent_job_name="hanging-job"))
    assert [child.status for child in children] == ["Failed"]
    assert job_events(emulator) == [(children[0].name, "Failed"), ("hanging-job", "Failed")]
    wait_until(lambda: client.online_endpoints.get("lasting").traffic == {"blue": 100})
    keys: Any = client.online_endpoints.get_keys("lasting")
    uri = client.online_endpoints.get("lasting").scoring_uri
    headers = {"authorization": f"Bearer {keys.primary_key}"}

    def scored() -> bool:
        return requests.post(uri, json={}, headers=headers, timeout=30).status_code == 200

    wait_until(scored, what="an answer of the deployment")
    # The client still asks in a thread, which must not meet the emulator's end.
    with suppress(AzureError):
        moving.wait()


def job_events(emulator: Emulator) -> list[tuple[str, str]]:
    """Run and status of the events that ended runs."""
    kind = "Microsoft.MachineLearningServices.RunStatusChanged"
    answer = requests.get(f"{emulator.url}/_emulator/events", params={"type": kind}, timeout=5)
    changes = [event["data"] for event in answer.json()["value"]]
    ended = ("Completed", "Failed", "Canceled")
    return [(one["runId"], one["runStatus"]) for one in changes if one["runStatus"] in ended]
