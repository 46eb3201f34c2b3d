"""`make mutate`: change the deciding code in thousands of small ways and see who notices."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.mutation.mutants import BrokenRunError, try_all
from tests.mutation.report import (
    KILLED_MIN,
    Score,
    digest,
    judge_module,
    misses,
    packages,
    read_equivalents,
    still_true,
    table,
    untrue,
)

ROOT = Path(__file__).resolve().parents[2]
EQUIVALENTS = Path(__file__).with_name("equivalent.toml")


def main() -> int:
    """0 when enough mutants are killed, 1 when not, 2 when nothing could be measured."""
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="MODULE", help="default: all")
    parser.add_argument("--json", type=Path, default=ROOT / ".noon" / "mutation.json")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    modules = options.only or every_module()
    unknown = [module for module in modules if module not in every_module()]
    if unknown:
        print(f"not one of the modules below {' or '.join(KILLED_MIN)}: {', '.join(unknown)}")
        return 2
    began, digests = time.monotonic(), {module: digest(ROOT / module) for module in modules}
    try:
        mutants = try_all(ROOT, modules, ROOT / ".noon" / "mutation", options.workers)
    except BrokenRunError as error:
        print(error)
        return 2
    equivalents = read_equivalents(EQUIVALENTS)
    known = still_true(_read(options.json), ROOT)
    for module in modules:
        judged = judge_module([each for each in mutants if each.module == module], equivalents)
        known[module] = {"digest": digests[module], **judged}
    scores = packages(known, ROOT)
    wrong = [*misses(scores), *untrue(equivalents, mutants)]
    _write(options.json, known, scores)
    show(known, modules, scores, detailed=bool(options.only))
    print(f"{len(mutants)} mutants in {time.monotonic() - began:.0f} s", *wrong, sep="\n")
    return 1 if wrong else 0


def every_module() -> list[str]:
    """The modules that decide."""
    return [
        path.relative_to(ROOT).as_posix()
        for package in KILLED_MIN
        for path in sorted((ROOT / package).glob("*.py"))
    ]


def show(
    known: Mapping[str, Any],
    modules: list[str],
    scores: Mapping[str, Score | None],
    *,
    detailed: bool,
) -> None:
    """The table; for single modules also what survived, since that is what is worked on."""
    rows = {module: Score(**known[module]["score"]) for module in modules}
    rows |= {package: score for package, score in scores.items() if score is not None}
    for survivor in (each for module in modules for each in known[module]["survivors"]):
        if detailed:
            print(f"{survivor['module']}:{survivor['line']} {survivor['function']}")
            print(f"  - {survivor['before']}\n  + {survivor['after']}")
    print(table({name: row for name, row in rows.items() if row.mutants}))


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())["modules"] if path.exists() else {}


def _write(path: Path, known: Mapping[str, Any], scores: Mapping[str, Score | None]) -> None:
    whole = {package: score and asdict(score) for package, score in scores.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "schema": 1,
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}Z",
        "packages": whole,
        "modules": dict(sorted(known.items())),
    }
    path.write_text(json.dumps(kept) + "\n")


if __name__ == "__main__":
    sys.exit(main())
