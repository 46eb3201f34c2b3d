"""`make bench`: measures everybody and shows a table; the full run also writes the docs page."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.contestants import EVERYBODY, QUICK
from bench.load import LOADS, find
from bench.model import trained
from bench.page import write_page
from bench.places import QUICK_RESULTS, RESULTS, BenchError
from bench.proxies import proxied, proxied_over_https
from bench.rounds import Plan, compared
from bench.table import table

FULL_PLAN = Plan(LOADS, rounds=3, seconds=3)
QUICK_PLAN = Plan(LOADS, rounds=2, seconds=1)
SCHEMA = 2
"""Of the results: 2 has the proxies in front of HTTPS."""


def main() -> int:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one peer and the limits; no page")
    parser.add_argument("--json", action="store_true", help="print the figures, not the table")
    parser.add_argument("--only", action="append", default=[], help="part of a name; repeatable")
    parser.add_argument("--rounds", type=int, help="how often everybody has a turn")
    parser.add_argument("--seconds", type=int, help="how long a turn takes")
    parser.add_argument("--render", action="store_true", help="write the page from the last run")
    asked = parser.parse_args()
    # Raised where it is met, so that whatever was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return _run(asked)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


def _run(asked: argparse.Namespace) -> int:
    if asked.render:
        if not RESULTS.exists():
            raise BenchError(f"there is no {RESULTS}: run `make bench` first")
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
        if results["schema"] != SCHEMA:
            raise BenchError(f"{RESULTS} is of another version: run `make bench` again")
        write_page(results)
        return 0
    results = measured(asked)
    whole = not (asked.quick or asked.only)
    path = RESULTS if whole else QUICK_RESULTS
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(results) if asked.json else table(results))
    if whole:
        write_page(results)
    return 0


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Everything about one run."""
    if not Path("/proc/self/stat").exists():
        raise BenchError("the benchmarks read /proc: they need Linux")
    find("wrk")
    plan = QUICK_PLAN if asked.quick else FULL_PLAN
    plan = Plan(plan.loads, asked.rounds or plan.rounds, asked.seconds or plan.seconds)
    contestants = [
        each
        for each in (QUICK if asked.quick else EVERYBODY)
        if not asked.only or any(word.lower() in each.name.lower() for word in asked.only)
    ]
    before, began_at = os.getloadavg(), datetime.now(UTC)
    model = trained()
    servers = compared(contestants, model, plan)
    passing = [] if asked.only else proxied(plan, host=not asked.quick)
    over_https = [] if asked.only or asked.quick else proxied_over_https(plan)
    return {
        "schema": SCHEMA,
        "quick": asked.quick,
        "began_at": began_at.isoformat(timespec="seconds"),
        "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "load_before": round(before[0], 2),
            "load_after": round(os.getloadavg()[0], 2),
        },
        "plan": {"rounds": plan.rounds, "seconds": plan.seconds},
        "servers": servers,
        "proxies": passing,
        "proxies_over_https": over_https,
    }


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    sys.exit(main())
