"""The emulator's own routes, and what it does with calls that it does not know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure_emulator.certificates import ensure_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.ai.ml import MLClient
    from azure_emulator.testing import Emulator

EMULATOR = Path(__file__).resolve().parents[2]


@pytest.fixture
def faults(ml_emulator: Emulator) -> Iterator[Callable[..., None]]:
    """Adds faults; they are cleared afterwards."""
    url = f"{ml_emulator.url}/_emulator/faults"

    def add(operation: str, **rule: Any) -> None:
        answer = requests.post(url, json={"operation": operation, **rule}, timeout=5)
        assert answer.status_code == 201

    yield add
    requests.delete(url, timeout=5)


def test_what_is_missing_says_so_by_name(ml_emulator: Emulator) -> None:
    """501, with the call that is not implemented; without a token 401."""
    url = f"{ml_emulator.url}{ml_emulator.workspace_id}/schedules/daily"
    answer = requests.get(url, headers={"authorization": "Bearer x"}, timeout=5)
    assert answer.status_code == 501
    assert "schedules/daily is not implemented" in answer.json()["error"]["message"]
    url = f"{ml_emulator.url}{ml_emulator.workspace_id}/jobs/any"
    assert requests.get(url, timeout=5).status_code == 401


def test_calls_are_counted_by_operation(ml_client: MLClient, ml_emulator: Emulator) -> None:
    """A test can ask how many calls of Azure ML were made."""
    url = f"{ml_emulator.url}/_emulator/requests"
    requests.delete(url, timeout=5)
    list(ml_client.environments.list())
    counts = requests.get(url, timeout=5).json()
    assert counts["counts"] == {"EnvironmentContainers.List": 1}
    assert counts["recent"][0]["status"] == 200


def test_a_fault_hits_as_often_as_it_was_told(
    ml_client: MLClient, ml_emulator: Emulator, faults: Callable[..., None]
) -> None:
    """A refusal is given once; the SDK's own retry is seen to help against a 503."""
    faults("Datastores.*", status=403)
    with pytest.raises(HttpResponseError) as refusal:
        ml_client.datastores.get("landing")
    assert refusal.value.status_code == 403
    faults("Datastores.*", status=503, count=1)
    assert ml_client.datastores.get("landing").name == "landing"


def test_an_answer_can_be_lost_after_the_work_was_done(
    ml_client: MLClient, ml_emulator: Emulator, faults: Callable[..., None]
) -> None:
    """The caller sees a broken connection, although the data asset was made."""
    faults("DataVersions.CreateOrUpdate", drop="after", count=10)
    url = f"{ml_emulator.url}{ml_emulator.workspace_id}/data/lost/versions/1"
    body = {"properties": {"dataType": "uri_file", "dataUri": "azureml://datastores/x/paths/y"}}
    with pytest.raises(requests.RequestException):
        requests.put(url, json=body, headers={"authorization": "Bearer x"}, timeout=5)
    assert ml_client.data.get("lost", "1").name == "lost"


@pytest.mark.behaviour("Events of runs do not tell a child from its parent")
def test_a_run_raises_events_for_parent_and_children(
    ml_client: MLClient,
    ml_emulator: Emulator,
    tiny_job: Any,
    until_ended: Callable[[str], str],
) -> None:
    """RunCompleted comes for every run; nothing in it tells a child from its parent."""
    ml_client.jobs.create_or_update(tiny_job("tiny-events"))
    assert until_ended("tiny-events") == "Completed"
    kind = "Microsoft.MachineLearningServices.RunCompleted"
    url = f"{ml_emulator.url}/_emulator/events"
    events = requests.get(url, params={"type": kind}, timeout=5).json()["value"]
    children = {one.name for one in ml_client.jobs.list(parent_job_name="tiny-events")}
    ours = [event for event in events if event["data"]["runId"] in {*children, "tiny-events"}]
    assert len(ours) == 3
    assert ours[-1]["data"]["runId"] == "tiny-events"
    assert ours[-1]["data"]["runTags"] == {"cause": "test"}
    assert ours[-1]["subject"].startswith("experiments/")


def test_certificates_are_made_once(tmp_path: Path) -> None:
    """A second start keeps the CA and the certificate."""
    first = ensure_certificates(tmp_path)
    content = first.bundle.read_bytes(), first.certificate.read_bytes()
    command = [sys.executable, "-m", "azure_emulator", "certificate", "--home", str(tmp_path)]
    printed = subprocess.run(command, cwd=EMULATOR, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == str(first.bundle)
    assert (first.bundle.read_bytes(), first.certificate.read_bytes()) == content


def test_the_environment_block_can_be_evaluated_by_a_shell(
    ml_emulator: Emulator, emulator_home: Path
) -> None:
    """`azure-emulator env` prints what `Emulator.environment` holds."""
    command = f"{sys.executable} -m azure_emulator env --home {emulator_home}"
    script = f'eval "$({command} --port {ml_emulator.port})"; echo $IDENTITY_ENDPOINT'
    shell = subprocess.run(
        ["sh", "-c", script], cwd=EMULATOR, capture_output=True, text=True, check=True
    )
    assert shell.stdout.strip() == f"{ml_emulator.url}/identity/token"
