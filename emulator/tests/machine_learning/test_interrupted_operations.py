"""An emulator that is killed in the middle of its operations finds them and ends them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure_emulator.certificates import certificate_paths
from azure_emulator.machine_learning.online.lifecycle import MOVING
from azure_emulator.operations import Operations
from azure_emulator.settings import Pace, ServeSettings
from azure_emulator.store import Store
from azure_emulator.testing import start_azurite, start_emulator, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from azure_emulator.testing import Emulator

ENVIRONMENT = "/environments/tiny/versions/1"
ROUTE = {"path": "/ready", "port": 80}


class Wire:
    """Calls one emulator without any SDK."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._bundle = str(certificate_paths(emulator.home).bundle)

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Call a path below the workspace, one of the server, or a whole URL."""
        root = self.emulator.url + self.emulator.workspace_id
        url = self.emulator.url + path if path.startswith(("/_", "/inference")) else root + path
        url = path if path.startswith("https:") else url
        given = {"authorization": "Bearer any", **headers}
        return requests.request(
            method, url, json=body, headers=given, timeout=30, verify=self._bundle
        )

    def end(self, begun: requests.Response) -> dict[str, Any]:
        """Wait for an operation; give its last status."""
        assert begun.status_code in (201, 202), begun.text

        def ended() -> dict[str, Any] | None:
            status = self("GET", begun.headers["Azure-AsyncOperation"]).json()
            return status if status["endTime"] else None

        return wait_until(ended, what="the end of an operation")

    def label(self, endpoint: str, deployment: str) -> str | None:
        """Score at a deployment; give its label, None when it does not answer."""
        keys = self("POST", f"/onlineEndpoints/{endpoint}/listKeys").json()
        headers = {"authorization": f"Bearer {keys['primaryKey']}"}
        headers["azureml-model-deployment"] = deployment
        answer = self("POST", f"/inference/{endpoint}/score", {}, **headers)
        return str(answer.json()["label"]) if answer.status_code == 200 else None


@pytest.fixture
def wire(tmp_path: Path, ml_emulator: Emulator, emulator_home: Path) -> Iterator[Wire]:
    """An emulator of its own, which the test may kill."""
    tiny = ml_emulator.process.command[ml_emulator.process.command.index("--image") + 1]
    pattern, _, command = tiny.partition("=")
    with (
        start_azurite(tmp_path) as azurite,
        start_emulator(
            tmp_path,
            azurite.blob_url,
            images={pattern: f"{command} {tmp_path.name}"},
            record=emulator_home / "calls.jsonl",
        ) as emulator,
    ):
        wire = Wire(emulator)
        routes = {"livenessRoute": ROUTE, "readinessRoute": ROUTE}
        routes["scoringRoute"] = {"path": "/score", "port": 80}
        given = {"properties": {"image": "tiny-container:1", "inferenceConfig": routes}}
        assert wire("PUT", ENVIRONMENT, given).ok
        yield wire


def endpoint(**traffic: int) -> dict[str, Any]:
    """The body of an endpoint that takes keys."""
    return {"location": "local", "properties": {"authMode": "Key", "traffic": traffic}}


def deployment(wire: Wire, label: str, **variables: str) -> dict[str, Any]:
    """The body of a deployment that answers with its label."""
    return {
        "location": "local",
        "sku": {"name": "Default", "capacity": 1},
        "properties": {
            "endpointComputeType": "Managed",
            "environmentId": wire.emulator.workspace_id + ENVIRONMENT,
            "instanceType": "Standard_DS3_v2",
            "environmentVariables": {"LABEL": label, **variables},
        },
    }


def prepared(wire: Wire) -> None:
    """Make what the operations under test start from."""
    for name in ("moved", "going", "busy", "keyed"):
        assert wire.end(wire("PUT", f"/onlineEndpoints/{name}", endpoint()))["status"]
    places = ("moved/deployments/blue", "moved/deployments/green", "going/deployments/blue")
    places += tuple(f"busy/deployments/{name}" for name in ("blue", "green", "stays"))
    begun = [wire("PUT", f"/onlineEndpoints/{at}", deployment(wire, "old")) for at in places]
    assert {wire.end(one)["status"] for one in begun} == {"Succeeded"}
    assert wire.end(wire("PUT", "/onlineEndpoints/moved", endpoint(blue=100)))
    assert wire.end(wire("PUT", "/onlineEndpoints/going", endpoint(blue=100)))


def begun_operations(wire: Wire) -> dict[str, requests.Response]:
    """Begin one operation of every kind; none of them ends by itself."""
    busy = "/onlineEndpoints/busy/deployments"
    crash = deployment(wire, "new", CRASH="1")
    return {
        "create endpoint": wire("PUT", "/onlineEndpoints/fresh", endpoint()),
        "move traffic": wire("PUT", "/onlineEndpoints/moved", endpoint(green=100)),
        "delete endpoint": wire("DELETE", "/onlineEndpoints/going"),
        "new key": wire("POST", "/onlineEndpoints/keyed/regenerateKeys", {"keyType": "Primary"}),
        "create deployment": wire("PUT", f"{busy}/fresh", deployment(wire, "new")),
        "update deployment": wire("PUT", f"{busy}/blue", deployment(wire, "new")),
        "update that fails": wire("PUT", f"{busy}/stays", crash),
        "delete deployment": wire("DELETE", f"{busy}/green"),
    }


@pytest.mark.behaviour("A service that dies in the middle of an operation ends it later")
def test_every_operation_is_found_and_ended(wire: Wire) -> None:
    """Endpoints, deployments, traffic, keys: done after a restart, or failed for its reason."""
    prepared(wire)
    key = wire("POST", "/onlineEndpoints/keyed/listKeys").json()["primaryKey"]
    wire("PUT", "/_emulator/pace", {"operation_seconds": 600})
    begun = begun_operations(wire)
    for answer in begun.values():
        assert wire("GET", answer.headers["Azure-AsyncOperation"]).json()["endTime"] is None
    wire.emulator.kill()
    wire.emulator.start_again()
    ends = {what: wire.end(answer)["status"] for what, answer in begun.items()}
    failed = ends.pop("update that fails")
    assert set(ends.values()) == {"Succeeded"}
    assert failed == "Failed"
    assert wire("GET", "/onlineEndpoints/fresh").json()["properties"]["authMode"] == "Key"
    moved = wire("GET", "/onlineEndpoints/moved").json()["properties"]
    assert moved["traffic"] == {"green": 100}
    assert wire("GET", "/onlineEndpoints/going").status_code == 404
    assert wire("POST", "/onlineEndpoints/keyed/listKeys").json()["primaryKey"] != key
    listed = wire("GET", "/onlineEndpoints/busy/deployments").json()["value"]
    states = {one["name"]: one["properties"]["provisioningState"] for one in listed}
    assert states == {"blue": "Succeeded", "stays": "Failed", "fresh": "Succeeded"}
    labels = {name: wire.label("busy", name) for name in ("blue", "stays", "fresh", "green")}
    assert labels == {"blue": "new", "stays": "old", "fresh": "new", "green": None}
    wait_until(lambda: wire.label("moved", "green") == "old", what="green to come back")


def test_a_failed_update_stays_in_service_over_a_restart(wire: Wire) -> None:
    """What ran before the failed update is what comes back."""
    assert wire.end(wire("PUT", "/onlineEndpoints/keeps", endpoint()))
    path = "/onlineEndpoints/keeps/deployments/blue"
    assert wire.end(wire("PUT", path, deployment(wire, "old")))["status"] == "Succeeded"
    crash = deployment(wire, "new", CRASH="1")
    assert wire.end(wire("PUT", path, crash))["status"] == "Failed"
    wire.emulator.kill()
    wire.emulator.start_again()
    wait_until(lambda: wire.label("keeps", "blue") == "old", what="the old container")
    assert wire("GET", path).json()["properties"]["provisioningState"] == "Failed"


def test_what_is_deleted_right_after_a_restart_does_not_come_back(
    wire: Wire, tmp_path: Path
) -> None:
    """Its container is still starting when the deletion comes: no process stays."""
    assert wire.end(wire("PUT", "/onlineEndpoints/brief", endpoint()))
    path = "/onlineEndpoints/brief/deployments/blue"
    assert wire.end(wire("PUT", path, deployment(wire, "old")))["status"] == "Succeeded"
    assert containers(tmp_path.name)
    wire.emulator.kill()
    wire.emulator.start_again()
    assert wire.end(wire("DELETE", path))["status"] == "Succeeded"
    assert wire("GET", "/_emulator/deployments").json()["value"] == []
    wait_until(lambda: not containers(tmp_path.name), what="the end of its process")


def containers(word: str) -> list[str]:
    """The commands of containers that end with a word."""
    listed = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True)
    lines = listed.stdout.splitlines()
    ours = [line for line in lines if line.endswith(" " + word) and "--image" not in line]
    return [line for line in ours if "tiny_container" in line]


@pytest.mark.parametrize(
    ("state", "status"), [("Succeeded", "Succeeded"), ("Failed", "Failed"), (None, "Succeeded")]
)
def test_an_operation_whose_work_was_done_ends(
    tmp_path: Path, state: str | None, status: str
) -> None:
    """The process died after the work and before the note: its target says how it went."""
    store = Store(tmp_path / "emulator.sqlite")
    settings = ServeSettings(tmp_path, 1, "https://x", "s", "g", "w")
    operation = Operations(settings, store, Pace()).record("/its/target", "Updating")
    if state:
        store.put("/its/target", "any", {"properties": {"provisioningState": state}})
    Operations(settings, store, Pace()).settle()
    record = store.get(f"/operations/{operation}")
    assert record is not None
    assert record.body["status"] == status
    assert record.body["status"] not in MOVING
    assert bool(record.body["error"]) == (status == "Failed")
    store.close()
