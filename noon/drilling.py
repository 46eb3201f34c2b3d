"""The command that plays the drills, and its help."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

drilling = typer.Typer()


class Set(StrEnum):
    """A set of drills."""

    GATE = "gate"
    ROLLOUT = "rollout"
    TRIGGER = "trigger"


@drilling.command()
def drill(
    sets: Annotated[
        list[Set] | None, typer.Argument(help="gate, rollout, trigger; all when none is named.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout, for scripts.")] = False,
) -> int:
    """Send planted situations through the production code and compare what becomes of them.

    Bad models, sick canaries, lost events, changed clocks: each has one outcome that it must
    have. Nothing has to run: adapters are in memory and the clock jumps. The gate's models are
    trained and judged by the real training components, in half a minute.

    \b
    Examples:
      noon drill
      noon drill gate
      noon drill rollout trigger
      noon drill gate --json | jq '.[] | select(.passed | not)'

    Exit codes: 0 all as expected, 1 something else happened in at least one, 2 wrong usage.
    """
    from noon.commands.drill import run_drills

    return run_drills([str(name) for name in sets or list(Set)], as_json=as_json)
