"""`noon deploy canary` and `noon deploy check`: whether what was deployed works."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from noon.client import AppClient, AppRefusedError, find_app
from noon.deployed import use_deployed_app
from noon.failures import CommandError, ExitCode, NotRunningError
from noon.reach import use_stack_unless
from shared.domain.places import CANARIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Found = TypeVar("Found")
POLL_SECONDS = 2.0
COLD_SECONDS = 60.0
"""So long one request may take: an app that was just deployed starts slowly."""


def run_canary(*, timeout_seconds: float, as_json: bool) -> int:
    """Let a canary event travel from storage to its decision, and tell how long it took."""
    _reach()
    landing = use_stack_unless("NOON_LANDING_URL")
    canary_id = uuid.uuid4().hex
    began = time.monotonic()
    with _landed(landing, canary_id):
        link = _come_back(find_app(), canary_id, Patience(timeout_seconds))
    seconds = round(time.monotonic() - began, 1)
    told = {"canary": canary_id, "decision": link["facts"]["decision"], "seconds": seconds}
    if as_json:
        print(json.dumps(told))
    else:
        print(f"canary {canary_id} came back after {seconds} s as decision {told['decision']}")
    return ExitCode.OK


def run_check(*, timeout_seconds: float, as_json: bool) -> int:
    """Wait until the app answers, then ask every champion about its own sample rows."""
    _reach()
    use_stack_unless("NOON_SUBSCRIPTION_ID")
    found = find_app()
    app = AppClient(found.url, found.function_key, timeout_seconds=COLD_SECONDS)
    patience = Patience(timeout_seconds)
    patience.wait(lambda: app.healthy() or None, f"{app.url}/api/health does not answer")
    models = patience.wait(lambda: _fleet(app), f"{app.url}/api/models does not answer")
    asked = {model["name"]: _ask(app, model) for model in models}
    if as_json:
        print(json.dumps({"url": app.url, "models": asked}))
        return ExitCode.OK
    print(f"{app.url} answers")
    for name, answer in asked.items():
        print(f"{name}: {_line(answer)}")
    return ExitCode.OK


class Patience:
    """Waits for something until a deadline that all waits share."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds, self._clock, self._sleep = seconds, clock, sleep
        self._deadline = clock() + seconds

    def wait(self, look: Callable[[], Found | None], missing: str, hint: str = "") -> Found:
        """Give what `look` finds; raises CommandError with `missing` after the deadline."""
        while True:
            found = look()
            if found is not None:
                return found
            if self._clock() >= self._deadline:
                raise CommandError(f"{missing} after {self._seconds:g} s{hint}")
            self._sleep(POLL_SECONDS)


def _reach() -> None:
    """Use the app in Azure that the variables name, unless the shell says its own."""
    if not os.environ.get("NOON_URL"):
        use_deployed_app()


@contextmanager
def _landed(container_url: str, canary_id: str) -> Iterator[None]:
    """The blob of a canary event lies where data lands, and goes again."""
    from azure.core.exceptions import AzureError
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import ContainerClient

    from noon.landing import push

    credential, path = DefaultAzureCredential(), f"{CANARIES}{canary_id}"
    push(container_url, credential, [(path, canary_id.encode())], lambda *_: None)
    try:
        yield
    finally:
        try:
            with ContainerClient.from_container_url(container_url, credential=credential) as there:
                there.delete_blob(path)
        except AzureError as error:
            print(f"noon: {path} stays behind: {type(error).__name__}", file=sys.stderr)


def _come_back(app: AppClient, canary_id: str, patience: Patience) -> dict[str, Any]:
    """The link of the decision that the canary event ended in."""
    missing = f"the canary event {canary_id} has not come back"
    hint = (
        ": is there a subscription (infra/events.bicep), and did Event Grid leave it behind "
        "(noon replay --dead-letter)?"
    )
    links = patience.wait(lambda: _why(app, canary_id), missing, hint)
    codes = [reason["code"] for reason in links[0]["reasons"]]
    if codes != ["canary"] or links[0]["facts"]["actions"]:
        raise CommandError(f"the canary event {canary_id} ended in {codes}, not in nothing")
    return links[0]


def _why(app: AppClient, canary_id: str) -> list[dict[str, Any]] | None:
    try:
        links: list[dict[str, Any]] = app.why(f"{CANARIES}{canary_id}")["links"]
    except NotRunningError:
        return None
    except AppRefusedError as error:
        if error.status in (404, 502, 503):
            return None
        raise
    return links


def _fleet(app: AppClient) -> list[dict[str, Any]] | None:
    """The models at a glance; None while the app is still starting."""
    try:
        return app.fleet()
    except NotRunningError:
        return None
    except AppRefusedError as error:
        if error.status in (404, 502, 503):
            return None
        raise


def _ask(app: AppClient, model: dict[str, Any]) -> dict[str, Any]:
    """Let the champion score the rows that its training kept for this."""
    if model["champion"] is None:
        return {"champion": None, "predictions": 0}
    from shared.application.smoke import sample_rows
    from shared.bootstrap import runtime

    name = model["name"]
    rows = sample_rows(runtime().plane, name)
    answer = app.predict(name, rows)
    if len(answer["predictions"]) != len(rows):
        raise CommandError(f"{name}: {len(answer['predictions'])} answers to {len(rows)} rows")
    return {
        "champion": model["champion"]["version"],
        "predictions": len(rows),
        "deployment": answer["model"]["deployment"],
        "request_id": answer["request_id"],
    }


def _line(answer: dict[str, Any]) -> str:
    if answer["champion"] is None:
        return "no champion yet, nothing to ask"
    return f"{answer['deployment']} answered {answer['predictions']} sample rows"
