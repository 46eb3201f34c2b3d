"""One local stack for the whole story: real processes, real data, no Azure account."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient, ContentSettings
from azure_emulator.storage import ACCOUNT_KEY
from azure_emulator.testing import free_port, wait_until

from noon.local.stack import LocalStack
from noon.local.subscriptions import WORKSPACE_ID

ROOT = Path(__file__).parents[2]
FIRST = date(2013, 1, 1)
TRAINING_SECONDS_MAX = 240.0


@dataclass
class Product:
    """The running stack as its users and its outside meet it."""

    stack: LocalStack
    models: Path

    @property
    def key(self) -> str:
        """The function key of callers."""
        return self.stack.app.function_key

    def model(self, name: str = "flights") -> dict[str, Any]:
        """What the API says of a model."""
        return self.stack.app.model(name)

    def wait(self, name: str, what: Any, seconds: float = TRAINING_SECONDS_MAX) -> dict[str, Any]:
        """The model's status once `what` holds for it."""
        found: dict[str, Any] = {}

        def there() -> bool:
            try:
                found.update(self.model(name))
            except Exception:  # the host may just be starting again
                return False
            return bool(what(found))

        text = f"{name}: {what.__doc__ or what.__name__}"
        wait_until(there, timeout_seconds=seconds, what=text)
        return found

    def decisions(self, name: str, code: str) -> list[dict[str, Any]]:
        """The newest decisions of a model that have this reason."""
        return [
            decision
            for decision in self.stack.app.model(name, "decisions", limit=200)["decisions"]
            if code in [reason["code"] for reason in decision["reasons"]]
        ]

    def put(self, path: str, content: bytes) -> None:
        """Land a file as a data supplier would."""
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        with self._landing() as container:
            container.upload_blob(
                path, content, content_settings=ContentSettings(content_md5=bytearray(digest))
            )

    def _landing(self) -> ContainerClient:
        return ContainerClient.from_container_url(
            self.stack.environment["NOON_LANDING_URL"],
            credential=ACCOUNT_KEY,
            connection_verify=self.stack.environment["REQUESTS_CA_BUNDLE"],
        )

    def jobs(self) -> dict[str, str]:
        """Every pipeline job of the workspace with its status, as Azure ML lists them."""
        listed = self.stack.azure.get(
            f"{WORKSPACE_ID}/jobs?api-version=2024-01-01-preview&listViewType=All"
        )
        assert listed is not None
        return {job["name"]: job["properties"]["status"] for job in listed["value"]}

    def traffic(self, name: str = "flights") -> dict[str, int]:
        """The traffic map of a model's endpoint, as Azure ML shows it."""
        listed = self.stack.azure.get(
            f"{WORKSPACE_ID}/onlineEndpoints?api-version=2022-02-01-preview"
        )
        assert listed is not None
        (endpoint,) = (e for e in listed["value"] if e["name"].startswith(f"noon-{name}"))
        shares: dict[str, int] = endpoint["properties"]["traffic"]
        return {deployment: share for deployment, share in shares.items() if share}

    def deployments(self, name: str = "flights") -> set[str]:
        """The deployments of a model's endpoint, as Azure ML lists them."""
        listed = self.stack.azure.get(
            f"{WORKSPACE_ID}/onlineEndpoints?api-version=2022-02-01-preview"
        )
        assert listed is not None
        (endpoint,) = (e for e in listed["value"] if e["name"].startswith(f"noon-{name}"))
        found = self.stack.azure.get(
            f"{WORKSPACE_ID}/onlineEndpoints/{endpoint['name']}/deployments"
            "?api-version=2023-04-01-preview"
        )
        assert found is not None
        return {deployment["name"] for deployment in found["value"]}

    def emulator(self, path: str, body: dict[str, Any]) -> Any:
        """Use one of the emulator's own controls."""
        context = ssl.create_default_context(cafile=self.stack.environment["REQUESTS_CA_BUNDLE"])
        return _post(f"{self.stack.addresses.emulator}{path}", body, {}, context)[1]

    def fire(self, function: str) -> None:
        """Let a timer fire, by the host's admin call."""
        keys = json.loads(self.stack.home.host_keys_file.read_text())
        url = f"{self.stack.addresses.app}/admin/functions/{function}"
        status, _ = _post(url, {"input": ""}, {"x-functions-key": keys["master"]})
        assert status == 202

    def predict(self, body: bytes, model: str = "flights") -> tuple[int, Any]:
        """POST a body as it is to the prediction function."""
        url = f"{self.stack.addresses.app}/api/models/{model}/predict"
        return _post(url, body, {"x-functions-key": self.key})


def _post(
    url: str, body: dict[str, Any] | bytes, headers: dict[str, str], context: Any = None
) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(url, data, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=120, context=context) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def flights_with_schedule(at: datetime) -> str:
    """The flights model with a slot a day at this minute of UTC."""
    text = (ROOT / "models" / "flights.toml").read_text()
    text = text.replace('"0 12 * * *"', f'"{at.minute} {at.hour} * * *"')
    return text.replace("America/New_York", "UTC")


@contextmanager
def running_product(home: Path, models: dict[str, str], **settings: str) -> Iterator[Product]:
    """A stack with these model files, in a folder and on ports of its own."""
    folder = home / "models"
    folder.mkdir()
    for name, text in models.items():
        (folder / f"{name}.toml").write_text(text)
    short = {
        "NOON_MODELS_DIR": str(folder),
        "NOON_LEASE_SECONDS": "15",
        "TICK_SCHEDULE": "* * * * * *",
    }
    ports = {name: free_port() for name in ("functions", "emulator", "blob", "queue", "table")}
    with LocalStack(home / "stack", settings=short | settings, preferred_ports=ports) as stack:
        try:
            yield Product(stack, folder)
        finally:
            _show_logs(stack)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Flights and diabetes, side by side."""
    models = {
        "flights": flights_with_schedule(datetime.now(UTC) - timedelta(hours=2)),
        "diabetes": (ROOT / "examples" / "diabetes" / "diabetes.toml").read_text(),
    }
    with running_product(tmp_path_factory.mktemp("noon"), models) as product:
        yield product


def _show_logs(stack: LocalStack) -> None:
    """The ends of the logs, which pytest shows when a test of the module failed."""
    if os.environ.get("NOON_E2E_LOGS"):
        for log in sorted(stack.home.logs.glob("*.log")):
            print(f"== {log.name}", *log.read_text(errors="replace").splitlines()[-60:], sep="\n")
