"""`noon rollout` and the orders about versions: requests to the function app."""

from __future__ import annotations

import getpass
import json
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from noon.client import AppClient, find_app
from noon.failures import ExitCode, NotRunningError, UsageError
from noon.rollout_view import shape, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
"""So long a watch outlives an app that does not answer, since hosts are started anew at times."""

Status = dict[str, Any]


def run_rollout(model: str, *, watch: bool, as_json: bool) -> int:
    """Show how the model's rollout stands, once or until it ends."""
    app = find_app()
    status = _of(app, model)
    if watch and _under_way(status):
        return _watch(app, model, status, as_json=as_json)
    _tell(status, as_json=as_json)
    return ExitCode.OK


def run_order(model: str, verb: str, because: str, *, as_json: bool) -> int:
    """Order something about the model's versions in the name of the user of this shell."""
    if not because.strip():
        raise UsageError("--because needs a reason: it is kept with the decision")
    order = find_app().steer(model, verb, because.strip(), getpass.getuser())
    if as_json:
        print(json.dumps({"order_id": order}))
    else:
        watch = "noon status" if verb == "accept" else f"noon rollout {model} --watch"
        print(f"ordered: {order}. Watch it with: {watch}")
    return ExitCode.OK


def _watch(app: AppClient, model: str, status: Status, *, as_json: bool) -> int:
    """Show every change until the rollout ends or the user has seen enough."""
    try:
        with _shown(status, as_json=as_json) as show:
            while _under_way(status):
                time.sleep(POLL_SECONDS)
                status = _patiently(app, model)
                show(status)
    except KeyboardInterrupt:
        return ExitCode.OK
    succeeded = (status["rollout"] or {}).get("phase") == "succeeded"
    return ExitCode.OK if succeeded else ExitCode.FAILED


def _of(app: AppClient, model: str) -> Status:
    """The part of the model's status that is about its rollout."""
    models = {status["model"]: status for status in app.status()}
    if model not in models:
        raise UsageError(f"there is no model {model!r}; known are {', '.join(sorted(models))}")
    status = models[model]
    return {key: status.get(key) for key in ("model", "champion", "warm", "rollout")}


def _patiently(app: AppClient, model: str) -> Status:
    """The same, from an app that may be starting again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _of(app, model)
        except NotRunningError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def _under_way(status: Status) -> bool:
    return status["rollout"] is not None and not status["rollout"]["ended"]


def _tell(status: Status, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(status, ensure_ascii=False), flush=True)
        return
    from rich.console import Console

    Console(highlight=False).print(shape(status))


@contextmanager
def _shown(status: Status, *, as_json: bool) -> Iterator[Callable[[Status], None]]:
    """Redraw on a terminal; elsewhere tell what is not what was told before."""
    if sys.stdout.isatty() and not as_json:
        with watched(status) as show:
            yield show
        return
    told: list[Status] = []

    def tell(status: Status) -> None:
        if told[-1:] != [status]:
            told[:] = [status]
            _tell(status, as_json=as_json)

    tell(status)
    yield tell
