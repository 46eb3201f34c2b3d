"""Many histories, one after the other or on several cores, and what is said of them."""

from __future__ import annotations

import gc
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from simulation.costs import cost_table, costs_of_a_model_year
from simulation.history import History, Result

SHOWN_MAX = 3
"""So many failing seeds are shown with their traces."""


def simulate(seed: int, *, models: int, days: int) -> Result:
    """One history."""
    gc.disable()
    try:
        return History(seed, models, days).run()
    finally:
        gc.enable()
        gc.collect()


def run_simulation(
    *,
    seeds: int,
    days: int,
    first: int = 1,
    models: int = 1,
    workers: int = 1,
    trace: bool = False,
    as_json: bool = False,
    fail_fast: bool = False,
    costs: bool = False,
) -> int:
    """Play the seeds, print what happened; 1 when an invariant was violated."""
    began = time.monotonic()
    results = []
    for result in _played(range(first, first + seeds), models, days, workers):
        results.append(result)
        shown = sum(bool(each.violation) for each in results) <= SHOWN_MAX
        if not as_json and (trace or (result.violation and shown)):
            _print(result)
        if fail_fast and result.violation:
            break
    summary = _summary(results, models, days, time.monotonic() - began)
    summary["costs_of_a_model_year"] = costs_of_a_model_year(results)
    if costs and not as_json:
        print(cost_table(summary["costs_of_a_model_year"]), end="")
    print(json.dumps(summary) if as_json else _closing(summary))
    return 1 if summary["violations"] else 0


def _played(seeds: range, models: int, days: int, workers: int) -> Iterator[Result]:
    play = partial(simulate, models=models, days=days)
    if workers == 1:
        yield from map(play, seeds)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(play, seeds)


def _print(result: Result) -> None:
    print("\n".join(result.trace))
    if result.violation:
        print(f"seed {result.seed}: {result.violation}")
        command = f"noon simulate --seed {result.seed} --seeds 1 --days {result.days}"
        print(f"replay: {command} --models {result.models} --trace\n")


def _summary(results: list[Result], models: int, days: int, seconds: float) -> dict[str, Any]:
    failed = [result for result in results if result.violation]
    faults = sum((result.faults for result in results), Counter())
    counts = sum((result.counts for result in results), Counter())
    reconciles = sum(result.reconciles for result in results)
    return {
        "seeds": len(results),
        "days": days,
        "models": models,
        "reconciles": reconciles,
        "seconds": round(seconds, 2),
        "reconciles_per_second": round(reconciles / max(seconds, 1e-9)),
        "model_days_per_second": round(len(results) * days * models / max(seconds, 1e-9), 1),
        "violations": len(failed),
        "failed": [
            {"seed": each.seed, "invariant": each.invariant, "text": each.violation}
            for each in failed
        ],
        "faults": dict(sorted(faults.items())),
        "jobs": counts["jobs"],
        "promoted": counts["promoted"],
        "poison": counts["poison"],
        "decisions_lost_with_their_pass": counts["unsaid"],
    }


def _closing(summary: dict[str, Any]) -> str:
    faults = sum(summary["faults"].values())
    return (
        f"{summary['seeds']} seeds, {summary['days']} days, {summary['models']} models each: "
        f"{summary['reconciles']} reconciles in {summary['seconds']} s "
        f"({summary['reconciles_per_second']}/s, {summary['model_days_per_second']} model-days/s), "
        f"{summary['jobs']} jobs, {summary['promoted']} promoted, {faults} faults, "
        f"{summary['violations']} violations"
    )
