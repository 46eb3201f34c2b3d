"""Shows the stages: a live table on a terminal, lines everywhere else."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from noon.local.stages import Stage, Stages, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

STYLES = {State.WAITING: "dim", State.RUNNING: "yellow", State.DONE: "green", State.FAILED: "red"}
SIGNS = {State.WAITING: "·", State.RUNNING: "…", State.DONE: "✓", State.FAILED: "✗"}

LINE_SECONDS = 0.5
"""Least time between two lines about one stage that goes on."""


@contextmanager
def shown(*, plain: bool) -> Iterator[Stages]:
    """Give stages that are shown on stderr while the block runs."""
    if plain or not sys.stderr.isatty():
        yield Stages(changed=_Lines().tell)
        return
    from rich.console import Console
    from rich.live import Live

    stages = Stages()
    console = Console(stderr=True)
    with Live(
        get_renderable=lambda: _table(stages, console), console=console, refresh_per_second=8
    ):
        yield stages


class _Lines:
    """Plain lines with the seconds since the start; a stage that says much is cut short."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._told: dict[str, tuple[State, float]] = {}

    def tell(self, stage: Stage) -> None:
        now = time.monotonic()
        state, at = self._told.get(stage.title, (State.WAITING, now))
        if stage.state == state and now - at < LINE_SECONDS:
            return
        self._told[stage.title] = (stage.state, now)
        text = f": {stage.detail}" if stage.detail else ""
        line = f"{now - self._began:6.1f} s  {stage.state.value:<8}{stage.title}{text}"
        print(line, file=sys.stderr, flush=True)


def _table(stages: Stages, console: Console) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    ascii_only = not console.encoding.lower().startswith("utf")
    for stage in stages.by_name.values():
        style = STYLES[stage.state]
        sign = stage.state.value if ascii_only else SIGNS[stage.state]
        seconds = "" if stage.seconds is None else f"{stage.seconds:.1f} s"
        table.add_row(
            Text(sign, style), Text(stage.title, style), Text(seconds, "dim"), Text(stage.detail)
        )
    return table
