"""The commands that prove, without any running stack, that the control plane does what it says."""

from __future__ import annotations

from typing import Annotated

import typer

from noon.arguments import Json

proving = typer.Typer()


@proving.command()
def simulate(
    seeds: Annotated[int, typer.Option(min=1, help="So many histories.")] = 20,
    days: Annotated[int, typer.Option(min=1, help="The length of each, in simulated days.")] = 60,
    seed: Annotated[int, typer.Option(help="The first seed; the others follow it.")] = 1,
    models: Annotated[int, typer.Option(min=1, help="Models in each control plane.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Histories that run at once.")] = 1,
    trace: Annotated[bool, typer.Option("--trace", help="Show how each history ended.")] = False,
    costs: Annotated[
        bool, typer.Option("--costs", help="Show what a model costs in a year, by kind of call.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Play the production code in a world of chance and faults, and test its invariants.

    Calls are lost, doubled and slow, processes die between any two of them, events and timers
    fail, deployments and models turn out badly, operators order what they like. After every step
    the invariants are tested. The same seed is the same history.

    \b
    Examples:
      noon simulate
      noon simulate --seeds 200 --days 365 --workers 2
      noon simulate --seed 17 --seeds 1 --days 60 --trace
      noon simulate --models 1000 --seeds 1 --days 1
      noon simulate --seeds 4 --days 365 --costs
      noon simulate --json | jq .reconciles_per_second

    Exit codes: 0 every invariant held, 1 one was violated, 2 wrong usage.
    """
    from simulation.run import run_simulation

    return run_simulation(
        seeds=seeds,
        days=days,
        first=seed,
        models=models,
        workers=workers,
        trace=trace,
        as_json=as_json,
        costs=costs,
    )
