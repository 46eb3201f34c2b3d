"""What stops a host at start: each refusal names what to change."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from azure_emulator.testing import free_port

PACKAGES = Path(__file__).parents[2]
HOST_JSON = '{"version": "2.0"}'
HEAD = "import azure.functions as func\napp = func.FunctionApp()\n"
ROUTE = HEAD + '@app.route("{}")\ndef one(req: func.HttpRequest) -> str:\n    return ""\n'
TIMER = HEAD + (
    '@app.timer_trigger(schedule="{}", arg_name="timer")\n'
    "def one(timer: func.TimerRequest) -> None: ...\n"
)


def refusal(
    folder: Path,
    code: str | None,
    host_json: str | None = HOST_JSON,
    port: int | None = None,
    **extra: str,
) -> str:
    """Start a host on an app that must be refused and return what it said."""
    app = folder / "app"
    (app / "function_app").mkdir(parents=True)
    if host_json is not None:
        (app / "host.json").write_text(host_json)
    if code is not None:
        (app / "function_app.py").write_text('"""Marker."""')
        (app / "function_app" / "__init__.py").write_text(code)
    command = [sys.executable, "-m", "azure_emulator.functions", "--home", str(folder / "home")]
    command += ["--app", str(app), "--port", str(port or free_port())]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGES), **extra}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "function_app.py is missing"),
        ("import azure.functions as func\n", "exactly one FunctionApp at the top level, found 0"),
        (HEAD + "other = func.FunctionApp()\n", "found 2"),
        (ROUTE.format("/{*route}"), "'api//{*route}' holds '//'"),
        (ROUTE.format("admin/x"), "conflicts with the host's own routes"),
        (ROUTE.format("runtimes"), "conflicts with the host's own routes"),
        (ROUTE.format("{id:float}"), "does not support the route constraint 'float'"),
        (ROUTE.format("{id}/{id}"), "appears twice"),
        (
            ROUTE.format("same")
            + '@app.route("Same", methods=["GET"])\ndef two(req: func.HttpRequest) -> str: ...\n',
            "function 'two': the route 'api/Same' is taken by 'one'",
        ),
        (TIMER.format("%NOWHERE%"), "function 'one': the app setting 'NOWHERE' is missing"),
        (TIMER.format("0 0 25 * * *"), "bad hour '25'"),
        (
            HEAD
            + '@app.blob_trigger(arg_name="b", path="x/y", connection="")\n'
            + "def one(b: func.InputStream) -> None: ...\n",
            "does not support the trigger 'blobTrigger'",
        ),
        (
            ROUTE.format("x").replace("req: func.HttpRequest", "req: func.HttpRequest, more: str"),
            "declared in Python but not as a binding: more",
        ),
        (
            ROUTE.format("x").replace("req: func.HttpRequest", "req: func.QueueMessage"),
            "does not match the binding 'httpTrigger'",
        ),
        (
            HEAD
            + '@app.queue_trigger(arg_name="m", queue_name="q", connection="Elsewhere")\n'
            + "def one(m: func.QueueMessage) -> None: ...\n",
            "the app setting 'Elsewhere' is missing",
        ),
    ],
)
def test_an_app_that_azure_would_not_run_is_refused(
    tmp_path: Path, code: str | None, said: str
) -> None:
    """The host ends with code 1 and one line that names the cause."""
    message = refusal(tmp_path, code, AzureWebJobsStorage="UseDevelopmentStorage=true")
    assert said in message


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """Before the app is loaded, so that no timer fires in a host that nobody can reach."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        message = refusal(tmp_path, "raise RuntimeError('loaded')", port=port)
    assert f"port {port}" in message


def test_a_folder_without_host_json_is_refused(tmp_path: Path) -> None:
    """It is not the root of a function app."""
    assert "host.json is missing" in refusal(tmp_path, HEAD, host_json=None)


def test_a_broken_host_json_is_refused(tmp_path: Path) -> None:
    """The value is named."""
    broken = '{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}'
    assert "batchSize must be between 1 and 32" in refusal(tmp_path, HEAD, host_json=broken)


def test_a_timer_needs_the_host_storage(tmp_path: Path) -> None:
    """Azure keeps its singleton lock there."""
    message = refusal(tmp_path, TIMER.format("0 * * * * *"))
    assert "AzureWebJobsStorage" in message
