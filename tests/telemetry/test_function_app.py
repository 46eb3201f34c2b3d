"""What the real function app, in the local Functions host, sends over the real exporter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
from azure.storage.blob import ContainerClient
from azure_emulator.storage import ACCOUNT_KEY
from azure_emulator.testing import Azurite, Emulator, wait_until

from shared.domain.signals import Dimension, Log, Metric, Span

if TYPE_CHECKING:
    from .conftest import Watched

MODEL = "diabetes"
SECRET_VALUE = "271828182.845"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
GAUGES = (Metric.SLOT_AGE, Metric.SLOT_OVERDUE, Metric.TRAINING_AGE, Metric.POISON)


def test_an_order_is_one_trace_from_its_caller_to_its_job(
    watched: Watched, azurite: Azurite, local_azure: Emulator
) -> None:
    """HTTP call, order, message, pass, calls of Azure ML and the job's tag: one trace id."""
    _land(azurite)
    status, answer = watched.post(
        f"/api/models/{MODEL}/train",
        {"because": "to see the trace", "who": "ada"},
        watched.key("train"),
        traceparent=f"00-{TRACE}-{CALLER}-01",
    )
    assert status == 202, answer
    (submit,) = watched.wait("the submission", "dependencies", name="jobs.submit")
    assert submit["operation_Id"] == TRACE
    assert submit["target"] == "Azure Machine Learning"
    job = submit["customDimensions"][Dimension.JOB]
    tags = _job_tags(local_azure, job)
    assert tags["traceparent"] == f"00-{TRACE}-{submit['id']}-01"
    chain = _ancestors(watched, submit)
    names = [row["name"] for row in chain]
    assert names[-2:] == [Span.SEND, Span.ORDER], names
    assert chain[-1]["operation_ParentId"] == CALLER
    order = chain[-1]["customDimensions"]
    assert (order[Dimension.MODEL], order[Dimension.VERB]) == (MODEL, "train")
    assert order[Dimension.ORDER] == answer["order_id"]
    (line,) = watched.wait("the order's line", "traces", operation_Id=TRACE, message=_order_line())
    assert line["customDimensions"][Dimension.WHO] == "ada"


def _order_line() -> str:
    return f"{MODEL}: train ordered by ada: to see the trace"


def test_a_decision_is_a_span_a_line_and_a_count_with_the_same_id(watched: Watched) -> None:
    """Whoever has one of them finds the others, and `noon why` takes the id."""
    (submit,) = watched.wait("the submission", "dependencies", name="jobs.submit")
    reconcile = _parent(watched, submit)
    assert reconcile["name"] == Span.RECONCILE
    decided = reconcile["customDimensions"]
    assert decided[Dimension.KIND] == "acted"
    lines = watched.wait("its line", "traces", operation_ParentId=reconcile["id"])
    (line,) = (each for each in lines if each["customDimensions"][Dimension.LOG] == Log.DECISION)
    assert line["customDimensions"][Dimension.DECISION] == decided[Dimension.DECISION]
    assert line["operation_Id"] == reconcile["operation_Id"]
    assert line["customDimensions"][Dimension.JOB] == submit["customDimensions"][Dimension.JOB]
    counted = watched.wait("a count", "customMetrics", name=Metric.DECISIONS)
    reasons = {row["customDimensions"][Dimension.REASON] for row in counted}
    assert decided[Dimension.REASON] in reasons
    assert watched.wait("a message's age", "customMetrics", name=Metric.MESSAGE_AGE)


def test_an_event_is_the_root_of_its_trace(watched: Watched) -> None:
    """What Event Grid delivers leads to a message and a pass in one trace."""
    event = {
        "id": "event-of-the-trace",
        "topic": f"{watched.settings['NOON_SUBSCRIPTION_ID']}",
        "subject": "/blobServices/default/containers/landing/blobs/diabetes/trace.csv",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-11-23T12:00:00Z",
        "data": {
            "api": "PutBlob",
            "contentLength": 12,
            "blobType": "BlockBlob",
            "url": f"{watched.settings['NOON_LANDING_URL']}/diabetes/trace.csv",
        },
        "dataVersion": "",
        "metadataVersion": "1",
    }
    hook = "/runtime/webhooks/EventGrid?functionName=data_landed"
    key = watched.keys["system"]["eventgrid_extension"]
    status, _ = watched.post(
        f"{hook}&code={key}", [event], key, **{"aeg-event-type": "Notification"}
    )
    assert status == 202
    (root,) = watched.wait("the event's span", "dependencies", name=Span.EVENT)
    assert root["operation_ParentId"] == ""
    assert root["customDimensions"][Dimension.EVENT] == "event-of-the-trace"
    trace = root["operation_Id"]
    (taken,) = watched.wait("its pass", "requests", operation_Id=trace)
    assert _parent(watched, taken)["name"] == Span.SEND
    assert taken["customDimensions"][Dimension.CAUSE].startswith("landing ")


def test_predictions_are_counted_by_deployment_and_outcome(watched: Watched) -> None:
    """Each is in a distribution; those that are traced carry their trace to the deployment."""
    path, rows = f"/api/models/{MODEL}/predict", {"rows": [{"bmi": float(SECRET_VALUE)}]}
    asked = [200, 200, 500, 422]
    for status in asked:
        watched.deployment.status = status
        assert watched.post(path, rows, watched.key("predict"))[0] == status
    wanted = {"answered": 2, "failed": 1, "refused": 1}

    def counts() -> dict[str, int]:
        found: dict[str, int] = {}
        for row in watched.ingestion.rows("customMetrics", name=Metric.PREDICTION_DURATION):
            dimensions = row["customDimensions"]
            assert dimensions[Dimension.DEPLOYMENT] == "v7-e1"
            outcome = dimensions[Dimension.OUTCOME]
            found[outcome] = found.get(outcome, 0) + row["valueCount"]
            assert 0 < row["valueMin"] <= row["valueMax"]
        return found

    wait_until(lambda: counts() == wanted, timeout_seconds=150, what=str(wanted))
    watched.wait("a question", "dependencies", name=Span.SCORE)
    wait_until(
        lambda: len(watched.ingestion.rows("dependencies", name=Span.SCORE)) == len(asked),
        timeout_seconds=150,
    )
    scored = watched.ingestion.rows("dependencies", name=Span.SCORE)
    assert {f"00-{each['operation_Id']}-{each['id']}-01" for each in scored} == set(
        watched.deployment.traceparents
    )
    (failed,) = watched.wait(
        "the failure's line", "traces", severityLevel=_warning(), message=_failure()
    )
    assert failed["customDimensions"][Dimension.STATUS] == "500"


def _warning() -> Any:
    return 2


def _failure() -> str:
    return f"{MODEL}: v7-e1 answered, status 500"


@pytest.mark.parametrize("metric", GAUGES)
def test_the_tick_shows_how_every_model_stands(watched: Watched, metric: Metric) -> None:
    """Gauges come from the tick; nobody else reports them."""
    rows = watched.wait(metric, "customMetrics", name=metric)
    assert len({row["cloud_RoleInstance"] for row in rows}) == 1
    if metric is not Metric.POISON:
        assert {row["customDimensions"][Dimension.MODEL] for row in rows} == {MODEL}


def test_telemetry_is_sent_by_identity(watched: Watched) -> None:
    """The exporter shows a token of the app's identity, since keys are switched off in Azure."""
    wait_until(lambda: bool(watched.ingestion.tokens), timeout_seconds=150, what="a transmission")
    assert all(token.startswith("Bearer ") for token in watched.ingestion.tokens)


def test_no_value_of_a_row_and_no_key_is_in_telemetry(watched: Watched) -> None:
    """Everything that was sent is searched for what was sent in: values, keys, tokens."""
    sent = b"\n".join(watched.ingestion.raw)
    bodies = re.sub(rb"(?m)^Authorization: .*$", b"", sent)
    assert Metric.PREDICTION_DURATION.encode() in bodies
    secrets = [SECRET_VALUE, ACCOUNT_KEY, *_leaves(watched.keys)]
    secrets += [token.removeprefix("Bearer ") for token in set(watched.ingestion.tokens)]
    assert len(secrets) > 10
    assert [secret for secret in secrets if secret.encode() in bodies] == []


def _leaves(tree: Any) -> list[str]:
    return (
        [each for value in tree.values() for each in _leaves(value)]
        if isinstance(tree, dict)
        else [str(tree)]
    )


def _parent(watched: Watched, row: dict[str, Any]) -> dict[str, Any]:
    """The span that this one is below."""
    above = row["operation_ParentId"]

    def found() -> list[dict[str, Any]]:
        return [
            *watched.ingestion.rows("requests", id=above),
            *watched.ingestion.rows("dependencies", id=above),
        ]

    wait_until(lambda: bool(found()), timeout_seconds=150, what=f"the span {above}")
    return found()[0]


def _ancestors(watched: Watched, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The spans above this one, nearest first, up to the first that is ours."""
    above: list[dict[str, Any]] = []
    while row["operation_ParentId"] not in ("", CALLER):
        row = _parent(watched, row)
        above.append(row)
    return above


def _job_tags(emulator: Emulator, job: str) -> dict[str, str]:
    names = (emulator.subscription, emulator.resource_group, emulator.workspace)
    client = MLClient(DefaultAzureCredential(), *names)
    return dict(client.jobs.get(job).tags)


def _land(azurite: Azurite) -> None:
    content = f"day,bmi\n2026-01-01,{SECRET_VALUE}\n".encode()
    with ContainerClient.from_container_url(
        f"{azurite.blob_url}/landing",
        credential=ACCOUNT_KEY,
        connection_verify=str(azurite.tls.bundle),
    ) as container:
        container.upload_blob(f"{MODEL}/day.csv", content)
