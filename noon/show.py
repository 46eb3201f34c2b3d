"""Shows the status of the models to people."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DECISIONS_SHOWN = 5
IDLE = {"nothing_due"}
"""Codes of reasons that say nothing beside another reason."""
WIDTH = 240
"""Of a line in a file or a pipe: nobody wants sentences cut there."""


def show_models(models: Sequence[dict[str, Any]], console: Console | None = None) -> None:
    """Print every model with its champion, what is under way and its last decisions."""
    console = console or Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    if not models:
        console.print("no models: put a file into models/")
    for model in models:
        grid = Table.grid(padding=(0, 2))
        for name, text in _lines(model):
            grid.add_row(Text(name, style="dim"), Text(text))
        console.print(Text(model["model"], style="bold"))
        console.print(grid)
        for decision in (model.get("decisions") or [])[-DECISIONS_SHOWN:]:
            console.print(Text(f"  {decision_line(decision)}"))
        console.print()


def _lines(model: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "  champion", champion_line(model.get("champion"))
    training, rollout = model.get("training"), model.get("rollout")
    yield (
        "  training",
        f"{training['job']} since {_ago(training['planned_at'])}" if training else "none",
    )
    if rollout:
        yield "  rollout", rollout_line(rollout)
    if model.get("accepting"):
        yield "  accepting", f"the next challenger uncompared; {model['accepting']}"
    if model.get("last_refusal"):
        yield "  last refusal", str(model["last_refusal"])
    for file in model.get("quarantine") or ():
        text = f"{file.get('path')}: {file.get('reason')}" if isinstance(file, dict) else str(file)
        yield "  left out", text
    yield "  next slot", str(model.get("next_slot_at") or "unknown")


def champion_line(champion: dict[str, Any] | None) -> str:
    """The champion and what it was promoted for, in one line."""
    if champion is None:
        return "none yet"
    return (
        f"version {champion['version']} ({champion['deployment']}), {score_text(champion)}, "
        f"trained on {champion['trained_rows']} rows, since {_ago(champion['since'])}"
    )


def rollout_line(rollout: dict[str, Any]) -> str:
    """Where the rollout stands, in one line; `noon rollout` says more."""
    text = f"version {rollout['version']}: {rollout['phase'].replace('_', ' ')}"
    if rollout.get("step") and not rollout["ended"]:
        text += f" at {rollout['steps'][rollout['step'] - 1]} %"
    if rollout.get("paused"):
        text += ", paused"
    return f"{text}: {rollout['reason']}" if rollout.get("reason") else text


def score_text(champion: dict[str, Any]) -> str:
    """The metric with the interval of its difference to what it was compared with."""
    text = f"{champion['metric']} {_number(champion['value'])}"
    if champion.get("low") is None:
        return text
    interval = f"{_signed(champion['low'])} to {_signed(champion['high'])}"
    return f"{text} ({interval} over {champion['compared_with']})"


def decision_line(decision: dict[str, Any]) -> str:
    """One decision with its reasons, in one line."""
    said = [r for r in decision["reasons"] if r["code"] not in IDLE] or decision["reasons"]
    reasons = "; ".join(reason["text"] for reason in said)
    outcome = "" if decision["outcome"] == "done" else f" [{decision['outcome']}]"
    return f"{clock(decision['at'])} {decision['kind']}: {reasons}{outcome}"


def clock(instant: str) -> str:
    """The instant in UTC, without its year."""
    return datetime.fromisoformat(instant).astimezone(UTC).strftime("%m-%d %H:%M:%SZ")


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"


def _signed(value: float | None) -> str:
    return "unbounded" if value is None else f"{value:+.4f}"


def _ago(instant: str) -> str:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(instant)).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0, seconds):.0f} s ago"
