"""Apps that are not ours, and apps whose author is still writing."""

import shutil
from typing import TYPE_CHECKING

import httpx
import pytest
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import RunningHost, StartHost

APP = "quickstart"
EVENT = {
    "id": "1",
    "eventType": "Example",
    "subject": "here",
    "eventTime": "2026-11-23T12:00:00Z",
    "data": {},
    "dataVersion": "1",
}


@pytest.mark.behaviour("The Functions host serves an app of one file with a blueprint")
def test_an_app_of_one_file_is_served(start_functions_host: "StartHost") -> None:
    """Its routes, its blueprint's, and its webhook with the system key."""
    host = start_functions_host(APP)
    assert httpx.get(f"{host.url}/api/HttpExample?name=Ada").text == "Hello, Ada."
    assert httpx.get(f"{host.url}/api/HttpExample").status_code == 400
    # The blueprint's function asks for a key: its level is not the app's.
    key = {"x-functions-key": host.keys["host"]["default"]}
    assert httpx.get(f"{host.url}/api/reports", headers=key).text == "today"
    assert httpx.get(f"{host.url}/api/reports/friday", headers=key).text == "friday"
    hook = f"{host.url}/runtime/webhooks/EventGrid?functionName=EventGridExample"
    headers = {"aeg-event-type": "Notification"}
    assert httpx.post(hook, json=[EVENT], headers=headers).status_code == 401
    code = host.keys["system"]["eventgrid_extension"]
    answer = httpx.post(f"{hook}&code={code}", json=[EVENT], headers=headers)
    assert answer.status_code == 202
    (run,) = host.invocations("EventGridExample")
    assert run["outcome"] == "succeeded"
    assert run["duration_ms"] > 0


def says(host: "RunningHost", text: str) -> bool:
    """Tell whether the greeting is this one."""
    try:
        return httpx.get(f"{host.url}/api/HttpExample?name=Ada").text == text
    except httpx.HTTPError:
        return False


def test_a_change_of_the_app_starts_it_again(
    start_functions_host: "StartHost", tmp_path: "Path"
) -> None:
    """Also after a version that could not start, which says why."""
    app = tmp_path / "app"
    shutil.copytree(_source(), app, ignore=shutil.ignore_patterns("__pycache__"))
    host = start_functions_host(app, "--reload", home=app / ".home")
    main = app / "function_app.py"
    first = main.read_text()
    assert says(host, "Hello, Ada.")
    main.write_text(first.replace("Hello, {name}", "Good day, {name}"))
    wait_until(lambda: says(host, "Good day, Ada."), what="the second version")
    main.write_text(first + "\nother = func.FunctionApp()\n")
    wait_until(
        lambda: "exactly one FunctionApp" in host.process.log.read_text(), what="the refusal"
    )
    main.write_text(first)
    wait_until(lambda: says(host, "Hello, Ada."), what="the first version again")
    assert "Changed: function_app.py. Starting again." in host.process.log.read_text()


def _source() -> "Path":
    from pathlib import Path

    return Path(__file__).parent / "apps" / APP
