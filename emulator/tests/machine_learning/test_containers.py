"""Deployments' processes that die or hang, and what comes after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.ai.ml.entities import ProbeSettings
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEPLOYMENT = "azureml-model-deployment"
WRAPPED_STATUS = "ms-azureml-model-error-statuscode"
Served = Any


@pytest.fixture
def mortal(serve_endpoint: Callable[[str], Any]) -> Iterator[Served]:
    """An endpoint with one deployment; what died comes back soon."""
    with serve_endpoint("tiny-mortal") as served:
        before = served.control("GET", "pace")
        served.control("PUT", "pace", {"restart_seconds": 0.2})
        probe = {"initial_delay": 1, "period": 1, "timeout": 1, "failure_threshold": 1}
        served.deploy("blue", liveness_probe=ProbeSettings(**probe))
        served.route(blue=100)
        yield served
        served.control("PUT", "pace", before)


def test_a_killed_container_comes_back(mortal: Served) -> None:
    """Until then its answers are a bad gateway's, by name; ARM sees nothing of it."""
    old = mortal.process("blue")
    assert (old["state"], old["restarts"]) == ("running", 0)
    assert mortal.order("blue", "kill", down_seconds=1)["state"] == "down"
    answer = mortal.score()
    assert (answer.status_code, answer.headers[WRAPPED_STATUS]) == (424, "502")
    assert answer.headers[DEPLOYMENT] == "blue"
    deployment = mortal.client.online_deployments.get("blue", mortal.name)
    assert deployment.provisioning_state == "Succeeded"
    wait_until(lambda: mortal.score().status_code == 200, what="the restart")
    new = mortal.process("blue")
    assert (new["state"], new["restarts"]) == ("running", 1)
    assert new["pid"] != old["pid"]


def test_a_container_can_stay_down_until_it_is_deployed_anew(mortal: Served) -> None:
    """`down_seconds` null: nothing but a new container, or a later order, brings it back."""
    mortal.order("blue", "kill", down_seconds=None)
    wait_until(lambda: mortal.process("blue")["pid"] is None, what="its end")
    assert mortal.score().headers[WRAPPED_STATUS] == "502"
    mortal.order("blue", "kill")
    wait_until(lambda: mortal.score().status_code == 200, what="the restart")
    mortal.order("blue", "kill", down_seconds=None)
    mortal.deploy("blue")
    assert mortal.score().status_code == 200


def test_requests_to_a_frozen_container_hang_into_the_timeout(mortal: Served) -> None:
    """408 with the deployment's name; resumed, it answers at once."""
    mortal.deploy("green")
    assert mortal.order("green", "pause")["state"] == "paused"
    answer = mortal.score(deployment="green")
    assert (answer.status_code, answer.headers[DEPLOYMENT]) == (408, "green")
    assert mortal.order("green", "resume")["state"] == "running"
    assert mortal.score(deployment="green").status_code == 200
    mortal.order("green", "pause", seconds=0.5)
    assert mortal.score(deployment="green").status_code == 200
    assert mortal.process("green")["restarts"] == 0


def test_a_container_that_hangs_is_killed_by_its_liveness_probe(mortal: Served) -> None:
    """Nobody resumes it, and yet it answers again."""
    mortal.order("blue", "pause")
    wait_until(lambda: mortal.process("blue")["restarts"] == 1, what="the restart")
    wait_until(lambda: mortal.score().status_code == 200, what="an answer")


def test_a_frozen_deployment_can_be_deleted(mortal: Served) -> None:
    """Its processes end although they cannot react."""
    mortal.deploy("green")
    mortal.order("green", "pause")
    mortal.client.online_deployments.begin_delete("green", mortal.name).result()
    rows = mortal.control("GET", "deployments")["value"]
    assert [row["deployment"] for row in rows if row["endpoint"] == mortal.name] == ["blue"]


def test_an_order_that_makes_no_sense_is_refused(mortal: Served) -> None:
    """400 with words, and nothing happens to the container."""
    orders: list[tuple[str, object]] = [
        ("kill", {"seconds": 1}),
        ("kill", {"down_seconds": "long"}),
        ("pause", {"seconds": -1}),
        ("resume", {"seconds": 1}),
        ("bury", {}),
        ("kill", [1]),
    ]
    for verb, body in orders:
        path = f"/_emulator/deployments/{mortal.name}/blue/{verb}"
        answer = requests.post(mortal.emulator.url + path, json=body, timeout=5)
        assert answer.status_code == 400, verb
        assert answer.json()["error"]
    assert mortal.process("blue")["state"] == "running"
