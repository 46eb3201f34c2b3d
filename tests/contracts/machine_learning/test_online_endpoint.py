"""What every OnlineEndpoint keeps to, and what the official client is made to send."""

from __future__ import annotations

from typing import Any

import pytest

from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.azure_ml_endpoints import AzureOnlineEndpoint
from shared.adapters.credential import LazyCredential
from shared.domain.errors import BusyError, NotFoundError, RefusedError
from shared.domain.facts import ProvisioningState
from shared.domain.state import Subject

ONE, TWO = Subject(1, 1), Subject(2, 1)
MACHINE = "Standard_DS3_v2"


def deployed(under_test: Any, model: str, *subjects: Subject) -> Any:
    """The endpoint with these deployments, all of them at 0 %."""
    under_test.endpoint.create(model)
    facts = under_test.settled()
    for subject in subjects:
        under_test.endpoint.deploy(model, subject, MACHINE, 1)
        facts = under_test.settled()
    return facts


def test_unknown_endpoint_is_none(online_endpoint, unique: str) -> None:
    """A model without an endpoint has none, and there is nothing to deploy to or to shift."""
    assert online_endpoint.endpoint.get(unique) is None
    with pytest.raises(NotFoundError):
        online_endpoint.endpoint.deploy(unique, ONE, MACHINE, 1)
    with pytest.raises(NotFoundError):
        online_endpoint.endpoint.set_traffic(unique, {})
    online_endpoint.endpoint.delete_deployment(unique, "v1-e1")


def test_endpoint_is_created_without_traffic(online_endpoint, unique: str) -> None:
    """It takes a while; then it is there, empty, with an address; making it again is harmless."""
    endpoint = online_endpoint.endpoint
    online_endpoint.slowly()
    endpoint.create(unique)
    endpoint.create(unique)
    assert endpoint.get(unique).state is ProvisioningState.UPDATING
    assert not endpoint.get(unique).accepts_writes
    facts = online_endpoint.settled()
    assert facts.state is ProvisioningState.SUCCEEDED
    assert (facts.traffic, facts.deployments) == ({}, {})
    assert facts.scoring_uri.startswith("https://")
    endpoint.create(unique)
    assert endpoint.get(unique) == facts


def test_deployment_comes_up_at_no_traffic(online_endpoint, unique: str) -> None:
    """A deployment takes a while and gets no traffic; ordering it again is harmless."""
    endpoint = online_endpoint.endpoint
    deployed(online_endpoint, unique)
    online_endpoint.slowly()
    for _ in range(2):
        endpoint.deploy(unique, ONE, MACHINE, 1)
    assert endpoint.get(unique).deployments["v1-e1"].state is ProvisioningState.UPDATING
    facts = online_endpoint.settled()
    assert facts.deployments["v1-e1"].state is ProvisioningState.SUCCEEDED
    assert facts.traffic == {}
    endpoint.deploy(unique, ONE, MACHINE, 1)
    assert endpoint.get(unique) == facts


def test_nothing_is_written_while_an_operation_runs(online_endpoint, unique: str) -> None:
    """While the endpoint or a deployment is updating every other write has to wait."""
    endpoint = online_endpoint.endpoint
    deployed(online_endpoint, unique, ONE)
    online_endpoint.slowly()
    endpoint.deploy(unique, TWO, MACHINE, 1)
    with pytest.raises(BusyError):
        endpoint.set_traffic(unique, {"v1-e1": 100})
    online_endpoint.settled()
    endpoint.set_traffic(unique, {"v1-e1": 100})
    with pytest.raises(BusyError):
        endpoint.set_traffic(unique, {"v2-e1": 100})
    with pytest.raises(BusyError):
        endpoint.deploy(unique, Subject(3, 1), MACHINE, 1)
    with pytest.raises(BusyError):
        endpoint.delete_deployment(unique, "v2-e1")
    facts = online_endpoint.settled()
    assert facts.traffic == {"v1-e1": 100}
    assert set(facts.deployments) == {"v1-e1", "v2-e1"}


def test_old_traffic_stays_until_the_new_one_is_there(online_endpoint, unique: str) -> None:
    """Traffic is read back as it was until the operation ends, then as it was written."""
    endpoint = online_endpoint.endpoint
    deployed(online_endpoint, unique, ONE, TWO)
    online_endpoint.slowly()
    endpoint.set_traffic(unique, {"v1-e1": 100, "v2-e1": 0})
    assert endpoint.get(unique).traffic == {}
    assert online_endpoint.settled().traffic == {"v1-e1": 100}
    endpoint.set_traffic(unique, {"v1-e1": 90, "v2-e1": 10})
    assert endpoint.get(unique).traffic == {"v1-e1": 100}
    assert online_endpoint.settled().traffic == {"v1-e1": 90, "v2-e1": 10}


@pytest.mark.parametrize("traffic", [{"v9-e9": 100}, {"v1-e1": 90}])
def test_traffic_that_cannot_be_is_refused(
    online_endpoint, unique: str, traffic: dict[str, int]
) -> None:
    """Shares of deployments that are not there, or that do not add up, are refused."""
    deployed(online_endpoint, unique, ONE)
    online_endpoint.endpoint.set_traffic(unique, {"v1-e1": 100})
    online_endpoint.settled()
    # The service's own reason, which stands behind "The request is invalid.".
    with pytest.raises(RefusedError, match=r"v9-e9|90"):
        online_endpoint.endpoint.set_traffic(unique, traffic)
    assert online_endpoint.settled().traffic == {"v1-e1": 100}


def test_deployment_goes_when_it_has_no_traffic(online_endpoint, unique: str) -> None:
    """What answers callers cannot be deleted; the other one can, and twice is once."""
    endpoint = online_endpoint.endpoint
    deployed(online_endpoint, unique, ONE, TWO)
    endpoint.set_traffic(unique, {"v2-e1": 100})
    online_endpoint.settled()
    with pytest.raises(RefusedError):
        endpoint.delete_deployment(unique, "v2-e1")
    online_endpoint.slowly()
    endpoint.delete_deployment(unique, "v1-e1")
    assert endpoint.get(unique).deployments["v1-e1"].state is ProvisioningState.UPDATING
    facts = online_endpoint.settled()
    assert set(facts.deployments) == {"v2-e1"}
    assert facts.traffic == {"v2-e1": 100}
    endpoint.delete_deployment(unique, "v1-e1")
    assert online_endpoint.settled() == facts


def test_deployment_that_does_not_come_up_says_why(online_endpoint, unique: str) -> None:
    """A failed deployment gives its container's last words, gets no traffic and can be deleted."""
    endpoint = online_endpoint.endpoint
    facts = deployed(online_endpoint, unique, Subject(1, online_endpoint.broken))
    assert facts.deployments["v1-e2"].state is ProvisioningState.FAILED
    assert "ZeroDivisionError" in facts.deployments["v1-e2"].message
    with pytest.raises(RefusedError):
        endpoint.set_traffic(unique, {"v1-e2": 100})
    endpoint.delete_deployment(unique, "v1-e2")
    assert online_endpoint.settled().deployments == {}


def test_refusal_says_what_is_wrong(azure_endpoint, unique: str) -> None:
    """The service says it in the details of its error alone."""
    deployed(azure_endpoint, unique, ONE)
    with pytest.raises(RefusedError, match=r"is invalid\. \(.*v9-e1"):
        azure_endpoint.endpoint.set_traffic(unique, {"v9-e1": 100})


def test_write_of_traffic_changes_nothing_else(
    azure_endpoint, workspace: AzureMachineLearning, unique: str
) -> None:
    """A write replaces the whole endpoint: everything but the traffic is written as it was."""
    deployed(azure_endpoint, unique, ONE)
    name = azure_endpoint.endpoint.name_of(unique)
    before = workspace.client().online_endpoints.get(name)
    azure_endpoint.endpoint.set_traffic(unique, {"v1-e1": 100})
    azure_endpoint.settled()
    after = workspace.client().online_endpoints.get(name)
    assert after.auth_mode == before.auth_mode == "aad_token"
    assert after.tags == before.tags == {"noon_model": unique}
    assert after.identity.type == before.identity.type
    assert set(after.properties) == set(before.properties)
    assert after.traffic == {"v1-e1": 100}


def test_deployment_takes_many_requests_at_once(
    azure_endpoint, workspace: AzureMachineLearning, unique: str
) -> None:
    """The default of one request at a time is never left in place."""
    deployed(azure_endpoint, unique, ONE)
    deployment: Any = workspace.client().online_deployments.get(
        "v1-e1", azure_endpoint.endpoint.name_of(unique)
    )
    assert deployment.request_settings.max_concurrent_requests_per_instance > 1
    assert deployment.request_settings.request_timeout_ms == 10_000
    assert deployment.model.endswith(f"/models/{unique}/versions/1")
    assert deployment.environment.endswith("/environments/noon-serving/versions/1")


def test_conflict_of_the_service_is_only_busy(azure_endpoint, faults, unique: str) -> None:
    """A refusal right after an operation ended is not an error but the next pass's work."""
    deployed(azure_endpoint, unique, ONE)
    faults(operation="OnlineEndpoints.CreateOrUpdate", status=409)
    with pytest.raises(BusyError):
        azure_endpoint.endpoint.set_traffic(unique, {"v1-e1": 100})


def test_missing_quota_is_a_refusal(azure_endpoint, faults, unique: str) -> None:
    """Too few cores are not cured by waiting, whatever the status says."""
    deployed(azure_endpoint, unique)
    faults(operation="OnlineDeployments.CreateOrUpdate", status=409, code="OutOfQuota")
    with pytest.raises(RefusedError, match="OutOfQuota"):
        azure_endpoint.endpoint.deploy(unique, ONE, MACHINE, 1)


def test_endpoint_has_the_identity_that_was_chosen(
    azure_endpoint, workspace: AzureMachineLearning, unique: str
) -> None:
    """An endpoint reads images and models as the identity that it was given at its creation."""
    identity = (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity"
        "/userAssignedIdentities/noon-endpoints"
    )
    endpoint = AzureOnlineEndpoint(workspace, identity_id=identity)
    endpoint.create(unique)
    azure_endpoint.settled()
    endpoint.deploy(unique, ONE, MACHINE, 1)
    azure_endpoint.settled()
    endpoint.set_traffic(unique, {"v1-e1": 100})
    azure_endpoint.settled()
    kept = workspace.client().online_endpoints.get(endpoint.name_of(unique)).identity
    assert kept.type == "user_assigned"
    assert [each.resource_id for each in kept.user_assigned_identities] == [identity]


@pytest.mark.parametrize(
    "model", ["f", "flights", "a-model-with-a-very-long-name", "m" * 17 + "-x"]
)
def test_endpoint_names_are_valid_and_lasting(model: str) -> None:
    """A name fits the service's rules, is the same each time and differs between workspaces."""
    names = [
        AzureOnlineEndpoint(
            AzureMachineLearning("s", group, "w", LazyCredential()),
        ).name_of(model)
        for group in ("one", "ONE", "two")
    ]
    assert names[0] == names[1] != names[2]
    for name in names:
        assert 3 <= len(name) <= 32
        assert "--" not in name
        assert name.startswith("noon-")


def test_long_names_do_not_collide() -> None:
    """Two models whose names begin alike have two endpoints."""
    endpoint = AzureOnlineEndpoint(AzureMachineLearning("s", "g", "w", LazyCredential()))
    assert endpoint.name_of("m" * 40 + "a") != endpoint.name_of("m" * 40 + "b")
