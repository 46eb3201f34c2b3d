"""`noon rollout` and the orders about versions: requests to the function app."""

from __future__ import annotations

import getpass
import json
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from noon.client import Polled, find_app, model_path
from noon.failures import ExitCode, UsageError
from noon.patience import Lost
from noon.rollout_view import shape, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL_SECONDS = 1.0

Status = dict[str, Any]


def run_rollout(model: str, *, watch: bool, as_json: bool) -> int:
    """Show how the model's rollout stands, once or until it ends."""
    app = find_app()
    status = app.known(model, "rollout")
    if watch and _under_way(status):
        return _watch(Polled(app, model_path(model, "rollout")), status, as_json=as_json)
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


def _watch(polled: Polled, status: Status, *, as_json: bool) -> int:
    """Show every change until the rollout ends or the user has seen enough."""
    lost = Lost(POLL_SECONDS, status)
    try:
        with _shown(status, as_json=as_json) as show:
            while _under_way(status):
                time.sleep(lost.pause_seconds)
                status, _ = lost.read(polled)
                show(status)
    except KeyboardInterrupt:
        return ExitCode.OK
    succeeded = (status["rollout"] or {}).get("phase") == "succeeded"
    return ExitCode.OK if succeeded else ExitCode.FAILED


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
