"""What endpoints and deployments refuse, keep and show, on the wire."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure_emulator.testing import Emulator

NAME = "tiny-rules"
PATH = f"/onlineEndpoints/{NAME}"
Call = Any


@pytest.fixture(scope="module")
def call(ml_emulator: Emulator) -> Call:
    """Calls ARM below the workspace; follows what it begins to its end unless told otherwise."""

    def send(method: str, path: str, body: object = None, *, wait: bool = True) -> Any:
        root = ml_emulator.url + ml_emulator.workspace_id
        url = path if path.startswith("https:") else root + path
        headers = {"authorization": "Bearer any"}
        answer = requests.request(method, url, json=body, headers=headers, timeout=30)
        status = answer.headers.get("Azure-AsyncOperation")
        if status and wait:
            wait_until(
                lambda: requests.get(status, headers=headers, timeout=10).json()["endTime"],
                what="the operation",
            )
        return answer

    return send


@pytest.fixture(scope="module")
def rules(call: Call, serve_endpoint: Callable[[str], Any], ml_client: Any) -> Iterator[Any]:
    """An endpoint with blue, which has all the traffic, and green."""
    ml_client.environments.get("tiny-story", "1")
    with serve_endpoint(NAME) as served:
        served.deploy("blue")
        served.deploy("green")
        served.route(blue=100)
        yield served


def endpoint(**properties: Any) -> dict[str, Any]:
    """The body of an endpoint that takes tokens, with blue at 100 %."""
    given = {"authMode": "AADToken", "traffic": {"blue": 100}, **properties}
    return {"location": "local", "properties": given}


def deployment(ml_emulator: Emulator, **properties: Any) -> dict[str, Any]:
    """The body of a deployment of the tiny container."""
    given = {
        "endpointComputeType": "Managed",
        "environmentId": f"{ml_emulator.workspace_id}/environments/tiny-story/versions/1",
        "instanceType": "Standard_DS3_v2",
        **properties,
    }
    return {
        "location": "local",
        "sku": {"name": "Default", "capacity": 1},
        "properties": {key: value for key, value in given.items() if value is not None},
    }


def said(answer: requests.Response) -> str:
    """What the inference service said, from the details of a refusal."""
    error = answer.json()["error"]
    assert error["message"] == "The request is invalid."
    (detail,) = error["details"]
    assert detail["code"] == "InferencingClientCallFailed"
    problems = json.loads(detail["message"])
    assert problems["title"] == "One or more validation errors occurred."
    return str(problems["errors"][""][0])


@pytest.mark.behaviour("Endpoints and deployments are refused in the inference service's wording")
def test_the_wording_of_refusals(rules: Any, call: Call) -> None:
    """400 BadRequest and 404 NotFound, with what it said as a detail."""
    refused = call("PUT", PATH, endpoint(traffic={"blue": 60}))
    assert refused.json()["error"]["code"] == "BadRequest"
    assert said(refused) == "Traffic must add up to 0 or 100, not 60."
    missing = call("GET", "/onlineEndpoints/nobody").json()["error"]
    assert (missing["code"], missing["message"]) == (
        "NotFound",
        "The specified resource was not found.",
    )


@pytest.mark.behaviour("Changing what an endpoint or deployment is born with is 400")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (endpoint(authMode="Key"), "auth mode"),
        ({**endpoint(), "location": "elsewhere"}, "location"),
        (
            {
                **endpoint(),
                "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/x": {}}},
            },
            "identity",
        ),
    ],
)
def test_the_nature_of_an_endpoint_stays(
    rules: Any, call: Call, body: dict[str, Any], words: str
) -> None:
    """Auth mode, location and identity."""
    refused = call("PUT", PATH, body)
    assert refused.status_code == 400
    assert words in said(refused)


@pytest.mark.behaviour("Changing a deployment's instance type is 400")
def test_the_instance_type_stays(rules: Any, call: Call, ml_emulator: Emulator) -> None:
    """Whatever else is in the PUT."""
    body = deployment(ml_emulator, instanceType="Standard_F2s_v2")
    assert "instance type" in said(call("PUT", PATH + "/deployments/green", body))


@pytest.mark.behaviour("Traffic adds up to 0 or 100, names known deployments, mirrors 50 at most")
@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"traffic": {"blue": 99}}, "add up"),
        ({"traffic": {"red": 100}}, "does not exist: 'red'"),
        ({"mirrorTraffic": {"green": 60}}, "50 percent at most"),
        ({"mirrorTraffic": {"blue": 10}}, "live traffic cannot get mirror traffic"),
        ({"mirrorTraffic": {"red": 10}}, "does not exist: 'red'"),
    ],
)
def test_traffic_is_checked(rules: Any, call: Call, properties: dict[str, Any], words: str) -> None:
    """The endpoint stays as it was."""
    assert words in said(call("PUT", PATH, endpoint(**properties)))
    assert call("GET", PATH).json()["properties"]["traffic"] == {"blue": 100}


@pytest.mark.behaviour("Names of endpoints and deployments have 3 to 32 letters, digits, dashes")
@pytest.mark.parametrize("name", ["ab", "a" * 33, "1abc", "a_b", "abc-", "a--b", "a.b"])
def test_names_are_checked(rules: Any, call: Call, ml_emulator: Emulator, name: str) -> None:
    """The same rule for both kinds."""
    assert "not a valid endpoint name" in said(call("PUT", f"/onlineEndpoints/{name}", endpoint()))
    body = deployment(ml_emulator)
    refused = call("PUT", f"{PATH}/deployments/{name}", body)
    assert "not a valid deployment name" in said(refused)


@pytest.mark.behaviour("A name that the region knows already is refused")
def test_a_name_that_is_taken(call: Call, ml_emulator: Emulator) -> None:
    """By a preset, since there is nobody else in this region."""
    faults = f"{ml_emulator.url}/_emulator/faults"
    preset = {"preset": "endpoint-name-taken"}
    requests.post(faults, json=preset, timeout=5).raise_for_status()
    refused = call("PUT", "/onlineEndpoints/taken", endpoint(traffic={}))
    assert refused.status_code == 400
    assert "unique within a region" in refused.text


@pytest.mark.behaviour("What cannot be done is 501 by name")
@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"endpointComputeType": "Kubernetes"}, "Kubernetes deployments are not implemented"),
        ({"model": "azureml://registries/azureml/models/gpt2/versions/1"}, "Models of registries"),
        ({"model": "{ws}/models/flow/versions/1", "environmentId": None}, "MLflow models without"),
    ],
)
@pytest.mark.unmodelled("a Kubernetes deployment is another model")
def test_what_cannot_be_done_is_named(
    rules: Any, call: Call, ml_emulator: Emulator, properties: dict[str, Any], words: str
) -> None:
    """Kubernetes, models of registries, MLflow models without a scoring script."""
    place = "azureml://datastores/workspaceblobstore/paths/flow/"
    model = {"properties": {"modelType": "mlflow_model", "modelUri": place}}
    assert call("PUT", "/models/flow/versions/1", model).ok
    given = {
        key: value.replace("{ws}", ml_emulator.workspace_id) if value else value
        for key, value in properties.items()
    }
    refused = call("PUT", PATH + "/deployments/other", deployment(ml_emulator, **given))
    assert refused.status_code == 501
    assert words in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"instanceType": None}, "needs 'instanceType'"),
        ({"environmentId": None}, "needs an environment"),
        ({"environmentId": "/nowhere/versions/1"}, "environmentId '/nowhere/versions/1'"),
        ({"model": "/nowhere/versions/1"}, "model '/nowhere/versions/1' does not exist"),
        ({"codeConfiguration": {"codeId": "/no/versions/1"}}, "'scoringScript'"),
        ({"requestSettings": {"requestTimeout": "5 s"}}, "not a duration"),
        ({"requestSettings": {"requestTimeout": "PT181S"}}, "at most 180 seconds"),
        ({"requestSettings": {"maxConcurrentRequestsPerInstance": 0}}, "at least 1"),
        ({"readinessProbe": {"period": "often"}}, "not a duration"),
    ],
)
def test_a_deployment_that_makes_no_sense_is_refused(
    rules: Any, call: Call, ml_emulator: Emulator, properties: dict[str, Any], words: str
) -> None:
    """400 with what is wrong, and there is no such deployment."""
    refused = call("PUT", PATH + "/deployments/other", deployment(ml_emulator, **properties))
    assert refused.status_code == 400
    assert words in refused.text
    assert call("GET", PATH + "/deployments/other").status_code == 404


@pytest.mark.behaviour("409 while an operation is under way, for every write")
def test_writes_wait_for_each_other(rules: Any, call: Call, ml_emulator: Emulator) -> None:
    """Of the endpoint, of its deployments, and deletion."""
    rules.fault(operation="EndpointProvisioning.{}", delay_seconds=1)
    begun = call("PUT", PATH, endpoint(), wait=False)
    green, body = PATH + "/deployments/green", deployment(ml_emulator)
    writes = [("PUT", PATH, endpoint()), ("PATCH", PATH, {"tags": {}}), ("DELETE", PATH, None)]
    writes += [("PUT", green, body), ("PATCH", green, {"tags": {}}), ("DELETE", green, None)]
    answers = [call(*write, wait=False) for write in writes]
    assert [answer.status_code for answer in answers] == [409] * 6
    words = "because it is in Updating provisioning state"
    assert all(words in answer.json()["error"]["message"] for answer in answers)
    status = begun.headers["Azure-AsyncOperation"]
    wait_until(lambda: call("GET", status).json()["endTime"], what="the end")


@pytest.mark.behaviour("An endpoint cannot be deleted while a deployment is being made")
def test_a_deployment_under_way_keeps_its_endpoint(
    rules: Any, call: Call, ml_emulator: Emulator
) -> None:
    """409, and both are there afterwards."""
    rules.fault(operation="Provisioning.{}.green", delay_seconds=0.7)
    begun = call("PUT", PATH + "/deployments/green", deployment(ml_emulator), wait=False)
    refused = call("DELETE", PATH)
    assert refused.status_code == 409
    assert "deployment green is in Updating" in refused.json()["error"]["message"]
    status = begun.headers["Azure-AsyncOperation"]
    wait_until(lambda: call("GET", status).json()["endTime"], what="the end")
    assert rules.score(deployment="green").status_code == 200


@pytest.mark.behaviour("Of two clients that write at once one wins and the others get 409")
def test_a_race_has_one_winner(rules: Any, call: Call, ml_emulator: Emulator) -> None:
    """For a new endpoint, and for a new deployment."""
    body = {"location": "local", "properties": {"authMode": "Key"}}
    pace = f"{ml_emulator.url}/_emulator/pace"
    requests.put(pace, json={"operation_seconds": 1}, timeout=5).raise_for_status()
    try:
        for path, given in (
            ("/onlineEndpoints/raced", body),
            (PATH + "/deployments/raced", deployment(ml_emulator)),
        ):
            with ThreadPoolExecutor(6) as pool:
                calls = [pool.submit(call, "PUT", path, given, wait=False) for _ in range(6)]
                answers = [each.result() for each in calls]
            assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
            winner = next(answer for answer in answers if answer.status_code == 201)
            status = winner.headers["Azure-AsyncOperation"]
            wait_until(lambda url=status: call("GET", url).json()["endTime"], what="the end")
    finally:
        requests.put(pace, json={"operation_seconds": 0}, timeout=5)
    for path in ("/onlineEndpoints/raced", PATH + "/deployments/raced"):
        assert call("DELETE", path).status_code == 202


@pytest.mark.behaviour("PATCH changes tags and the number of instances, answers 202 with null")
def test_a_patch_changes_little(rules: Any, call: Call) -> None:
    """Everything else stays, traffic too."""
    patched = call("PATCH", PATH, {"tags": {"team": "one"}})
    assert (patched.status_code, patched.text) == (202, "null")
    read = call("GET", PATH).json()
    assert read["tags"] == {"team": "one"}
    assert read["properties"]["traffic"] == {"blue": 100}
    green = PATH + "/deployments/green"
    patched = call("PATCH", green, {"tags": {"team": "two"}, "sku": {"name": "x", "capacity": 2}})
    assert (patched.status_code, patched.text) == (202, "null")
    read = call("GET", green).json()
    assert (read["tags"], read["sku"]["capacity"]) == ({"team": "two"}, 2)
    assert read["properties"]["instanceType"] == "Standard_DS3_v2"
    skus = call("GET", green + "/skus").json()["value"]
    assert skus[0]["capacity"]["default"] == 2


@pytest.mark.behaviour("Fields that are not known are kept and shown")
@pytest.mark.unmodelled("that is the point")
def test_unknown_fields_are_kept(rules: Any, call: Call, ml_emulator: Emulator) -> None:
    """In the body and in its properties, of endpoints and deployments."""
    assert call("PUT", PATH, {**endpoint(newThing=[1]), "another": {"a": 1}}).ok
    read = call("GET", PATH).json()
    assert (read["properties"]["newThing"], read["another"]) == ([1], {"a": 1})
    body = {**deployment(ml_emulator, newThing=[2]), "another": 2}
    assert call("PUT", PATH + "/deployments/green", body).ok
    read = call("GET", PATH + "/deployments/green").json()
    assert (read["properties"]["newThing"], read["another"]) == ([2], 2)
    assert call("PUT", PATH, endpoint()).ok
    assert call("PUT", PATH + "/deployments/green", deployment(ml_emulator)).ok


@pytest.mark.behaviour("Ids and names compare without case and are shown as they were made")
def test_case_does_not_matter(rules: Any, call: Call) -> None:
    """Endpoint, deployment, and who is asked for in scoring."""
    read = call("GET", PATH.upper()).json()
    assert (read["name"], read["id"].rpartition("/")[2]) == (NAME, NAME)
    assert call("GET", PATH + "/Deployments/BLUE").json()["name"] == "blue"
    assert rules.score(deployment="GREEN").headers["azureml-model-deployment"] == "green"


@pytest.mark.behaviour("Lists come in pages with nextLink, by count or $top")
def test_lists_come_in_pages(rules: Any, call: Call) -> None:
    """Endpoints by `count`, deployments by `$top`; the last page has no nextLink."""
    assert call("PUT", "/onlineEndpoints/paged-one", endpoint(traffic={})).ok
    for path in ("/onlineEndpoints?count=1", PATH + "/deployments?$top=1"):
        names, url = [], path
        while url:
            page = call("GET", url).json()
            assert len(page["value"]) == 1
            names += [one["name"] for one in page["value"]]
            url = page.get("nextLink")
        assert len(names) == len(set(names)) >= 2
    assert call("DELETE", "/onlineEndpoints/paged-one").ok


def test_a_list_of_endpoints_can_be_asked_for_some(rules: Any, call: Call) -> None:
    """By name, tags, properties and compute type, in an order."""
    body = {**endpoint(traffic={}, properties={"kind": "x"}), "tags": {"team": "list"}}
    assert call("PUT", "/onlineEndpoints/listed-one", body).ok
    for query, names in (
        ("tags=team=list", ["listed-one"]),
        ("tags=team=none", []),
        ("properties=kind", ["listed-one"]),
        ("name=LISTED-one", ["listed-one"]),
        ("computeType=Kubernetes", []),
    ):
        listed = call("GET", f"/onlineEndpoints?{query}").json()["value"]
        assert [one["name"] for one in listed] == names
    listed = call("GET", "/onlineEndpoints?orderBy=CreatedAtDesc").json()["value"]
    assert listed[0]["name"] == "listed-one"
    assert call("DELETE", "/onlineEndpoints/listed-one").ok


@pytest.mark.behaviour("Deleting an endpoint deletes its deployments and their processes")
def test_an_endpoint_takes_its_deployments_along(
    call: Call, serve_endpoint: Callable[[str], Any]
) -> None:
    """Although they have traffic; nothing scores any more."""
    with serve_endpoint("tiny-going") as served:
        served.deploy("blue")
        served.route(blue=100)
        uri, headers = f"{served.emulator.url}/inference/tiny-going/score", served.headers()
        assert requests.post(uri, json={}, headers=headers, timeout=5).status_code == 200
    assert call("GET", "/onlineEndpoints/tiny-going/deployments/blue").status_code == 404
    assert requests.post(uri, json={}, headers=headers, timeout=5).status_code == 404
    running = served.control("GET", "deployments")["value"]
    assert "tiny-going" not in [one["endpoint"] for one in running]


@pytest.mark.behaviour("A container that is not ready in time fails its deployment")
def test_readiness_is_waited_for_as_long_as_the_probe_says(
    rules: Any, call: Call, ml_emulator: Emulator
) -> None:
    """Initial delay and period times threshold; then the operation names the route."""
    probe = {"initialDelay": "PT0S", "period": "PT0.5S", "failureThreshold": 2}
    never = {"environmentVariables": {"NEVER_READY": "1"}, "readinessProbe": probe}
    body = deployment(ml_emulator, **never)
    begun = call("PUT", PATH + "/deployments/never", body)
    error = call("GET", begun.headers["Azure-AsyncOperation"]).json()["error"]
    assert "not become ready in 1 s: GET /ready" in error["message"]
    assert call("DELETE", PATH + "/deployments/never").status_code == 202


def test_logs_of_both_containers_can_be_read(rules: Any, call: Call) -> None:
    """What was fetched, and what the container said; other containers do not exist."""
    logs = PATH + "/deployments/blue/getLogs"
    fetched = call("POST", logs, {"containerType": "StorageInitializer", "tail": 5}).json()
    assert fetched["content"] == "Initialization completed.\n"
    assert call("POST", logs, {}).json()["content"] == ""
    assert call("POST", logs, {"containerType": "Other"}).status_code == 400
    assert call("POST", logs, {"tail": 0}).status_code == 400


@pytest.mark.behaviour("A mirrored request is a copy: the live deployment answers")
def test_mirrored_requests(rules: Any, call: Call) -> None:
    """A share of the requests also reaches green, whose answers nobody sees."""
    mirrored = endpoint(mirrorTraffic={"green": 50})
    assert call("PUT", PATH, mirrored).ok
    rules.fault(id="seen", operation="Scoring.{}.green", count=None, delay_seconds=0.001)
    answers = [rules.score() for _ in range(30)]
    assert {answer.headers["azureml-model-deployment"] for answer in answers} == {"blue"}

    def hits() -> int:
        (rule,) = rules.control("GET", "faults")["value"]
        return int(rule["hits"])

    wait_until(hits, what="a mirrored request")
    assert hits() < 30
    assert call("PUT", PATH, endpoint()).ok
    before = hits()
    assert rules.score(deployment="blue").status_code == 200
    assert hits() == before
    rules.control("DELETE", "faults")


def test_a_killed_container_takes_its_request_along(rules: Any) -> None:
    """The rule kills it under the request: 424 with 502, and then it comes back."""
    rules.control("PUT", "pace", {"restart_seconds": 0.1})
    before = rules.process("blue")["restarts"]
    rules.fault(operation="Scoring.{}.blue", kill=True)
    answer = rules.score()
    assert answer.status_code == 424
    assert answer.headers["ms-azureml-model-error-statuscode"] == "502"
    wait_until(lambda: rules.score().status_code == 200, what="the container")
    assert rules.process("blue")["restarts"] == before + 1


@pytest.mark.parametrize("target", ["{}", "{}.green"])
def test_a_deletion_can_fail(rules: Any, call: Call, target: str) -> None:
    """The state says so, what was there serves on, and it can be tried again."""
    rules.fault(operation=f"Deletion.{target}", code="InternalServerError", message="not now")
    path = PATH + "/deployments/green" if target.endswith("green") else PATH
    begun = call("DELETE", path)
    status = call("GET", begun.headers["Azure-AsyncOperation"]).json()
    assert (status["status"], status["error"]["message"]) == ("Failed", "not now")
    assert call("GET", path).json()["properties"]["provisioningState"] == "Failed"
    assert rules.score(deployment="green").status_code == 200
    assert call("PUT", PATH, endpoint()).status_code == 201
