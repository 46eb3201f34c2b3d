"""Online endpoints and deployments through the unmodified SDK, scored over plain HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.ai.ml.entities import (
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    OnlineRequestSettings,
)
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from azure.ai.ml import MLClient
    from azure_emulator.testing import Emulator

ENDPOINT = "tiny-endpoint"
ROUTES = {
    "liveness_route": {"path": "/ready", "port": 8000},
    "readiness_route": {"path": "/ready", "port": 8000},
    "scoring_route": {"path": "/score", "port": 8000},
}
Deploy = Any
Score = Any


def new_endpoint(traffic: dict[str, int] | None = None) -> ManagedOnlineEndpoint:
    """Entities are changed by the SDK's calls: a fresh one each time."""
    return ManagedOnlineEndpoint(name=ENDPOINT, auth_mode="aad_token", traffic=traffic)


@pytest.fixture(scope="module")
def deploy(ml_client: MLClient, tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """Makes a deployment of a model whose text is its own version."""
    ml_client.environments.create_or_update(
        Environment(
            name="tiny-serving",
            version="1",
            image="registry.example:5000/tiny-container:abc",
            inference_config=ROUTES,
        )
    )

    def make(name: str, version: str, wait: bool = True, **options: Any) -> Any:
        folder = tmp_path_factory.mktemp("model")
        (folder / "model.txt").write_text(f"version {version}")
        model = Model(name="tiny-model", version=version, path=str(folder), type="custom_model")
        ml_client.models.create_or_update(model)
        deployment = ManagedOnlineDeployment(
            name=name,
            endpoint_name=ENDPOINT,
            model=f"azureml:tiny-model:{version}",
            environment="azureml:tiny-serving:1",
            instance_type="Standard_DS3_v2",
            instance_count=1,
            **options,
        )
        poller = ml_client.online_deployments.begin_create_or_update(deployment)
        return poller.result() if wait else poller

    return make


@pytest.fixture(scope="module")
def two_deployments(ml_client: MLClient, deploy: Deploy) -> Iterator[None]:
    """An endpoint with all its traffic on blue, and green beside it without any."""
    ml_client.online_endpoints.begin_create_or_update(new_endpoint()).result()
    deploy("blue", "1", environment_variables={"LABEL": "blue"})
    deploy(
        "green",
        "2",
        environment_variables={"LABEL": "green"},
        request_settings=OnlineRequestSettings(
            request_timeout_ms=500, max_concurrent_requests_per_instance=1
        ),
    )
    ml_client.online_endpoints.begin_create_or_update(new_endpoint({"blue": 100})).result()
    yield
    ml_client.online_endpoints.begin_delete(ENDPOINT).result()
    with pytest.raises(ResourceNotFoundError):
        ml_client.online_endpoints.get(ENDPOINT)


@pytest.fixture(scope="module")
def score(ml_client: MLClient, ml_emulator: Emulator, two_deployments: None) -> Score:
    """Posts to the scoring URI with a token of the managed identity."""
    uri = ml_client.online_endpoints.get(ENDPOINT).scoring_uri
    token = DefaultAzureCredential().get_token("https://ml.azure.com/.default").token

    def post(body: object, **headers: str) -> requests.Response:
        given = {"authorization": f"Bearer {token}", **headers}
        given = {name.replace("_", "-"): value for name, value in given.items() if value}
        return requests.post(uri, json=body, headers=given, timeout=30)

    return post


@pytest.mark.behaviour("The answer names its deployment in azureml-model-deployment")
def test_traffic_decides_who_answers_and_the_answer_names_it(score: Score) -> None:
    """All requests go to the deployment with all the weight; its model lies one level down."""
    for _ in range(5):
        answer = score({})
        assert answer.status_code == 200
        assert answer.headers["azureml-model-deployment"] == "blue"
        assert answer.json()["model"] == ["version 1"]


@pytest.mark.behaviour("The service adds variables of its own to environmentVariables")
def test_a_deployment_shows_what_the_service_adds(
    ml_client: MLClient, two_deployments: None
) -> None:
    """Variables of the service's own, and defaults where nothing was given."""
    deployment = ml_client.online_deployments.get("blue", ENDPOINT)
    assert deployment.environment_variables["LABEL"] == "blue"
    assert deployment.environment_variables["AZUREML_MODEL_DIR"].endswith("/tiny-model/1")
    assert deployment.request_settings.request_timeout_ms == 5000
    assert deployment.request_settings.max_concurrent_requests_per_instance == 1
    assert deployment.readiness_probe.failure_threshold == 30


@pytest.mark.behaviour("azureml-model-deployment in a request reaches a deployment at 0 %")
def test_a_header_reaches_a_deployment_without_traffic(score: Score) -> None:
    """Smoke tests at 0 % work; the container sees neither token nor header."""
    answer = score({}, azureml_model_deployment="green")
    assert answer.status_code == 200
    assert answer.headers["azureml-model-deployment"] == "green"
    assert answer.json()["label"] == "green"
    assert "authorization" not in answer.json()["headers"]
    assert score({}, azureml_model_deployment="red").status_code == 404


@pytest.mark.behaviour("A container's error is a 424 with its status in a header")
def test_what_the_container_refuses_arrives_as_424(score: Score) -> None:
    """The original status is in a header and the body passes through."""
    answer = score({"status": 422})
    assert answer.status_code == 424
    assert answer.headers["ms-azureml-model-error-statuscode"] == "422"
    assert answer.headers["ms-azureml-model-error-reason"] == "Unprocessable Entity"
    assert answer.json()["label"] == "blue"


@pytest.mark.behaviour("401 in scoring for what does not fit the auth mode")
def test_without_a_valid_token_nobody_scores(score: Score) -> None:
    """No token, a made-up token and a token for something else are 401."""
    assert score({}, authorization="").status_code == 401
    assert score({}, authorization="Bearer nonsense").status_code == 401
    other = DefaultAzureCredential().get_token("https://storage.azure.com/.default").token
    assert score({}, authorization=f"Bearer {other}").status_code == 401


@pytest.mark.behaviour("408 over request_timeout, 429 over twice the concurrency")
def test_slow_requests_end_with_408_and_too_many_with_429(score: Score) -> None:
    """One request runs, one waits, the third is refused; who takes too long is cut off."""
    with ThreadPoolExecutor(3) as pool:
        calls = [
            pool.submit(score, {"seconds": 2}, azureml_model_deployment="green") for _ in range(3)
        ]
        codes = sorted(call.result().status_code for call in calls)
    assert codes == [408, 408, 429]


def test_a_deployment_can_be_told_to_fail(ml_emulator: Emulator, score: Score) -> None:
    """A fault of scoring hits one deployment as often as it was told, and names it."""
    rule = {"operation": f"Scoring.{ENDPOINT}.blue", "count": 2, "status": 503}
    requests.post(f"{ml_emulator.url}/_emulator/faults", json=rule, timeout=5).raise_for_status()
    assert score({}, azureml_model_deployment="green").status_code == 200
    answers = [score({}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["azureml-model-deployment"] == "blue"


def test_weights_are_kept(ml_client: MLClient, score: Score) -> None:
    """With half of the traffic each, both answer."""
    half = new_endpoint({"blue": 50, "green": 50})
    ml_client.online_endpoints.begin_create_or_update(half).result()
    assert ml_client.online_endpoints.get(ENDPOINT).traffic == {"blue": 50, "green": 50}
    seen = {score({}).headers["azureml-model-deployment"] for _ in range(40)}
    assert seen == {"blue", "green"}
    ml_client.online_endpoints.begin_create_or_update(new_endpoint({"blue": 100})).result()


@pytest.mark.parametrize(
    ("traffic", "words"),
    [({"blue": 60}, "add up"), ({"nobody": 100}, "does not exist")],
)
def test_traffic_that_makes_no_sense_is_refused(
    ml_client: MLClient, two_deployments: None, traffic: dict[str, int], words: str
) -> None:
    """The endpoint stays as it was."""
    with pytest.raises(HttpResponseError, match=words):
        ml_client.online_endpoints.begin_create_or_update(new_endpoint(traffic))
    assert ml_client.online_endpoints.get(ENDPOINT).traffic["blue"] == 100


@pytest.mark.behaviour("PUT of an endpoint without its traffic map sets all traffic to 0")
def test_an_endpoint_written_without_traffic_loses_it(
    ml_client: MLClient, two_deployments: None, score: Score
) -> None:
    """A PUT replaces all of an endpoint, as the real service does."""
    ml_client.online_endpoints.begin_create_or_update(new_endpoint()).result()
    assert score({}).status_code == 404
    ml_client.online_endpoints.begin_create_or_update(new_endpoint({"blue": 100})).result()
    assert score({}).status_code == 200


def test_while_an_operation_runs_the_old_traffic_is_shown_and_writes_are_refused(
    ml_client: MLClient, ml_emulator: Emulator, two_deployments: None, score: Score
) -> None:
    """An update answers 201, shows the old traffic until it ends, and is not interrupted."""
    pace = f"{ml_emulator.url}/_emulator/pace"
    requests.put(pace, json={"operation_seconds": 1.0}, timeout=5).raise_for_status()
    try:
        poller = ml_client.online_endpoints.begin_create_or_update(new_endpoint({"green": 100}))
        shown = ml_client.online_endpoints.get(ENDPOINT)
        assert shown.provisioning_state == "Updating"
        assert shown.traffic == {"blue": 100, "green": 0}
        with pytest.raises(ResourceExistsError):
            ml_client.online_endpoints.begin_create_or_update(new_endpoint({"blue": 100}))
        with pytest.raises(ResourceExistsError):
            ml_client.online_deployments.begin_delete("green", ENDPOINT)
        assert poller.result().traffic == {"green": 100}
    finally:
        requests.put(pace, json={"operation_seconds": 0.0}, timeout=5).raise_for_status()
    ml_client.online_endpoints.begin_create_or_update(new_endpoint({"blue": 100})).result()


@pytest.mark.behaviour("A container that does not start fails the deployment; its logs can be read")
def test_a_container_that_does_not_start_fails_the_deployment_with_its_logs(
    ml_client: MLClient, deploy: Deploy, two_deployments: None
) -> None:
    """The operation fails, the state says so, and the logs can be read; it can be deleted."""
    poller = deploy("broken", "3", wait=False, environment_variables={"CRASH": "1"})
    with pytest.raises(HttpResponseError, match="exit code 3"):
        poller.result()
    deployment = ml_client.online_deployments.get("broken", ENDPOINT)
    assert deployment.provisioning_state == "Failed"
    logs = ml_client.online_deployments.get_logs("broken", ENDPOINT, lines=10)
    assert "told to crash" in logs
    ml_client.online_deployments.begin_delete("broken", ENDPOINT).result()
    names = [one.name for one in ml_client.online_deployments.list(ENDPOINT)]
    assert names == ["blue", "green"]


@pytest.mark.behaviour("A deployment with live or mirrored traffic is not deleted")
def test_a_deployment_with_traffic_is_not_deleted(
    ml_client: MLClient, two_deployments: None, score: Score
) -> None:
    """The traffic has to go elsewhere first, live or mirrored."""
    with pytest.raises(HttpResponseError, match="has traffic"):
        ml_client.online_deployments.begin_delete("blue", ENDPOINT)
    mirrored = new_endpoint({"blue": 100, "green": 0})
    mirrored.mirror_traffic = {"green": 10}
    ml_client.online_endpoints.begin_create_or_update(mirrored).result()
    with pytest.raises(HttpResponseError, match="has traffic"):
        ml_client.online_deployments.begin_delete("green", ENDPOINT)
    ml_client.online_endpoints.begin_create_or_update(new_endpoint({"blue": 100})).result()
    assert score({}).status_code == 200


def test_keys_open_an_endpoint_that_takes_keys(ml_client: MLClient) -> None:
    """Auth mode key: the listed keys are let in (and find no deployment)."""
    endpoint = ManagedOnlineEndpoint(name="tiny-keys", auth_mode="key")
    ml_client.online_endpoints.begin_create_or_update(endpoint).result()
    keys = ml_client.online_endpoints.get_keys("tiny-keys")
    uri = ml_client.online_endpoints.get("tiny-keys").scoring_uri
    entra = DefaultAzureCredential().get_token("https://ml.azure.com/.default").token
    codes = [
        requests.post(uri, json={}, headers={"authorization": f"Bearer {key}"}, timeout=5)
        for key in (keys.primary_key, keys.secondary_key, "another", entra)
    ]
    assert [answer.status_code for answer in codes] == [404, 404, 401, 401]
    ml_client.online_endpoints.begin_delete("tiny-keys").result()


@pytest.mark.behaviour("A regenerated key opens the endpoint and the old one no more")
def test_a_key_can_be_made_anew(ml_client: MLClient) -> None:
    """The SDK sends the present key along and gets a fresh one; the other key stays."""
    endpoint = ManagedOnlineEndpoint(name="tiny-new-keys", auth_mode="key")
    ml_client.online_endpoints.begin_create_or_update(endpoint).result()
    uri = ml_client.online_endpoints.get("tiny-new-keys").scoring_uri
    before = ml_client.online_endpoints.get_keys("tiny-new-keys")
    for kind in ("primary", "secondary"):
        ml_client.online_endpoints.begin_regenerate_keys("tiny-new-keys", key_type=kind).result()
    after = ml_client.online_endpoints.get_keys("tiny-new-keys")
    keys = (before.primary_key, before.secondary_key, after.primary_key, after.secondary_key)
    assert len(set(keys)) == 4
    codes = [
        requests.post(uri, json={}, headers={"authorization": f"Bearer {key}"}, timeout=5)
        for key in keys
    ]
    assert [answer.status_code for answer in codes] == [401, 401, 404, 404]
    ml_client.online_endpoints.begin_delete("tiny-new-keys").result()


def test_a_token_of_azure_ml_opens_an_endpoint_that_takes_it(ml_client: MLClient) -> None:
    """Auth mode aml_token: only a token that the endpoint gave is let in."""
    endpoint = ManagedOnlineEndpoint(name="tiny-token", auth_mode="aml_token")
    ml_client.online_endpoints.begin_create_or_update(endpoint).result()
    token = ml_client.online_endpoints.get_keys("tiny-token").access_token
    uri = ml_client.online_endpoints.get("tiny-token").scoring_uri
    other = DefaultAzureCredential().get_token("https://ml.azure.com/.default").token
    answers = [
        requests.post(uri, json={}, headers={"authorization": f"Bearer {given}"}, timeout=5)
        for given in (token, other)
    ]
    assert [answer.status_code for answer in answers] == [404, 401]
    ml_client.online_endpoints.begin_delete("tiny-token").result()


def test_a_model_may_name_the_output_of_a_job(
    ml_client: MLClient, tiny_job: Any, until_ended: Callable[[str], str], tmp_path: Path
) -> None:
    """The job's output is resolved when the model is made."""
    ml_client.jobs.create_or_update(tiny_job("tiny-for-model"))
    assert until_ended("tiny-for-model") == "Completed"
    path = "azureml://jobs/tiny-for-model/outputs/model/paths/"
    made = ml_client.models.create_or_update(
        Model(name="tiny-from-job", version="1", path=path, type="custom_model")
    )
    assert made.path.endswith("/datastores/workspaceblobstore/paths/runs/tiny-for-model/model/")
    assert json.loads(json.dumps(made.tags)) == {}
    with pytest.raises(HttpResponseError, match="no output 'other'"):
        ml_client.models.create_or_update(
            Model(name="tiny-from-job", version="2", path=path.replace("/model/", "/other/"))
        )
