"""`noon runs`: slots, landings and jobs of a model."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rich.console import Console

from noon.choices import Part
from noon.client import find_app
from noon.failures import ExitCode
from noon.fleet_view import local, moment
from noon.runs_view import lines_of, time_line
from noon.show import WIDTH


def run_runs(model: str, parts: Sequence[Part], most: int, *, as_json: bool) -> int:
    """Show the time line of one model, the newest first."""
    runs = find_app().known(model, "runs")
    if as_json:
        print(json.dumps(runs, ensure_ascii=False))
        return ExitCode.OK
    lines = lines_of(runs, moment(), tuple(parts or Part))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    upcoming = runs["next_slot"]
    following = f", the next slot is {local(upcoming['key'])}" if upcoming else ""
    console.print(f"{model}: {runs['schedule']} in {runs['time_zone']}{following}")
    if not lines:
        console.print("nothing yet: no slot was due and no data has landed")
        return ExitCode.OK
    console.print(time_line(lines[:most]))
    if len(lines) > most:
        console.print(f"{len(lines) - most} older ones: --limit {len(lines)}, or --json")
    return ExitCode.OK
