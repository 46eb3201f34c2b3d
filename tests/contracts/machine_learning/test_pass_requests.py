"""What a pass of the app, as it is composed, sends over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure_emulator.testing import Azurite, Emulator, wait_until

from shared.adapters.azure_blobs import AzureContainer, AzureRunFiles
from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.credential import LazyCredential
from shared.application.intake import tick
from shared.application.plane import ControlPlane
from shared.application.reconcile import reconcile
from shared.bootstrap import runtime
from shared.domain.decision import Decision, Kind
from shared.domain.events import Message
from shared.domain.facts import EndpointFacts, Release
from shared.domain.health import Counts, HealthRow
from shared.domain.places import output_path
from shared.domain.state import Champion, ModelState, Phase, Rollout, Score, Subject, Version

MODEL = "flights"
SHARES = {"v1-e1": 90, "v2-e1": 10}
MINUTE = timedelta(minutes=1)
LOOK_AT_ENDPOINT = 3
"""Requests: the client lists the deployments for their names, and we for their states."""


@pytest.fixture(scope="module")
def plane(
    azurite: Azurite, local_azure: Emulator, credential: LazyCredential
) -> Iterator[ControlPlane]:
    """The control plane as the function app builds it."""
    settings = {
        "SUBSCRIPTION_ID": local_azure.subscription,
        "RESOURCE_GROUP": local_azure.resource_group,
        "WORKSPACE": local_azure.workspace,
        "LANDING_URL": f"{azurite.blob_url}/landing",
        "RUNS_URL": f"{azurite.blob_url}/azureml-blobstore",
        "BLOB_URL": azurite.blob_url,
        "QUEUE_URL": azurite.queue_url,
        "TABLE_URL": azurite.table_url,
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in settings.items():
            environment.setenv(f"NOON_{name}", value)
        runtime.cache_clear()
        yield runtime().plane
        runtime.cache_clear()


def version(number: int) -> Version:
    """A version that a job made long ago."""
    score = Score("roc_auc", True, 0.75, 0.01, 0.03, "baseline prior", 1000, 1200, 200)
    return Version(number, f"{MODEL}-data-{number}-a1", datetime.now(UTC), score)


def at_rest() -> ModelState:
    """Version 1 rules and nothing is due."""
    now = datetime.now(UTC)
    return ModelState(
        MODEL,
        created_at=now,
        next_due_at=now + timedelta(hours=1),
        last_slot_at=now,
        listed_at=now,
        champion=Champion(version(1), 1, now),
    )


def saved(plane: ControlPlane, state: ModelState) -> None:
    """The state is what the model wishes, whatever was before."""
    plane.ports.state.save(state, plane.ports.state.load(MODEL).etag)


@pytest.fixture(scope="module")
def canary(
    plane: ControlPlane,
    contract_release: Release,
    run_container: AzureContainer,
    workspace: AzureMachineLearning,
) -> Iterator[EndpointFacts]:
    """Two versions are deployed, one of them with a tenth of the traffic."""
    endpoint = plane.ports.endpoint

    def settled() -> EndpointFacts:
        def look() -> EndpointFacts | None:
            facts = endpoint.get(MODEL)
            return facts if facts and facts.accepts_writes else None

        facts = wait_until(look, what="the end of the operation")
        assert facts
        return facts

    endpoint.create(MODEL)
    settled()
    for number in (1, 2):
        each = version(number)
        path = output_path(each.job, "model", "schema.json")
        AzureRunFiles(run_container).write_once(path, b"{}")
        plane.ports.registry.register(MODEL, each, {})
        endpoint.deploy(MODEL, Subject(number, 1), "Standard_DS3_v2", 1)
        settled()
    endpoint.set_traffic(MODEL, SHARES)
    facts = settled()
    yield facts
    workspace.client().online_endpoints.begin_delete(facts.name)


def passed(plane: ControlPlane, cause: str) -> Decision:
    """One message is worked off."""
    return reconcile(plane.ports, plane.models[MODEL], Message(MODEL, cause))


def told(what: str, sent: list[str]) -> Counter[str]:
    """Print the figures, for whoever wants to see them."""
    counts = Counter(request.split()[1] for request in sent)
    print(f"{what}: {len(sent)} requests: {dict(counts)}: {sent}")
    return counts


@pytest.mark.parametrize("cause", ["tick", "run flights-slot-1-a1 Completed"])
def test_nothing_due_is_two_requests(plane: ControlPlane, requests_sent, cause: str) -> None:
    """With nothing due a message costs two requests to tables, and none to Azure ML."""
    saved(plane, at_rest())
    passed(plane, cause)
    with requests_sent() as sent:
        decision = passed(plane, cause)
    assert decision.kind is Kind.DUPLICATE
    assert told(f"nothing due, {cause}", sent) == {"table": 2}


def test_idle_tick_is_one_request(plane: ControlPlane, requests_sent) -> None:
    """A tick asks once for all models together; the first of a day lets old decisions go too."""
    for model in plane.models:
        etag = plane.ports.state.load(model).etag
        plane.ports.state.save(replace(at_rest(), model=model), etag)
    tick(plane)
    with requests_sent() as sent:
        assert tick(plane) == []
    assert told("idle tick", sent) == {"table": 1}


def test_soaking_pass_is_six_requests(
    plane: ControlPlane, canary: EndpointFacts, requests_sent
) -> None:
    """While a step soaks a pass reads and records: three to tables, three to Azure ML."""
    assert canary.traffic == SHARES
    now = datetime.now(UTC)
    rollout = Rollout(
        version(2), 1, Phase.CANARY, now - 3 * MINUTE, now, soaking_since=now - 2 * MINUTE
    )
    saved(plane, replace(at_rest(), next_due_at=now, rollout=rollout))
    rows = [
        HealthRow(name, "p1", now - MINUTE, Counts(share, 0, 0, (share,)))
        for name, share in SHARES.items()
    ]
    plane.ports.health.write(MODEL, rows)
    passed(plane, "tick")
    with requests_sent() as sent:
        decision = passed(plane, "tick")
    counts = told("soaking pass", sent)
    assert decision.kind is Kind.HELD
    assert decision.facts["check"] == "no_data"
    assert counts == {"table": 3, "azure": LOOK_AT_ENDPOINT}
    before = plane.ports.state.load(MODEL)
    with requests_sent() as sent:
        passed(plane, "resume o1")
    assert told("soaking pass after an order that was taken in", sent).total() == 6
    assert plane.ports.state.load(MODEL).etag == before.etag


def test_pass_that_changes_something_takes_the_lease_once(
    plane: ControlPlane, canary: EndpointFacts, requests_sent
) -> None:
    """Taking the lease and giving it back are two requests: a quick pass need not renew it."""
    assert canary.traffic == SHARES
    now = datetime.now(UTC)
    rollout = Rollout(version(2), 1, Phase.CANARY, now - MINUTE, now)
    saved(plane, replace(at_rest(), next_due_at=now, rollout=rollout))
    with plane.ports.lease.hold(MODEL):
        """The first use makes what is missing."""
    with requests_sent() as sent:
        decision = passed(plane, "tick")
    assert [reason.code for reason in decision.reasons] == ["nothing_due", "step_begun"]
    assert told("a step begins", sent) == {
        "table": 3,
        "azure": LOOK_AT_ENDPOINT,
        "blob": 2,
    }
