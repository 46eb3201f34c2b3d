"""What a model costs in a year: passes, decisions, and calls of each service.

`python -m simulation.costs` plays some years and prints the table that docs/simulation.md shows.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping

from simulation.history import History, Result

SEEDS, DAYS = 8, 365
SERVICES = {
    "tables": ("state", "releases", "decisions", "health"),
    "blobs": ("lease", "landing", "files", "containers"),
    "queue": ("queue",),
    "Azure ML": ("jobs", "registry", "endpoint"),
    "scoring": ("prober",),
}
"""Which ports are behind which service."""


def costs_of_a_model_year(results: Iterable[Result]) -> dict[str, int]:
    """Averages over these histories, with their faults and the tries again that these bring."""
    total: Counter[str] = Counter()
    years = 0.0
    for result in results:
        years += result.models * result.days / 365
        total["passes"] += result.reconciles
        total["decisions"] += result.calls["decisions.append"]
        total["training jobs"] += result.counts["jobs"]
        total["promoted versions"] += result.counts["promoted"]
        total.update({f"call {name}": count for name, count in result.calls.items()})
    return {name: round(count / max(years, 1e-9)) for name, count in total.items()}


def cost_table(costs: Mapping[str, int]) -> str:
    """The same as a table in Markdown."""
    rows = [(name, "", costs[name]) for name in costs if not name.startswith("call ")]
    for service, ports in SERVICES.items():
        calls = {
            name.removeprefix("call "): count
            for name, count in costs.items()
            if name.startswith("call ") and name.removeprefix("call ").split(".")[0] in ports
        }
        rows.append((f"**{service}**", "all together", sum(calls.values())))
        rows += [
            ("", f"`{name}`", calls[name])
            for name in sorted(calls, key=calls.__getitem__, reverse=True)
        ]
    lines = ["| | call | in a year |", "|---|---|--:|"]
    lines += [f"| {name} | {call} | {count:,} |" for name, call, count in rows]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the table."""
    results = [History(seed, 1, DAYS).run() for seed in range(1, SEEDS + 1)]
    sys.stdout.write(cost_table(costs_of_a_model_year(results)))
    return int(any(result.violation for result in results))


if __name__ == "__main__":
    sys.exit(main())
