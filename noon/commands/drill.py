"""`noon drill`: plays the drills and tells whether each went as it must."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from noon.failures import CommandError, ExitCode
from noon.show import WIDTH

if TYPE_CHECKING:
    from simulation.drills.drill import Result


def run_drills(names: Sequence[str], *, as_json: bool) -> int:
    """Play these sets; the exit code says whether everything went as expected."""
    from simulation.drills.sets import play

    if "gate" in names and find_spec("skl2onnx") is None:
        raise CommandError(
            "the gate's drills train models, and the libraries for that are not installed here: "
            "run `make setup`, or drill `rollout` and `trigger` alone"
        )
    results: list[Result] = []
    began = monotonic()
    for name in names:
        played = list(play(name))
        results += played
        if not as_json:
            show(name, played)
    return report(results, monotonic() - began, as_json=as_json)


def report(results: Sequence[Result], seconds: float, *, as_json: bool) -> int:
    """Close with the count of misses, or print everything as JSON; gives the exit code."""
    missed = sum(not result.passed for result in results)
    if as_json:
        print(json.dumps([asdict(result) for result in results], indent=1))
    else:
        print(f"{len(results)} drills, {missed} missed, {seconds:.1f} s")
    # No drill at all would prove nothing.
    return ExitCode.FAILED if missed or not results else ExitCode.OK


def show(name: str, results: Iterable[Result]) -> None:
    """Print one set as a table; a miss tells what was expected and why it came out otherwise."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    table = Table("", "drill", "expected", "got", title=name, title_justify="left")
    for result in results:
        got = Text(result.got)
        if not result.passed:
            got.append(f"\n{result.reason}", style="red")
        mark = Text("ok", style="green") if result.passed else Text("MISS", style="bold red")
        table.add_row(mark, Text(result.name), Text(result.expected), got)
    console.print(table)
