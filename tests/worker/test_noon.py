"""Noon's function app in Microsoft's own worker library.

The library declares Python 3.13 and newer. On an older Python it is installed against that
declaration, which Microsoft does not support; only what these tests touch is known to work there.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from tests.function_app.test_layout import FUNCTIONS

if TYPE_CHECKING:
    from azure_emulator.testing import Azurite

    from .conftest import Worker

ROOT = Path(__file__).parents[2]
MODELS = sorted(path.stem for path in (ROOT / "models").glob("*.toml"))
TIMER = {"json": json.dumps({"Schedule": {}, "ScheduleStatus": None, "IsPastDue": False})}


@pytest.fixture
def noon(
    worker_environment: None, noon_settings: dict[str, str], make_worker: type[Worker]
) -> Worker:
    """Give Noon's own function app."""
    return make_worker(ROOT, noon_settings)


@pytest.fixture
def woken(azurite: Azurite, noon_settings: dict[str, str]) -> QueueClient:
    """Give the queue that triggers write to."""
    client = QueueClient.from_connection_string(
        azurite.connection_string,
        noon_settings["NOON_QUEUE_NAME"],
        connection_verify=str(azurite.tls.bundle),
    )
    with suppress(ResourceExistsError):
        client.create_queue()
    client.clear_messages()
    return client


def test_the_worker_finds_every_function(noon: Worker) -> None:
    """The package wins over the marker, and each function has its trigger."""
    answer = noon.run()
    assert {name: each["type"] for name, each in answer["functions"].items()} == FUNCTIONS


def test_the_worker_answers_health(noon: Worker) -> None:
    """200 with a JSON body."""
    request = {"method": "GET", "url": "http://localhost:7071/api/health"}
    (run,) = noon.run({"function": "health", "data": {"http": request}})["runs"]
    assert (run["status"], json.loads(run["body"])) == (200, {"status": "ok"})
    assert run["headers"]["content-type"] == "application/json"


def test_the_timer_at_noon_wakes_every_model(noon: Worker, woken: QueueClient) -> None:
    """One message a model, written by identity, base64 as the queue trigger wants it."""
    (run,) = noon.run({"function": "daily_training", "data": TIMER})["runs"]
    assert run == {"succeeded": True, "text": ""}
    messages = [json.loads(base64.b64decode(each.content)) for each in woken.receive_messages()]
    assert sorted(message["model"] for message in messages) == MODELS
    assert {message["cause"] for message in messages} == {"daily_training"}


def test_the_queue_function_takes_an_unreadable_message(noon: Worker) -> None:
    """It ends well: five raises would be poison, and trying again makes it no better."""
    message: dict[str, Any] = {
        "function": "reconcile",
        "data": {"string": "not a message"},
        "metadata": {"Id": "1", "DequeueCount": "1", "PopReceipt": "p"},
    }
    (run,) = noon.run(message)["runs"]
    assert run["succeeded"], run


def test_wrong_settings_stop_the_app_by_name(
    noon: Worker, noon_settings: dict[str, str], make_worker: type[Worker]
) -> None:
    """The worker reports the failure at start, so that the host shows it."""
    broken = make_worker(ROOT, {**noon_settings, "NOON_TABLE_URL": "http://plain"})
    assert "NOON_TABLE_URL" in broken.run()["error"]
