"""`noon up`, `down` and `reset`: the local stack."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noon.failures import CommandError, ExitCode, UsageError
from noon.home import Home, find_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from noon.local.stack import LocalStack

STOP_SECONDS = 40.0
WATCH_SECONDS = 0.5


def run_up(*, days: int, timeout_seconds: float, plain: bool) -> int:
    """Start the stack, tell the story, and stay until Ctrl-C or SIGTERM."""
    home = find_home()
    with _ended_by_signals() as ended:
        from noon.local.flights import easy_and_hard
        from noon.local.progress import shown
        from noon.local.stack import LocalStack
        from noon.local.story import Story

        stack = LocalStack(home.path)
        try:
            with shown(plain=plain) as stages:
                stack.stages = stages
                stack.start()
                story = Story(stack, days, time.monotonic() + timeout_seconds)
                story.land()
                rows = easy_and_hard(story.last_day)
                story.follow()
                story.ask(rows)
            _invite(stack)
            while not (dead := stack.dead()):
                time.sleep(WATCH_SECONDS)
            raise CommandError(dead.epitaph())
        except _EndedError:
            print("\nstopping …", file=sys.stderr)
        finally:
            ended.clear()
            stack.stop()
    print("stopped; the state is kept (noon reset clears it)", file=sys.stderr)
    return ExitCode.OK


def run_demo(*, days: int, timeout_seconds: float) -> int:
    """Tell the whole story on a fresh stack of its own, print its figures as JSON, stop."""
    began = time.monotonic()
    home = demo_home(find_home())
    with _ended_by_signals() as ended:
        from noon.local.flights import easy_and_hard
        from noon.local.progress import shown
        from noon.local.stack import LocalStack
        from noon.local.story import Story

        _clear(home)
        stack = LocalStack(home.path)
        try:
            with shown(plain=True) as stages:
                stack.stages = stages
                stack.start()
                story = Story(stack, days, began + timeout_seconds)
                landed = story.land()
                rows = easy_and_hard(story.last_day)
                champion = story.follow()["champion"]
                answer = story.ask(rows)
            seconds = round(time.monotonic() - began, 1)
        except _EndedError:
            raise CommandError("the demo was interrupted") from None
        finally:
            ended.clear()
            stack.stop()
    figures = _figures(champion, landed, rows, answer)
    print(json.dumps({**figures, "seconds": seconds}), flush=True)
    return ExitCode.OK


def _figures(
    champion: dict[str, Any],
    landed: dict[str, int],
    rows: dict[str, dict[str, Any]],
    answer: dict[str, Any],
) -> dict[str, Any]:
    told = zip(rows.items(), answer["predictions"], strict=True)
    score = champion["score"]
    return {
        "model": answer["model"]["name"],
        "version": champion["version"],
        "deployment": champion["deployment"],
        "rows_landed": landed["rows"],
        "trained_rows": score["trained_rows"],
        "holdout_rows": score["holdout_rows"],
        "holdout_metric": {"name": score["metric"], "value": score["value"]},
        "interval": {
            "low": score["low"],
            "high": score["high"],
            "compared_with": score["compared_with"],
        },
        "predictions": {name: {"row": row, **prediction} for (name, row), prediction in told},
    }


def demo_home(home: Home) -> Home:
    """Give the folder of the demo's own stack, so that it is always told from the beginning."""
    return Home(home.path / "demo")


def run_down() -> int:
    """Stop the stack of NOON_HOME and say so."""
    home = find_home()
    if _stop_runner(home):
        print(f"stopped the stack of {home.path}; its state is kept")
    else:
        print(f"no stack of {home.path} is running")
    return ExitCode.OK


def run_reset(*, yes: bool) -> int:
    """Stop the stack of NOON_HOME and delete its folder's content."""
    home = find_home()
    if not home.path.exists():
        print(f"{home.path} is not there: nothing to clear")
        return ExitCode.OK
    if not yes and not _confirmed(home):
        print("nothing was deleted", file=sys.stderr)
        return ExitCode.FAILED
    for one in (demo_home(home), home):
        _stop_runner(one)
    _clear(home)
    print(f"cleared {home.path}")
    return ExitCode.OK


def _confirmed(home: Home) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask: say `noon reset --yes`")
    answer = input(f"Delete all models, data and keys in {home.path}? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _stop_runner(home: Home) -> bool:
    """End the process that runs the stack; False when there is none."""
    pid = home.runner()
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while home.runner() == pid:
        if time.monotonic() > deadline:
            raise CommandError(
                f"process {pid} did not stop within {STOP_SECONDS:.0f} s: end it with "
                f"`kill -9 {pid}`, everything that it started ends with it"
            )
        time.sleep(0.1)
    return True


def _clear(home: Home) -> None:
    """Delete what a stack left; refuses a folder that no stack made, or that one uses now."""
    if not home.path.exists():
        return
    left = list(home.path.iterdir())
    if left and not (home.lock_file.exists() or demo_home(home).path.exists()):
        raise UsageError(f"{home.path} is not the folder of a stack: check NOON_HOME")
    with home.held():
        for entry in left:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != home.lock_file:
                entry.unlink()


def _invite(stack: LocalStack) -> None:
    """Say where everything is and what to try."""
    addresses = stack.addresses
    home = f"NOON_HOME={os.environ['NOON_HOME']} " if os.environ.get("NOON_HOME") else ""
    # `make up` puts nothing on PATH: what is shown must work as it is copied.
    noon = home + ("noon" if shutil.which("noon") else str(Path(sys.executable).with_name("noon")))
    print(
        f"""
{_webui(stack)}
Function app   {addresses.app}/api/models
Azure ML       {addresses.emulator}
Storage        {addresses.storage("blob")}
Keys and URLs  {stack.home.stack_file}
Logs           {stack.home.logs}

Try in another terminal:
  {noon} status
  {noon} data push flights --from 2013-02-01 --to 2013-02-07
  {noon} train flights --because "I want to see it"
  {noon} predict flights --help

Ctrl-C stops everything and keeps the state.""",
        flush=True,
    )


def _webui(stack: LocalStack) -> str:
    """Say where the page is and what opens it; how to get it when it was not built."""
    if not stack.child("webui").running:
        return "Web UI         not built: run `make setup`"
    return (
        f"Web UI         {stack.addresses.webui}\n"
        f"  its key      keys.function in {stack.home.stack_file}; for orders keys.orders (train) "
        "and keys.rollout"
    )


class _EndedError(KeyboardInterrupt):
    """Ctrl-C or SIGTERM; no Exception, so that nothing on the way takes it for a failure."""


@contextmanager
def _ended_by_signals() -> Iterator[list[bool]]:
    """Raise _EndedError once at SIGINT, SIGTERM or SIGHUP; never again once the list is empty."""
    armed = [True]

    def end(_number: int, _frame: FrameType | None) -> None:
        if armed:
            armed.clear()
            raise _EndedError

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield armed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
