"""What the check against the SDK's REST models finds."""

from __future__ import annotations

from typing import Any

import pytest
from azure_emulator.conformance.rest_models import exchanges, problems

WORKSPACE = (
    "/subscriptions/s/resourcegroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
)
JOB = {
    "id": "/jobs/j",
    "name": "j",
    "type": "Microsoft.MachineLearningServices/workspaces/jobs",
    "systemData": {"createdAt": "2026-01-02T03:04:05.678Z", "createdByType": "Application"},
    "properties": {
        "jobType": "Command",
        "command": "true",
        "environmentId": "e",
        "inputs": {"rows": {"jobInputType": "literal", "value": "1"}},
        "status": "Running",
    },
}


def answered(**changes: Any) -> list[str]:
    """The problems of a job as it is read, with other properties."""
    body = {**JOB, "properties": {**JOB["properties"], **changes}}
    path = f"{WORKSPACE}/jobs/j"
    call = {"method": "GET", "path": path, "status": 200, "request": None, "response": body}
    return problems(call)


def test_what_the_models_know_is_no_problem() -> None:
    """An answer in the service's own words passes, whatever the case of the path."""
    assert answered() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "blue"}, "answer.properties.colour is unknown to CommandJob"),
        ({"environmentId": None}, "answer.properties.environmentId of CommandJob is missing"),
        ({"jobType": "Dance"}, "answer.properties.jobType is 'Dance'"),
        ({"status": "Dancing"}, "answer.properties.status is 'Dancing'"),
        ({"tags": {"a": 1}}, "answer.properties.tags.a is 1, not str"),
        ({"inputs": {"x": {"jobInputType": "tune"}}}, "inputs.x.jobInputType is 'tune'"),
        ({"limits": {"jobLimitsType": "Command", "timeout": 60}}, "limits.timeout is 60"),
    ],
)
def test_what_the_models_do_not_know_is_named(changes: dict[str, Any], words: str) -> None:
    """Unknown and missing fields, kinds that fall back to the base class, and wrong types."""
    found = answered(**changes)
    assert len(found) == 1
    assert words in found[0]


def test_a_call_that_no_client_makes_is_named() -> None:
    """An answer at an address that the SDK does not know helps nobody."""
    path = f"{WORKSPACE}/jobs/j/dance"
    call = {"method": "POST", "path": path, "status": 200, "request": None, "response": {}}
    assert problems(call) == ["the SDK has no such call"]


def test_a_refusal_has_the_shape_of_arm() -> None:
    """An error that the SDK could not read is found."""
    call = {"method": "GET", "path": WORKSPACE, "status": 404, "request": None}
    good = {"error": {"code": "UserError", "message": "gone", "details": []}}
    assert problems({**call, "response": good}) == []
    assert problems({**call, "response": {"error": {"colour": "blue"}}}) == [
        "answer.error.colour is unknown to ErrorDetail"
    ]


def test_the_sdk_names_its_calls() -> None:
    """The list is read from the clients, so a new SDK brings new calls by itself."""
    names = {each.name for each in exchanges()}
    assert {"Jobs.create_or_update", "OnlineDeployments.begin_update", "Runs.get_child"} <= names
