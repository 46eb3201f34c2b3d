"""Long-running operations on the wire, as the real service answers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure_emulator.testing import Emulator

ENDPOINT = "/onlineEndpoints/wired"
DEPLOYMENT = ENDPOINT + "/deployments/blue"
VERBS = ("Creating", "Updating", "Deleting")


@dataclass
class Wire:
    """Calls ARM without any SDK."""

    emulator: Emulator

    def __call__(self, method: str, path: str, body: object = None) -> requests.Response:
        """Call a path below the workspace, or a whole URL."""
        root = self.emulator.url + self.emulator.workspace_id
        url = path if path.startswith("https:") else root + path
        headers = {"authorization": "Bearer any"}
        return requests.request(method, url, json=body, headers=headers, timeout=10)

    def settled(self, begun: requests.Response) -> requests.Response:
        """Wait for the end of an operation; give its last status."""

        def ended() -> requests.Response | None:
            status = self("GET", begun.headers["Azure-AsyncOperation"])
            return status if status.json()["endTime"] else None

        return wait_until(ended, what="the operation")


@dataclass
class Operation:
    """What was answered while one operation ran, and at its end."""

    begun: requests.Response
    status: requests.Response
    result: requests.Response
    read: requests.Response
    last_status: requests.Response
    last_result: requests.Response
    last_read: requests.Response


@pytest.fixture(scope="module")
def wire(ml_emulator: Emulator) -> Iterator[Wire]:
    """ARM, where operations take a moment and answers carry no `retry-after-ms`."""
    pace = f"{ml_emulator.url}/_emulator/pace"
    before = requests.get(pace, timeout=5).json()
    slow = {"operation_seconds": 0.7, "poll_milliseconds": 0}
    requests.put(pace, json=slow, timeout=5).raise_for_status()
    yield Wire(ml_emulator)
    requests.put(pace, json=before, timeout=5)


def followed(wire: Wire, begun: requests.Response, path: str) -> Operation:
    """Look at everything while the operation runs, and again at its end."""
    status = wire("GET", begun.headers["Azure-AsyncOperation"])
    result, read = wire("GET", begun.headers["Location"]), wire("GET", path)
    last = wire.settled(begun)
    last_result = wire("GET", begun.headers["Location"])
    return Operation(begun, status, result, read, last, last_result, wire("GET", path))


@pytest.fixture(scope="module")
def lives(wire: Wire, ml_client: Any, serve_endpoint: Any) -> dict[str, dict[str, Operation]]:
    """An endpoint and a deployment from creation over an update to deletion, by verb."""
    environment = ml_client.environments.get("tiny-story", "1").id
    endpoint = {"location": "local", "properties": {"authMode": "Key", "traffic": {}}}
    deployment = {
        "location": "local",
        "sku": {"name": "Default", "capacity": 1},
        "properties": {
            "endpointComputeType": "Managed",
            "environmentId": environment,
            "instanceType": "Standard_DS3_v2",
        },
    }
    lives: dict[str, dict[str, Operation]] = {"endpoint": {}, "deployment": {}}
    made = followed(wire, wire("PUT", ENDPOINT, endpoint), ENDPOINT)
    lives["endpoint"]["Creating"] = made
    for verb in ("Creating", "Updating"):
        begun = wire("PUT", DEPLOYMENT, deployment)
        lives["deployment"][verb] = followed(wire, begun, DEPLOYMENT)
    endpoint["properties"] = {"authMode": "Key", "traffic": {"blue": 100}}
    lives["endpoint"]["Updating"] = followed(wire, wire("PUT", ENDPOINT, endpoint), ENDPOINT)
    endpoint["properties"] = {"authMode": "Key", "traffic": {}}
    wire.settled(wire("PUT", ENDPOINT, endpoint))
    lives["deployment"]["Deleting"] = followed(wire, wire("DELETE", DEPLOYMENT), DEPLOYMENT)
    lives["endpoint"]["Deleting"] = followed(wire, wire("DELETE", ENDPOINT), ENDPOINT)
    return lives


@pytest.fixture(params=["endpoint", "deployment"])
def life(request: pytest.FixtureRequest, lives: dict[str, Any]) -> dict[str, Operation]:
    """The operations of an endpoint, and then of a deployment."""
    operations: dict[str, Operation] = lives[request.param]
    return operations


@pytest.mark.behaviour("PUT of an endpoint or deployment answers 201 on update too")
def test_a_put_is_201_on_update_too(life: dict[str, Operation]) -> None:
    """New or not, the state says what is going on."""
    for verb in ("Creating", "Updating"):
        begun = life[verb].begun
        assert begun.status_code == 201
        assert begun.json()["properties"]["provisioningState"] == verb


@pytest.mark.behaviour("An endpoint shows its old traffic until the operation ends")
def test_the_old_traffic_is_shown_until_the_end(lives: dict[str, Any]) -> None:
    """In the answer of the PUT and in reads; the new one at the end."""
    update = lives["endpoint"]["Updating"]
    assert update.begun.json()["properties"]["traffic"] == {}
    assert update.read.json()["properties"]["traffic"] == {}
    assert update.last_read.json()["properties"]["traffic"] == {"blue": 100}


@pytest.mark.behaviour("DELETE answers 202 with the body null")
def test_a_delete_is_202_with_null(life: dict[str, Operation]) -> None:
    """And 404 is read at the end, 204 when there is nothing to delete."""
    deletion = life["Deleting"]
    assert (deletion.begun.status_code, deletion.begun.text) == (202, "null")
    assert deletion.last_read.status_code == 404


@pytest.mark.behaviour("Long operations name two poll URLs and a timeout, and no Retry-After")
def test_no_retry_after(life: dict[str, Operation]) -> None:
    """Neither the answer that begins it nor those of the polls say when to ask again."""
    for verb in VERBS:
        operation = life[verb]
        assert operation.begun.headers["x-ms-async-operation-timeout"] == "PT1H"
        for answer in (operation.begun, operation.status, operation.result):
            assert not {"retry-after", "retry-after-ms"} & {name.lower() for name in answer.headers}


@pytest.mark.behaviour("An operation's status is Creating, Updating or Deleting, then Succeeded")
def test_the_status_of_an_operation(life: dict[str, Operation]) -> None:
    """Its body has id, name, status, times and a percentage."""
    for verb in VERBS:
        running, ended = life[verb].status.json(), life[verb].last_status.json()
        assert running["status"] == verb
        assert running["endTime"] is None
        assert 0 < running["percentComplete"] < 100
        assert ended["status"] == "Succeeded"
        assert ended["startTime"] < ended["endTime"]
        assert ended["percentComplete"] == 100.0
        assert running.keys() == ended.keys()
        assert running["id"].endswith("/" + running["name"])
        assert "error" not in ended


@pytest.mark.behaviour("Location answers 202 {} while an operation runs, then an empty 200")
def test_the_result_of_an_operation(life: dict[str, Operation]) -> None:
    """The 202 names itself as the place to ask again."""
    for verb in VERBS:
        operation = life[verb]
        assert (operation.result.status_code, operation.result.json()) == (202, {})
        assert operation.result.headers["Location"] == operation.begun.headers["Location"]
        assert (operation.last_result.status_code, operation.last_result.content) == (200, b"")


@pytest.mark.behaviour("Provisioning states come in order")
def test_provisioning_states_in_order(life: dict[str, Operation]) -> None:
    """Creating, Succeeded; Updating, Succeeded; Deleting, gone."""
    states = []
    for verb in VERBS:
        for read in (life[verb].read, life[verb].last_read):
            body = read.json()
            states.append(body.get("properties", {}).get("provisioningState"))
    assert states == ["Creating", "Succeeded", "Updating", "Succeeded", "Deleting", None]


@pytest.mark.behaviour("Poll URLs are signed and must be used as given")
def test_poll_urls_are_signed(wire: Wire, lives: dict[str, Any]) -> None:
    """Without their query they are refused."""
    begun = lives["endpoint"]["Creating"].begun
    for header in ("Azure-AsyncOperation", "Location"):
        assert wire("GET", begun.headers[header].partition("?")[0]).status_code == 403


@pytest.mark.behaviour("systemData keeps createdAt and moves lastModifiedAt")
def test_system_data(life: dict[str, Operation]) -> None:
    """Who and when, of creation and of the last change."""
    first = life["Creating"].last_read.json()["systemData"]
    second = life["Updating"].last_read.json()["systemData"]
    assert second["createdAt"] == first["createdAt"] <= first["lastModifiedAt"]
    assert second["lastModifiedAt"] > first["lastModifiedAt"]
    assert {first[f"{what}ByType"] for what in ("created", "lastModified")} == {"Application"}


@pytest.mark.behaviour("DELETE of what is not there answers 204")
def test_nothing_to_delete(wire: Wire, lives: dict[str, Any]) -> None:
    """An endpoint that was never made."""
    assert wire("DELETE", "/onlineEndpoints/nobody-at-all").status_code == 204


@pytest.mark.behaviour("A failed operation ends with status Failed and its error")
def test_a_failed_operation(wire: Wire) -> None:
    """Code and message are the error's; the result is 200 all the same."""
    rule = {"operation": "EndpointProvisioning.wired-badly", "code": "Oops", "message": "no luck"}
    requests.post(f"{wire.emulator.url}/_emulator/faults", json=rule, timeout=5)
    body = {"location": "local", "properties": {"authMode": "Key"}}
    begun = wire("PUT", "/onlineEndpoints/wired-badly", body)
    status = wire.settled(begun).json()
    assert status["status"] == "Failed"
    assert (status["error"]["code"], status["error"]["message"]) == ("Oops", "no luck")
    assert wire("GET", begun.headers["Location"]).status_code == 200
    read = wire("GET", "/onlineEndpoints/wired-badly").json()
    assert read["properties"]["provisioningState"] == "Failed"
    again = wire("PUT", "/onlineEndpoints/wired-badly", body)
    assert again.status_code == 400
    assert "has not been created successfully" in again.text
    wire.settled(wire("DELETE", "/onlineEndpoints/wired-badly"))


@pytest.mark.behaviour("The code of most 404s is UserError, the precise one an InnerError")
def test_errors_have_the_shape_of_the_service(wire: Wire) -> None:
    """Code, message, details and additional information."""
    answer = wire("GET", "/jobs/nobody")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "UserError")
    inner = [info for info in error["additionalInfo"] if info["type"] == "InnerError"]
    assert inner[0]["info"]["value"]["innerError"]["code"] == "NotFound"


@pytest.mark.behaviour("The properties of a child job are null")
def test_a_child_run_has_no_properties(wire: Wire, ml_client: Any, tiny_job: Any) -> None:
    """The SDK then looks in run history; unknown workspaces are 404."""
    ml_client.jobs.create_or_update(tiny_job("tiny-wired"))

    def children() -> list[str]:
        return [child.name for child in ml_client.jobs.list(parent_job_name="tiny-wired")]

    name = wait_until(children, what="a child")[0]
    assert wire("GET", f"/jobs/{name}").json()["properties"] is None
    assert wire("GET", "/../elsewhere/jobs/x").status_code == 404
