"""Shows a rollout to people."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from noon.show import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

STYLES = {"passed": "green", "failed": "red", "no_data": "yellow", "hold": "yellow"}


def shape(status: dict[str, Any]) -> RenderableType:
    """The model's rollout as it is printed: a title, a line for each thing, the last checks."""
    rollout = status["rollout"]
    title = Text(status["model"], style="bold")
    if rollout is None:
        return Group(title, Text("  no rollout yet: none of its versions was promoted"))
    grid = Table.grid(padding=(0, 2))
    for name, text in _lines(status, rollout):
        grid.add_row(Text(f"  {name}", style="dim"), Text(text))
    # The newest comes first, and is read last.
    for check in reversed(rollout["checks"]):
        grid.add_row(Text("  check", style="dim"), _check(check))
    return Group(title, grid)


@contextmanager
def watched(status: dict[str, Any]) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Keep a picture on the terminal while the block runs, and leave the last one there."""
    seen = [status]
    with Live(get_renderable=lambda: shape(seen[0]), refresh_per_second=2) as live:

        def show(status: dict[str, Any]) -> None:
            seen[0] = status
            live.refresh()

        yield show


def _lines(status: dict[str, Any], rollout: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "rollout", f"version {rollout['version']} as {rollout['deployment']}"
    yield "phase", _phase(rollout)
    yield "traffic", _traffic(status["traffic"])
    if rollout["soaking_since"] and not rollout["ended"] and not rollout["going_back"]:
        yield "soaking", _soaking(rollout)
    if rollout["failed_checks"]:
        allowed = rollout["failed_checks_allowed"]
        yield "failed", f"{rollout['failed_checks']} checks of this step, {allowed} are allowed"
    if rollout["alone"] and not rollout["ended"]:
        yield "by itself", f"the champion is sick; {rollout['alone']}"
    if reason := rollout["reason"] or rollout["going_back"]:
        yield "reason", reason
    warm = status["warm"]
    if warm and warm["version"] is not None:
        yield "warm", f"{warm['deployment']} until {clock(warm['until'])}: a rollback is instant"


def _phase(rollout: dict[str, Any]) -> str:
    text = str(rollout["phase"]).replace("_", " ")
    steps = rollout["steps"]
    present = [at for at, step in enumerate(steps, 1) if step["state"] == "present"]
    if present and not rollout["ended"]:
        share = steps[present[0] - 1]["share"]
        text += f", step {present[0]} of {len(steps)} ({share} %)"
    if rollout["going_back"] and not rollout["ended"]:
        text += ", going back"
    if rollout["instant"] and not rollout["ended"]:
        text += ", at once"
    if rollout["paused"]:
        text += ", paused"
    return f"{text}, since {clock(rollout['entered_at'])}"


def _traffic(shares: list[dict[str, Any]]) -> str:
    words = ", ".join(f"{each['deployment']} {each['percent']} %" for each in shares)
    return f"{words} (as wished)" if words else "none"


def _soaking(rollout: dict[str, Any]) -> str:
    text = f"since {clock(rollout['soaking_since'])}"
    if rollout["soaks_until"]:
        left = datetime.fromisoformat(rollout["soaks_until"]) - datetime.now(UTC)
        text += f", {max(0.0, left.total_seconds()):.0f} s are left"
    return f"{text}, judged on {rollout['requests_min']} requests or more"


def _check(check: dict[str, Any]) -> Text:
    outcome = str(check["outcome"])
    text = Text(f"{clock(check['at'])} ")
    text.append(outcome.replace("_", " "), STYLES.get(outcome, ""))
    text.append(f" at {check['share']} %: {check['text']}")
    return text
