"""What goes wrong between a write and its effect, on demand and through the unmodified SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUOTA = (
    "Not enough quota available for Standard_DS3_v2 in SubscriptionId 0."
    " Current usage/limit: 4/6. Additional needed: 8"
)
Served = Any


@pytest.fixture(scope="module")
def rollout(serve_endpoint: Callable[[str], Any]) -> Iterator[Served]:
    """An endpoint with blue, which has all the traffic."""
    with serve_endpoint("tiny-rollout") as served:
        served.deploy("blue")
        served.route(blue=100)
        yield served


@pytest.fixture
def staged(rollout: Served) -> Iterator[Served]:
    """The endpoint; after the test it has no faults, and blue alone again."""
    yield rollout
    rollout.control("DELETE", "faults")
    wait_until(lambda: settled(rollout), what="the deployments")
    rollout.route(blue=100)
    rollout.client.online_deployments.begin_delete("green", rollout.name).result()


def state(served: Served, name: str) -> str:
    """The provisioning state of a deployment."""
    value = served.client.online_deployments.get(name, served.name).provisioning_state
    return str(getattr(value, "value", value))


def settled(served: Served) -> bool:
    """Say whether no deployment has an operation under way."""
    names = [one.name for one in served.client.online_deployments.list(served.name)]
    return all(state(served, name) in ("Succeeded", "Failed") for name in names)


@pytest.mark.behaviour("A deployment whose creation failed can only be deleted")
@pytest.mark.parametrize("code", ["ImageBuildFailure", "OutOfQuota"])
def test_provisioning_fails_when_it_is_told_to(staged: Served, code: str) -> None:
    """The PUT is accepted, operation and state end Failed, nothing runs; only deletion helps."""
    staged.fault(operation="Provisioning.{}.green", code=code, message=f"no luck: {code}")
    poller = staged.deploy("green", wait=False)
    with pytest.raises(HttpResponseError, match=rf"\({code}\) no luck") as raised:
        poller.result()
    assert raised.value.status_code == 200
    assert state(staged, "green") == "Failed"
    assert staged.score(deployment="green").status_code == 404
    with pytest.raises(HttpResponseError, match="Failed gets no traffic"):
        staged.route(blue=50, green=50)
    assert staged.traffic() == {"blue": 100}
    with pytest.raises(HttpResponseError, match="in an unrecoverable state"):
        staged.deploy("green")
    staged.client.online_deployments.begin_delete("green", staged.name).result()
    staged.deploy("green")
    assert state(staged, "green") == "Succeeded"


def test_a_failed_update_keeps_the_old_container(staged: Served) -> None:
    """The deployment is Failed, answers as before, keeps its traffic, and can be written again."""
    staged.deploy("green")
    staged.fault(operation="Provisioning.{}.green", code="ImageBuildFailure")
    with pytest.raises(HttpResponseError, match="told to fail"):
        staged.deploy("green")
    assert state(staged, "green") == "Failed"
    assert staged.score(deployment="green").status_code == 200
    assert staged.route(blue=50, green=50).traffic == {"blue": 50, "green": 50}
    staged.deploy("green")
    assert state(staged, "green") == "Succeeded"


def test_provisioning_takes_longer_and_is_not_disturbed(staged: Served) -> None:
    """Meanwhile the deployment is Creating and refuses writes; then it serves."""
    staged.fault(operation="Provisioning.{}.green", delay_seconds=1.5)
    poller = staged.deploy("green", wait=False)
    assert state(staged, "green") == "Creating"
    assert staged.score(deployment="green").status_code == 404
    with pytest.raises(ResourceExistsError, match="in Creating provisioning state"):
        staged.deploy("green")
    with pytest.raises(ResourceExistsError, match="in Creating provisioning state"):
        staged.client.online_deployments.begin_delete("green", staged.name)
    with pytest.raises(HttpResponseError, match="Creating gets no traffic"):
        staged.route(blue=90, green=10)
    poller.result()
    assert staged.score(deployment="green").status_code == 200


@pytest.mark.behaviour("Quota is refused when the deployment is made, as a UserError")
def test_quota_is_refused_at_once(staged: Served) -> None:
    """The PUT of the one deployment is 400 in the service's shape, and there is no such thing."""
    staged.fault(
        operation="OnlineDeployments.CreateOrUpdate",
        resource="*/{}/deployments/green",
        status=400,
        code="UserError",
        inner="OutOfQuota",
        message=QUOTA,
    )
    staged.deploy("blue")
    with pytest.raises(HttpResponseError, match="Not enough quota") as raised:
        staged.deploy("green")
    assert raised.value.status_code == 400
    notes = raised.value.response.json()["error"]["additionalInfo"]
    inner = next(note["info"]["value"] for note in notes if note["type"] == "InnerError")
    assert inner == {
        "code": "BadArgument",
        "innerError": {"code": "OutOfQuota", "innerError": None},
    }
    with pytest.raises(ResourceNotFoundError):
        state(staged, "green")


def test_a_new_deployment_can_be_missing_for_some_reads(staged: Served) -> None:
    """It exists and works, but read and list do not know it yet."""
    staged.fault(operation="Hidden.{}.green", count=2)
    staged.deploy("green", wait=False)
    with pytest.raises(ResourceNotFoundError):
        state(staged, "green")
    listed = staged.client.online_deployments.list(staged.name)
    assert [one.name for one in listed] == ["blue"]
    listed = staged.client.online_deployments.list(staged.name)
    assert [one.name for one in listed] == ["blue", "green"]


@pytest.mark.behaviour("A new deployment can be 404 for a while")
def test_a_new_deployment_can_be_missing_for_some_time(staged: Served) -> None:
    """The time counts from its creation, not from the rule."""
    staged.fault(operation="Hidden.{}.green", for_seconds=1.0)
    staged.deploy("green", wait=False)

    def found() -> bool:
        try:
            return bool(state(staged, "green"))
        except ResourceNotFoundError:
            return False

    assert not found()
    wait_until(found, timeout_seconds=5, what="the deployment")
    assert staged.control("GET", "faults")["value"][0]["hits"] >= 1


@pytest.mark.behaviour("Traffic read back can be stale")
def test_the_old_traffic_can_be_read_back_for_a_while(staged: Served) -> None:
    """The operation has ended well and the new traffic is live, but reads show the old map."""
    staged.deploy("green")
    staged.route(blue=90, green=10)
    staged.fault(operation="StaleTraffic.{}", count=3)
    poller_saw = staged.route(blue=50, green=50).traffic  # the SDK reads once at the end
    assert {name: share for name, share in poller_saw.items() if share} == {"blue": 90, "green": 10}
    seen = [staged.traffic() for _ in range(3)]
    assert seen == [{"blue": 90, "green": 10}] * 2 + [{"blue": 50, "green": 50}]


def test_traffic_that_cannot_be_set_stays_as_it_was(staged: Served) -> None:
    """The endpoint's operation fails; the state says so; a later write is taken."""
    staged.deploy("green")
    staged.fault(operation="EndpointProvisioning.{}", code="InternalServerError", message="sorry")
    with pytest.raises(HttpResponseError, match="sorry"):
        staged.route(green=100)
    endpoint = staged.client.online_endpoints.get(staged.name)
    assert endpoint.provisioning_state == "Failed"
    assert staged.traffic() == {"blue": 100}
    assert staged.score().headers["azureml-model-deployment"] == "blue"
    assert staged.route(green=100).traffic["green"] == 100


@pytest.mark.behaviour("409 although the endpoint has succeeded, on demand")
def test_a_write_can_be_refused_although_nothing_is_under_way(staged: Served) -> None:
    """409 as often as told, as the service does right after a success."""
    message = "Cannot create a deployment on an endpoint in Updating provisioning state."
    staged.fault(
        operation="OnlineDeployments.CreateOrUpdate", status=409, code="Conflict", message=message
    )
    with pytest.raises(ResourceExistsError, match="in Updating provisioning state"):
        staged.deploy("green")
    staged.deploy("green")
    assert state(staged, "green") == "Succeeded"
