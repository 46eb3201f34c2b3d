"""Deployments with a scoring script: Microsoft's inference server as a real process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.ai.ml.entities import (
    CodeConfiguration,
    Environment,
    ManagedOnlineDeployment,
    Model,
    OnlineRequestSettings,
)
from azure.core.exceptions import HttpResponseError
from azure_emulator.machine_learning.online.inference_server import InferenceServer
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CODE = Path(__file__).parent / "assets" / "scoring"
Served = Any


@pytest.fixture(scope="module")
def scripted(serve_endpoint: Callable[[str], Any], tmp_path_factory: Any) -> Iterator[Served]:
    """An endpoint whose blue runs the script with a registered model and two instances."""
    folder = tmp_path_factory.mktemp("scripted") / "weights"
    folder.mkdir()
    (folder / "model.txt").write_text("a model")
    with serve_endpoint("tiny-script") as served:
        model = Model(name="scripted", version="1", path=str(folder), type="custom_model")
        served.client.models.create_or_update(model)
        served.client.environments.create_or_update(
            Environment(name="scripted", version="1", image="registry.example/unknown:1")
        )
        deploy(served, "blue", instance_count=2, environment_variables={"LABEL": "blue"})
        served.route(blue=100)
        yield served


def deploy(served: Served, name: str, *, script: str = "entry.py", **options: Any) -> Any:
    """Make or replace a deployment of the script."""
    deployment = ManagedOnlineDeployment(
        name=name,
        endpoint_name=served.name,
        model="azureml:scripted:1",
        environment="azureml:scripted:1",
        code_configuration=CodeConfiguration(code=str(CODE), scoring_script=script),
        instance_type="Standard_DS3_v2",
        request_settings=OnlineRequestSettings(
            request_timeout_ms=20_000, max_concurrent_requests_per_instance=4
        ),
        **{"instance_count": 1, **options},
    )
    begin = served.client.online_deployments.begin_create_or_update
    return begin(deployment, skip_script_validation=True).result()


def test_the_script_sees_what_it_sees_in_azure(scripted: Served) -> None:
    """Its folder is importable, the model lies one level down, variables are set."""
    answer = scripted.score()
    assert answer.status_code == 200
    assert answer.headers["x-ms-server-version"].startswith("azmlinfsrv/")
    seen = answer.json()
    seen.pop("packages"), seen.pop("pid")
    assert seen == {
        "beside": "found",
        "cwd": "code",
        "root": "scoring",
        "label": "blue",
        "model": ["model.txt"],
    }
    shown = scripted.client.online_deployments.get("blue", scripted.name).environment_variables
    assert shown["AZUREML_ENTRY_SCRIPT"] == "entry.py"


def test_instances_are_processes_of_the_server(scripted: Served) -> None:
    """Two instances answer from two processes."""
    wait_until(
        lambda: len({scripted.score().json()["pid"] for _ in range(10)}) == 2, what="two processes"
    )


@pytest.mark.behaviour("What a scoring script raises is a 424 with status 500")
def test_what_the_script_raises_is_424(scripted: Served) -> None:
    """The server logs it, and the next request is well."""
    answer = scripted.score({"raise": True})
    assert answer.status_code == 424
    assert answer.headers["ms-azureml-model-error-statuscode"] == "500"
    logs = scripted.client.online_deployments.get_logs("blue", scripted.name, lines=100)
    assert "run was told to fail" in logs
    assert scripted.score().status_code == 200


def test_a_process_that_dies_is_replaced_by_the_server(scripted: Served) -> None:
    """Its request is a 424 with 502; the deployment as a whole stays."""
    answer = scripted.score({"exit": True})
    assert answer.headers["ms-azureml-model-error-statuscode"] == "502"
    wait_until(lambda: scripted.score().status_code == 200, what="the next process")
    assert scripted.process("blue")["restarts"] == 0


@pytest.mark.behaviour("A scoring script whose init fails fails the deployment, with logs")
def test_an_init_that_fails_fails_the_deployment(scripted: Served) -> None:
    """The operation says that the container crashed; blue is not concerned."""
    with pytest.raises(HttpResponseError, match="crashed or terminated: exit code 3"):
        deploy(scripted, "green", environment_variables={"FAIL_INIT": "1"})
    logs = scripted.client.online_deployments.get_logs("green", scripted.name, lines=100)
    assert "init was told to fail" in logs
    assert scripted.score().status_code == 200


def test_a_script_that_is_not_there_fails_the_deployment(scripted: Served) -> None:
    """By name."""
    with pytest.raises(HttpResponseError, match=r"scoring script 'other\.py' is not in the code"):
        deploy(scripted, "missing", script="other.py")


def test_the_description_of_the_api_can_be_read(scripted: Served) -> None:
    """At the swagger URI, from the server."""
    uri = scripted.client.online_endpoints.get(scripted.name).openapi_uri
    answer = requests.get(uri, headers=scripted.headers(), timeout=10)
    assert answer.json()["swagger"] == "2.0"


def test_without_the_server_it_is_said_what_to_install(tmp_path: Path) -> None:
    """Neither a wrong path nor a Python without the server is taken."""
    assert f"no azmlinfsrv at {tmp_path}" in InferenceServer(tmp_path / "x", Path("/x")).missing
    found = InferenceServer(None, tmp_path / "python").missing
    assert "--inference-server" in found
