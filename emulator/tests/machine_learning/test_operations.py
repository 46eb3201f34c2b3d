"""Long-running operations on the wire, as the real service answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure_emulator.testing import Emulator

Call = Any


@pytest.fixture
def slow_call(ml_emulator: Emulator) -> Iterator[Call]:
    """Calls ARM while operations take a moment and answers carry no `retry-after-ms`."""
    pace = f"{ml_emulator.url}/_emulator/pace"
    before = requests.get(pace, timeout=5).json()
    requests.put(pace, json={"operation_seconds": 1.0, "poll_milliseconds": 0}, timeout=5)

    def call(method: str, path: str, body: object = None) -> requests.Response:
        url = (
            path if path.startswith("https:") else ml_emulator.url + ml_emulator.workspace_id + path
        )
        headers = {"authorization": "Bearer any"}
        return requests.request(method, url, json=body, headers=headers, timeout=10)

    yield call
    requests.put(pace, json=before, timeout=5)


def test_an_operation_on_an_endpoint(slow_call: Call) -> None:
    """201 also on update, two poll URLs, no Retry-After; deletion is 202 with the body null."""
    body = {"location": "local", "properties": {"authMode": "Key", "traffic": {}}}
    for state in ("Creating", "Updating"):
        made = slow_call("PUT", "/onlineEndpoints/wired", body)
        assert made.status_code == 201
        assert made.json()["properties"]["provisioningState"] == state
        assert not {"retry-after", "retry-after-ms"} & {name.lower() for name in made.headers}
        assert made.headers["x-ms-async-operation-timeout"]
        status = slow_call("GET", made.headers["Azure-AsyncOperation"]).json()
        assert status["status"] == state
        assert status["endTime"] is None
        waiting = slow_call("GET", made.headers["Location"])
        assert (waiting.status_code, waiting.json()) == (202, {})
        unsigned = made.headers["Azure-AsyncOperation"].partition("?")[0]
        assert slow_call("GET", unsigned).status_code == 403
        settled(slow_call, made)
    deleted = slow_call("DELETE", "/onlineEndpoints/wired")
    assert (deleted.status_code, deleted.text) == (202, "null")
    settled(slow_call, deleted)
    assert slow_call("GET", "/onlineEndpoints/wired").status_code == 404
    assert slow_call("DELETE", "/onlineEndpoints/wired").status_code == 204


def settled(call: Call, begun: requests.Response) -> None:
    """Wait for an operation's success on both of its URLs."""

    def succeeded() -> bool:
        status = call("GET", begun.headers["Azure-AsyncOperation"]).json()
        return bool(status["status"] == "Succeeded" and status["percentComplete"] == 100.0)

    wait_until(succeeded, what="the operation")
    result = call("GET", begun.headers["Location"])
    assert (result.status_code, result.content) == (200, b"")


def test_errors_have_the_shape_of_the_service(slow_call: Call) -> None:
    """The code is UserError even for a 404; the precise one is an inner error."""
    answer = slow_call("GET", "/jobs/nobody")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "UserError")
    inner = [info for info in error["additionalInfo"] if info["type"] == "InnerError"]
    assert inner[0]["info"]["value"]["innerError"]["code"] == "NotFound"


def test_a_child_run_has_no_properties(slow_call: Call, ml_client: Any, tiny_job: Any) -> None:
    """The SDK then looks in run history; unknown workspaces are 404."""
    ml_client.jobs.create_or_update(tiny_job("tiny-wired"))

    def children() -> list[str]:
        return [child.name for child in ml_client.jobs.list(parent_job_name="tiny-wired")]

    name = wait_until(children, what="a child")[0]
    assert slow_call("GET", f"/jobs/{name}").json()["properties"] is None
    assert slow_call("GET", "/../elsewhere/jobs/x").status_code == 404
