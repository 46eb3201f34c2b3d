"""The function app in the Functions host, over tables and files with a story in them."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure_emulator.testing import Azurite, Emulator, LocalProcess, free_port, listening

from shared.adapters.azure_blobs import AzureContainer, AzureRunFiles
from shared.adapters.azure_decisions import AzureTableDecisionLog
from shared.adapters.azure_health import AzureTableHealthWindow
from shared.adapters.azure_state import AzureTableStateStore
from shared.adapters.azure_tables import AzureTable
from shared.adapters.credential import LazyCredential
from shared.adapters.model_files import load_models
from shared.bootstrap import DECISIONS_TABLE, HEALTH_TABLE, STATE_TABLE
from tests.application.conftest import World, world_with
from tests.application.story import complete, land, running, write
from tests.builders import against

ROOT = Path(__file__).parents[2]
RUNS = "api-runs"


@dataclass(frozen=True)
class Served:
    """The running app, and the model whose story it can tell."""

    base: str
    keys: dict[str, Any]
    model: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        """What a caller with the host's default key gets."""
        key = {"x-functions-key": self.keys["host"]["default"]}
        return httpx.get(f"{self.base}{path}", headers={**key, **headers}, timeout=30)

    def post(self, path: str, body: Any, key: str) -> httpx.Response:
        """What a caller gets for a body."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"x-functions-key": key, "content-type": "application/json"}
        return httpx.post(f"{self.base}{path}", content=content, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def served(
    azurite: Azurite, local_azure: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Version 1 of a model rules, version 2 has its first share, version 3 was refused."""
    home, model = tmp_path_factory.mktemp("served"), f"m{uuid.uuid4().hex[:8]}"
    models = home / "models"
    models.mkdir()
    toml = (ROOT / "models" / "flights.toml").read_text()
    (models / f"{model}.toml").write_text(toml.replace('"flights', f'"{model}'))
    with closing(AzureContainer(f"{azurite.blob_url}/{RUNS}", LazyCredential()).client()) as runs:
        if not runs.exists():
            runs.create_container()
    live(world_of(azurite, models), model)
    settings = settings_of(azurite, local_azure, models)
    port = free_port()
    command = [sys.executable, "-m", "azure_emulator.functions", "--home", str(home)]
    command += ["--app", str(ROOT), "--port", str(port), "--cors", "http://localhost:5173"]
    process = LocalProcess(command, home / "host.log", settings, ROOT)
    try:
        process.wait_ready(lambda: listening(port))
        keys = json.loads((home / "keys.json").read_text())
        yield Served(f"http://127.0.0.1:{port}", keys, model)
    finally:
        process.close()


def settings_of(azurite: Azurite, emulator: Emulator, models: Path) -> dict[str, str]:
    """The sample's settings with the addresses of this session; nothing ticks by itself."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    here = {
        "NOON_MODELS_DIR": str(models),
        "NOON_LANDING_URL": f"{azurite.blob_url}/api-landing",
        "NOON_RUNS_URL": f"{azurite.blob_url}/{RUNS}",
        "NOON_BLOB_URL": azurite.blob_url,
        "NOON_QUEUE_URL": azurite.queue_url,
        "NOON_TABLE_URL": azurite.table_url,
        "NOON_QUEUE_NAME": f"api-{uuid.uuid4().hex[:8]}",
        "NOON_SUBSCRIPTION_ID": emulator.subscription,
        "NOON_RESOURCE_GROUP": emulator.resource_group,
        "NOON_WORKSPACE": emulator.workspace,
        "AzureWebJobsStorage": azurite.connection_string,
        "TRAINING_SCHEDULE": "0 0 0 1 1 *",
        "TICK_SCHEDULE": "0 0 0 1 1 *",
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    path = {"PYTHONPATH": str(ROOT / "emulator")}
    return {**sample, **kept, **path, **here, **emulator.environment}


def world_of(azurite: Azurite, models: Path) -> World:
    """A control plane over real tables and files, with an Azure ML in memory."""
    credential = LazyCredential()

    def table(name: str) -> AzureTable:
        return AzureTable(azurite.table_url, name, credential)

    return world_with(
        load_models(models, ""),
        datetime.now(UTC) - timedelta(hours=6),
        state=AzureTableStateStore(table(STATE_TABLE)),
        decisions=AzureTableDecisionLog(table(DECISIONS_TABLE)),
        files=AzureRunFiles(AzureContainer(f"{azurite.blob_url}/{RUNS}", credential)),
        health=AzureTableHealthWindow(table(HEALTH_TABLE)),
    )


def live(world: World, model: str) -> None:
    """Let the story happen, up to a few minutes ago."""
    land(world, "a.csv", model=model)
    world.go_on(5)
    fill(world)
    complete(world)
    world.go_on(6, step=2)
    world.clock.advance(timedelta(hours=2))
    land(world, "b.csv", model=model)
    world.go_on(4)
    complete(world, **against(1, 0.75, -0.05, -0.07, -0.03))
    world.go_on(2)
    world.clock.advance(timedelta(hours=2))
    land(world, "c.csv", model=model)
    world.go_on(4)
    fill(world)
    complete(world, **against(1, 0.7, 0.05, 0.03, 0.07))
    for _ in range(12):
        world.call(200, model)
        world.go_on(1)


def fill(world: World) -> None:
    """The running job writes what a model folder has besides metrics and sample."""
    job = running(world).job
    features = [
        {"name": "a", "kind": "number", "minimum": 0.0, "maximum": 9.5, "example": 3.0},
        {"name": "b", "kind": "category", "categories": ["x", "y"], "example": "x"},
    ]
    schema = {"schema": 1, "task": "classification", "target": "late", "classes": [False, True]}
    write(world, job, "model/schema.json", schema | {"features": features})
    write(world, job, "model/lineage.json", {"schema": 1, "code_commit": "abc123"})
