"""The real function app in the local Functions host, with telemetry on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from azure_emulator.certificates import certificate_paths
from azure_emulator.testing import (
    Azurite,
    Emulator,
    LocalProcess,
    free_port,
    listening,
    wait_until,
)

from shared.adapters.azure_state import AzureTableStateStore
from shared.adapters.azure_tables import AzureTable
from shared.adapters.credential import LazyCredential
from shared.bootstrap import STATE_TABLE, release_components
from shared.domain.state import Address, ModelState
from tests.telemetry.ingestion import Ingestion, ingesting

ROOT = Path(__file__).parents[2]
MODEL = "diabetes"
SECRET_VALUE = "271828182.845"
"""Stands in rows only."""
QUIET = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED": "true",
}
"""The exporters' own calls home."""


class Deployment:
    """What serves the model: answers rows, or says what is wrong with them and quotes them."""

    def __init__(self) -> None:
        self.status = 200
        self.traceparents: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                rows = self.rfile.read(int(self.headers["Content-Length"]))
                owner.traceparents.append(self.headers.get("traceparent", ""))
                good = b'{"predictions":[{"value":1.5}]}'
                content = good if owner.status == 200 else b'{"detail":' + rows + b"}"
                self.send_response(owner.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("azureml-model-deployment", "v7-e1")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server.server_port}/score"


@dataclass
class Watched:
    """The running app, and what arrived of it."""

    base: str
    keys: dict[str, Any]
    ingestion: Ingestion
    deployment: Deployment
    settings: dict[str, str] = field(repr=False)

    def post(self, path: str, body: object, key: str, **headers: str) -> tuple[int, Any]:
        """POST as a caller does; status and answer."""
        headers = {"Content-Type": "application/json", "x-functions-key": key, **headers}
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def key(self, function: str) -> str:
        """The function's own key."""
        return str(self.keys["functions"][function]["default"])

    def wait(self, what: str, table: str, **columns: str) -> list[dict[str, Any]]:
        """The rows of a table with these columns, once there are any."""
        wait_until(
            lambda: bool(self.ingestion.rows(table, **columns)), timeout_seconds=150, what=what
        )
        return self.ingestion.rows(table, **columns)


def settings_of(azurite: Azurite, emulator: Emulator, models: Path) -> dict[str, str]:
    """The sample's settings with the addresses of this session."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    components = ROOT / "tests" / "contracts" / "machine_learning" / "components"
    here = {
        "NOON_MODELS_DIR": str(models),
        "NOON_COMPONENTS_DIR": str(components),
        "NOON_SERVING_IMAGE": "tiny-backend:1",
        "NOON_LANDING_URL": f"{azurite.blob_url}/landing",
        "NOON_RUNS_URL": f"{azurite.blob_url}/azureml-blobstore",
        "NOON_DEAD_LETTER_URL": f"{azurite.blob_url}/dead-letters",
        "NOON_BLOB_URL": azurite.blob_url,
        "NOON_QUEUE_URL": azurite.queue_url,
        "NOON_TABLE_URL": azurite.table_url,
        "NOON_QUEUE_NAME": "telemetry-reconcile",
        "NOON_SUBSCRIPTION_ID": emulator.subscription,
        "NOON_RESOURCE_GROUP": emulator.resource_group,
        "NOON_WORKSPACE": emulator.workspace,
        "NOON_TRACED_PREDICTIONS": "1",
        "AzureWebJobsStorage": azurite.connection_string,
        "TICK_SCHEDULE": "*/10 * * * * *",
    }
    return {**sample, **here, **emulator.environment}


@contextmanager
def hosting(settings: dict[str, str], home: Path) -> Iterator[str]:
    """The function app in the local Functions host; its address."""
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(ROOT / "emulator"), **settings}
    command = [sys.executable, "-m", "azure_emulator.functions", "--home", str(home)]
    command += ["--app", str(ROOT), "--port", str(port)]
    process = LocalProcess(command, home / "host.log", environment, ROOT)
    try:
        process.wait_ready(lambda: listening(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.close()


@pytest.fixture(scope="module")
def ingestion(local_home: Path, azurite: Azurite) -> Iterator[Ingestion]:
    """A local Application Insights."""
    tls = certificate_paths(local_home)
    with ingesting(tls.certificate, tls.key) as running:
        yield running


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporters of this process call nobody else."""
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def fresh() -> Callable[[str], str]:
    """Runs a program in a process of its own, with the settings of the sample; its output."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]

    def run(program: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **sample, **QUIET},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


@pytest.fixture(scope="module")
def watched(
    azurite: Azurite,
    local_azure: Emulator,
    ingestion: Ingestion,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Watched]:
    """A model with a champion and a landed file, in an app whose telemetry is on."""
    home = tmp_path_factory.mktemp("watched")
    models = home / "models"
    models.mkdir()
    toml = (ROOT / "examples" / "diabetes" / "diabetes.toml").read_text()
    (models / f"{MODEL}.toml").write_text(toml)
    settings = {
        **settings_of(azurite, local_azure, models),
        **QUIET,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string,
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "Authorization=AAD",
        "PYTHON_ENABLE_OPENTELEMETRY": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_BLRP_SCHEDULE_DELAY": "200",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
        "TMPDIR": str(home),
    }
    deployment = Deployment()
    threading.Thread(target=deployment.server.serve_forever, args=(0.05,), daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        release_components()
        table = AzureTable(azurite.table_url, STATE_TABLE, LazyCredential())
        address = Address(deployment.url, 7, "v7-e1", serving="container")
        never = datetime(9999, 1, 1, tzinfo=UTC)
        AzureTableStateStore(table).save(
            ModelState(MODEL, datetime.now(UTC), never, address=address), ""
        )
    with hosting(settings, home) as base:
        keys = json.loads((home / "keys.json").read_text())
        yield Watched(base, keys, ingestion, deployment, settings)
    deployment.server.shutdown()
    deployment.server.server_close()
