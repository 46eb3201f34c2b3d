"""Alerts and events through the real function app: host, key, queue, table, GitHub and topic."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure_emulator.testing import Azurite, Emulator, wait_until

from shared.adapters.azure_decisions import AzureTableDecisionLog
from shared.adapters.azure_notices import AzureNoticeQueue
from shared.adapters.azure_tables import AzureTable
from shared.adapters.credential import LazyCredential
from shared.bootstrap import DECISIONS_TABLE
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.notices import notice_of
from tests.application.telling import alert, guid
from tests.contracts.github_server import APP_ID, INSTALLATION_ID, REPOSITORY, Fault, GitHub, served
from tests.contracts.topic_server import Topic, topic_served
from tests.telemetry.conftest import hosting, settings_of

ROOT = Path(__file__).parents[2]
MODEL, NOTICES = "diabetes", "alerts-notices"


@dataclass
class App:
    """The running app, and whom it tells."""

    base: str
    key: str
    github: GitHub
    topic: Topic

    def call(self, path: str, body: object = None, key: str | None = None) -> tuple[int, Any]:
        """A request with the function's key, unless another is given; status and answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "x-functions-key": key or self.key}
        request = urllib.request.Request(f"{self.base}/api/{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")


@pytest.fixture(scope="module")
def app(
    azurite: Azurite, local_azure: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """The app with a repository and a topic; no timer fires."""
    home = tmp_path_factory.mktemp("alerts")
    (home / "models").mkdir()
    toml = (ROOT / "examples" / MODEL / f"{MODEL}.toml").read_text()
    (home / "models" / f"{MODEL}.toml").write_text(toml)
    with served() as github, topic_served(azurite.tls) as topic:
        settings = {
            **settings_of(azurite, local_azure, home / "models"),
            "NOON_QUEUE_NAME": "alerts-reconcile",
            "NOON_NOTICES_QUEUE_NAME": NOTICES,
            "NOON_GITHUB_REPOSITORY": REPOSITORY,
            "NOON_GITHUB_API_URL": github.url,
            "NOON_GITHUB_APP_ID": APP_ID,
            "NOON_GITHUB_INSTALLATION_ID": str(INSTALLATION_ID),
            "NOON_GITHUB_PRIVATE_KEY": github.private_key.replace("\n", "\\n"),
            "NOON_EVENTS_TOPIC_URL": topic.url,
            "TICK_SCHEDULE": "0 0 0 1 1 *",
            "TRAINING_SCHEDULE": "0 0 0 1 1 *",
            "TMPDIR": str(home),
        }
        with hosting(settings, home) as base:
            keys = json.loads((home / "keys.json").read_text())
            yield App(base, str(keys["functions"]["alerts"]["default"]), github, topic)


def standing(app: App) -> dict[str, str]:
    """Title and state of every issue."""
    return {issue["title"]: issue["state"] for issue in list(app.github.issues.values())}


def test_alert_comes_back_to_the_repository(app: App) -> None:
    """Its key opens the function; Fired opens an issue, Resolved closes it, whatever is lost."""
    assert app.call("alerts", alert(model=MODEL), key="wrong")[0] == 401
    # The answer to the first creation is lost: the notice comes again and finds what was made.
    app.github.faults.append(Fault("POST", "/issues$", 502, after=True))
    status, answer = app.call("alerts", alert(model=MODEL))
    assert status == 202
    assert answer["alert"] == guid(1)
    title = f"noon-slot-overdue: {MODEL}"
    wait_until(lambda: standing(app).get(title) == "open", timeout_seconds=90, what="the issue")
    assert app.call("alerts", alert(1, "Resolved", model=MODEL))[0] == 202
    wait_until(lambda: standing(app).get(title) == "closed", timeout_seconds=150, what="its end")
    assert len(app.github.issues) == 1
    assert "docs" not in app.key


def test_what_is_no_alert_is_refused_by_name(app: App) -> None:
    """problem+json, with what helps."""
    status, problem = app.call("alerts", {"schemaId": "AIP Budget Notification"})
    assert status == 422
    assert "schemaId is 'AIP Budget Notification'" in problem["detail"]
    assert "common alert schema" in problem["what_to_do"]


def test_decision_reaches_the_topic(app: App, azurite: Azurite) -> None:
    """A recorded decision and its notice become an event with the decision's id."""
    credential = LazyCredential()
    log = AzureTableDecisionLog(AzureTable(azurite.table_url, DECISIONS_TABLE, credential))
    name = f"{datetime.now(UTC):%Y%m%dt%H%M%S}-00abcdef"
    job = f"{MODEL}-slot-20261123t1200-a1"
    decision = Decision(
        name,
        MODEL,
        datetime.now(UTC),
        "run",
        Kind.REFUSED,
        (Reason("malformed", "metrics.json is missing"),),
        about=(f"job:{job}", f"ended:job:{job}"),
        facts={"verdict": "halt"},
    )
    log.append(decision)
    AzureNoticeQueue(azurite.queue_url, NOTICES, credential).send(notice_of(decision))
    wait_until(lambda: bool(app.topic.events), timeout_seconds=90, what="the event")
    (event,) = app.topic.events
    assert (event["id"], event["type"]) == (name, "Noon.ModelRefused")
    assert event["data"]["job"] == job
