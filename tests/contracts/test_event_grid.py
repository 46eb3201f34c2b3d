"""How events of Azure Event Grid are read; the samples are Microsoft's published ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.event_grid import parse_event
from shared.domain.errors import MalformedError
from shared.domain.events import DataLanded, RunEnded, UnknownEvent

SAMPLES = Path(__file__).parent / "events"
WORKSPACE = (
    "/subscriptions/{subscription-id}/resourceGroups/{resource-group-name}"
    "/providers/Microsoft.MachineLearningServices/workspaces/{workspace-name}"
)
RUN = "AutoML_ad912b2d-6467-4f32-a616-dbe4af6dd8fc_5"

schemas = pytest.mark.parametrize("schema", ["eventgrid", "cloudevents"])
spellings = pytest.mark.parametrize("spelled", [str, str.lower, str.upper, str.title])


def sample(schema: str, name: str) -> dict[str, Any]:
    """A published sample."""
    content: dict[str, Any] = json.loads((SAMPLES / f"{schema}.{name}.json").read_text())
    return content


def respelled(value: Any, spelled: Any) -> Any:
    """The same with all keys spelled otherwise."""
    if not isinstance(value, dict):
        return value
    return {spelled(key): respelled(item, spelled) for key, item in value.items()}


@schemas
@spellings
def test_blob_created_is_data_that_landed(schema: str, spelled: Any) -> None:
    """Container, path, size and operation are read, in either schema and any spelling."""
    event = parse_event(respelled(sample(schema, "Storage.blob_created"), spelled))
    assert event == DataLanded(
        event_id="beb21a5e-401e-002b-3749-928517060431",
        container="gaocontainer",
        path="Template1.xlsx",
        size=17555,
        api="PutBlob",
        account="jolovstorage",
    )


@schemas
@spellings
def test_run_events_are_runs_that_ended(schema: str, spelled: Any) -> None:
    """A completed run says so by its type, any other by its status."""
    for name, status in (("run_completed", "Completed"), ("run_status_changed", "failed")):
        raw = respelled(sample(schema, f"MachineLearningServices.{name}"), spelled)
        event = parse_event(raw)
        assert isinstance(event, RunEnded)
        assert (event.run_id, event.status) == (RUN, status)
        assert event.workspace.endswith("/workspaces/{workspace-name}")


@schemas
def test_other_events_are_unknown(schema: str) -> None:
    """Events that Noon has no use for are told apart, not refused."""
    for name in ("Storage.blob_deleted", "MachineLearningServices.model_deployed"):
        raw = sample(schema, name)
        kind = raw.get("eventType") or raw["type"]
        assert parse_event(raw) == UnknownEvent(raw["id"], kind, raw["subject"])


def test_event_that_the_domain_ignores_is_still_read() -> None:
    """An empty file that was only created is a fact like any other."""
    raw = sample("eventgrid", "Storage.blob_created")
    raw["data"] |= {"api": "CreateFile", "contentLength": 0}
    event = parse_event(raw)
    assert isinstance(event, DataLanded)
    assert (event.api, event.size) == ("CreateFile", 0)


def test_path_may_hold_slashes_and_anything_else() -> None:
    """The path inside the container is taken as it is."""
    raw = sample("eventgrid", "Storage.blob_created")
    raw["subject"] = "/blobServices/default/containers/landing/blobs/flights/a b/blobs/ü%20.csv"
    event = parse_event(raw)
    assert isinstance(event, DataLanded)
    assert (event.container, event.path) == ("landing", "flights/a b/blobs/ü%20.csv")


@pytest.mark.parametrize(
    ("name", "change", "named"),
    [
        ("Storage.blob_created", {"id": None}, "id must"),
        ("Storage.blob_created", {"eventType": 7}, "eventType must"),
        ("Storage.blob_created", {"topic": ""}, "topic must"),
        ("Storage.blob_created", {"subject": "/blobServices/default"}, "subject"),
        ("Storage.blob_created", {"data": []}, "data must be an object"),
        ("Storage.blob_created", {"data": {"api": "PutBlob"}}, "contentLength must"),
        (
            "Storage.blob_created",
            {"data": {"api": "PutBlob", "contentLength": -1}},
            "contentLength must",
        ),
        ("Storage.blob_created", {"data": {"contentLength": 1}}, "api must"),
        ("MachineLearningServices.run_completed", {"data": {}}, "runId must"),
        ("MachineLearningServices.run_completed", {"data": None}, "data must be an object"),
        (
            "MachineLearningServices.run_status_changed",
            {"data": {"runId": "x", "runStatus": 3}},
            "runStatus must",
        ),
    ],
)
def test_malformed_event_is_refused_by_name(name: str, change: dict[str, Any], named: str) -> None:
    """The field that cannot be understood is named."""
    with pytest.raises(MalformedError, match=named):
        parse_event(sample("eventgrid", name) | change)


@pytest.mark.parametrize("raw", [None, [], "event", 7, {}])
def test_what_is_no_event_is_refused(raw: object) -> None:
    """Anything can arrive at a webhook."""
    with pytest.raises(MalformedError):
        parse_event(raw)
