"""The local Functions host and Microsoft's worker library, side by side over the same app."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from azure_emulator.testing import LocalProcess, free_port, listening

if TYPE_CHECKING:
    from .conftest import Worker

APP = Path(__file__).parents[2] / "emulator" / "tests" / "functions" / "apps" / "web"
EVENT = {
    "id": "1",
    "topic": "/subscriptions/s",
    "subject": "s",
    "eventType": "Some.Thing",
    "eventTime": "2026-11-23T12:00:00.1234567Z",
    "data": {"a": 1},
    "dataVersion": "",
}
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "2",
    "source": "/s",
    "type": "Some.Thing",
    "data": {"a": 2},
}
FAILING_EVENT = {**EVENT, "id": "3", "data": {"fail": True}}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file in which the app notes events."""
    return tmp_path_factory.mktemp("records") / "records.jsonl"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, records: Path) -> Iterator[tuple[str, Path]]:
    """Give the address of the local host and its home folder."""
    home = tmp_path_factory.mktemp("host")
    port = free_port()
    command = [sys.executable, "-m", "azure_emulator.functions", "--home", str(home)]
    command += ["--app", str(APP), "--port", str(port)]
    environment = {**os.environ, "RECORDS": str(records), "PYTHONPATH": "emulator"}
    process = LocalProcess(command, home / "host.log", environment)
    process.wait_ready(lambda: listening(port))
    yield f"http://localhost:{port}", home
    process.close()


@pytest.fixture
def web(worker_environment: None, records: Path, make_worker: type[Worker]) -> Worker:
    """Give the same app in the worker library."""
    return make_worker(APP, {"RECORDS": str(records), "GREETING": "from the file"})


def request(host: str, path: str, **parts: Any) -> dict[str, Any]:
    """Return an HTTP trigger's data as the host sends it."""
    return {"http": {"method": "GET", "url": f"{host}{path}", **parts}}


def test_both_find_the_same_functions(host: tuple[str, Path], web: Worker) -> None:
    """Names, triggers, routes and levels."""
    url, home = host
    master = json.loads((home / "keys.json").read_text())["master"]
    listed = httpx.get(f"{url}/admin/functions", headers={"x-functions-key": master}).json()
    mine = {each["name"]: _trigger(each["config"]["bindings"]) for each in listed}
    assert mine == web.run()["functions"]


def test_a_function_sees_the_same_request(host: tuple[str, Path], web: Worker) -> None:
    """URL, query, route parameters and body, and its answer comes out alike."""
    url, _ = host
    path = "/api/echo/x/7?a=1"
    mine = httpx.post(url + path, content=b"hello")
    data = request(url, path, body="hello", query={"a": "1"}, params={"name": "x", "number": "7"})
    data["http"]["method"] = "POST"
    (theirs,) = web.run({"function": "echo", "data": data})["runs"]
    assert theirs["status"] == mine.status_code
    assert theirs["headers"]["content-type"] == mine.headers["content-type"]
    seen, expected = mine.json(), json.loads(theirs["body"])
    for name in ("headers", "traceparent"):
        seen.pop(name)
        expected.pop(name)
    assert seen == expected


def test_both_fail_where_the_other_fails(host: tuple[str, Path], web: Worker) -> None:
    """An exception and an answer that cannot be encoded."""
    url, _ = host
    runs = web.run(
        {"function": "boom", "data": request(url, "/api/boom")},
        {"function": "nothing", "data": request(url, "/api/nothing")},
    )["runs"]
    assert [run["succeeded"] for run in runs] == [False, False]
    paths = ("/api/boom", "/api/nothing")
    assert [httpx.get(url + path).status_code for path in paths] == [500, 500]


def test_an_event_is_the_same_object_in_both(
    host: tuple[str, Path], web: Worker, records: Path
) -> None:
    """CloudEvent or EventGridEvent, by its content; a failure fails in both."""
    url, home = host
    key = json.loads((home / "keys.json").read_text())["system"]["eventgrid_extension"]
    events = (EVENT, CLOUD_EVENT, FAILING_EVENT)
    statuses = [
        httpx.post(
            f"{url}/runtime/webhooks/EventGrid",
            params={"functionName": "landed", "code": key},
            headers={"aeg-event-type": "Notification"},
            json=event,
        ).status_code
        for event in events
    ]
    mine = records.read_text().splitlines()
    records.unlink()
    runs = web.run(
        *({"function": "landed", "data": {"json": json.dumps(event)}} for event in events)
    )["runs"]
    assert statuses == [202, 202, 500]
    assert [run["succeeded"] for run in runs] == [True, True, False]
    assert records.read_text().splitlines() == mine


def _trigger(bindings: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [each for each in bindings if each["type"].endswith("Trigger")]
    return found
