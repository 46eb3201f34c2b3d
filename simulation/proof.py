"""Writes the page of proof: drills as they just ended, planted bugs, and the cases of others.

`python -m simulation.proof [--junit FILE]…` plays the drills and prints the page; reports of a test
run, in JUnit's form, say for each test whether it passed in it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from simulation.drills.drill import Result
from simulation.drills.sets import ON_EMULATOR, SETS, play

ROOT = Path(__file__).resolve().parents[1]
PITFALLS = ROOT / "docs" / "pitfalls.toml"
DRILL_BUGS = ROOT / "tests" / "drills" / "planted.toml"
SIMULATION_BUGS = ROOT / "tests" / "simulation" / "planted.toml"
MUTATION = ROOT / ".noon" / "mutation.json"
OUTCOMES = ("killed", "timeout", "survived", "equivalent")
ON_STACK = "tests/contracts/machine_learning/test_drills.py::test_drill_on_emulator"
"""Plays the drills of a stack one by one."""
MARKS = {True: "yes", False: "**no**", None: "not run"}

Passed = Mapping[str, bool]
"""Whether a test passed, by `folder/test_file.py::test_name[parameter]`."""


def page(
    played: Mapping[str, Sequence[Result]], tests: Passed, mutation: Mapping[str, Any] | None = None
) -> str:
    """The page as Markdown."""
    return "\n".join(
        [
            "# Proof",
            "",
            "This page is written by `python -m simulation.proof`, not by hand: the drills were",
            "played for it, and what is said of tests comes from the report of a run of them.",
            "",
            *_drills(played),
            "## The same against the emulator",
            "",
            "| situation | test | pass |",
            "|---|---|---|",
            *(
                _row(drill, f"`{test}`", MARKS[_end(test, tests)])
                for drill, test in emulated().items()
            ),
            "",
            "## Planted bugs",
            "",
            "Mistakes that others made, planted into a copy of the sources. Each must be found.",
            "",
            "| bug | found by | found |",
            "|---|---|---|",
            *_bugs(tests),
            "",
            *_mutants(mutation),
            "## Cases of others",
            "",
            "Where users of these services and of other rollout systems were bitten, and what",
            "stands for each here.",
            "",
            "| # | case | seen in | drills and tests | pass |",
            "|---|---|---|---|---|",
            *_cases(played, tests),
            "",
        ]
    )


def cases() -> list[dict[str, Any]]:
    """The cases of others, as they are listed."""
    listed: list[dict[str, Any]] = tomllib.loads(PITFALLS.read_text(encoding="utf-8"))["case"]
    return listed


def emulated() -> dict[str, str]:
    """Drills whose situation is staged with real processes too, with the test that does it."""
    listed: dict[str, str] = tomllib.loads(PITFALLS.read_text(encoding="utf-8"))["emulated"]
    played = {drill: f"{ON_STACK}[{drill.partition(': ')[2]}]" for drill in ON_EMULATOR}
    return {**listed, **played}


def passed_in(reports: Iterable[Path]) -> dict[str, bool]:
    """Every test of these JUnit reports, with whether it passed."""
    found: dict[str, bool] = {}
    for report in reports:
        # Our own test run wrote the file.
        for test in ElementTree.parse(report).iter("testcase"):  # noqa: S314
            if test.find("skipped") is not None:
                continue
            module = str(test.get("classname")).replace(".", "/")
            good = test.find("failure") is None and test.find("error") is None
            found[f"{module}.py::{test.get('name')}"] = good
    return found


def _drills(played: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    yield "## Drills"
    yield ""
    total = sum(len(results) for results in played.values())
    missed = sum(not result.passed for results in played.values() for result in results)
    yield f"{total} planted situations, {missed} missed."
    yield ""
    for name, results in played.items():
        yield f"### {name.capitalize()}"
        yield ""
        yield "| situation | expected | got | as expected |"
        yield "|---|---|---|---|"
        for each in results:
            yield _row(each.name, each.expected, each.got, MARKS[each.passed])
        yield ""


def _bugs(tests: Passed) -> Iterator[str]:
    for name, bug in tomllib.loads(DRILL_BUGS.read_text(encoding="utf-8")).items():
        test = f"tests/drills/test_planted.py::test_planted_bug_is_found[{name}]"
        finders = "; ".join(f"{bug['set']}: {drill}" for drill in bug["found_by"])
        yield _row(name, finders, MARKS[tests.get(test)])
    for bug in tomllib.loads(SIMULATION_BUGS.read_text(encoding="utf-8"))["bug"]:
        module = "tests/simulation/test_planted_bugs.py"
        test = f"{module}::test_a_planted_bug_is_found[{bug['name']}]"
        yield _row(bug["name"], "the simulation", MARKS[tests.get(test)])


def _mutants(mutation: Mapping[str, Any] | None) -> Iterator[str]:
    """What `make mutate` found, by package and module."""
    yield "## Mutation testing"
    yield ""
    yield "The code that decides, changed in thousands of small ways: some test must notice each."
    yield "The score counts what was noticed of all, those included that are called equivalent."
    yield ""
    if mutation is None:
        yield "Not run."
        yield ""
        return
    yield f"Last run of `make mutate`: {mutation['at']}."
    yield ""
    yield "| code | mutants | killed | never ended | survived | equivalent | score |"
    yield "|---|---|---|---|---|---|---|"
    modules = {name: each["score"] for name, each in mutation["modules"].items()}
    for name, score in (mutation["packages"] | modules).items():
        if score is None:
            yield _row(f"**{name}**", *["not run"] * 6)
        elif score["mutants"]:
            counts = [score[key] for key in ("mutants", *OUTCOMES)]
            share = (score["killed"] + score["timeout"]) / score["mutants"]
            shown = f"**{name}**" if name in mutation["packages"] else f"`{name}`"
            yield _row(shown, *map(str, counts), f"{share:.1%}")
    yield ""


def _cases(played: Mapping[str, Sequence[Result]], tests: Passed) -> Iterator[str]:
    drills = {
        f"{name}: {each.name}": each.passed for name, results in played.items() for each in results
    }
    for case in cases():
        named = [f"drill “{drill}”" for drill in case.get("drills", ())]
        named += [f"`{test}`" for test in case.get("tests", ())]
        ends = [drills.get(drill) for drill in case.get("drills", ())]
        ends += [_end(test, tests) for test in case.get("tests", ())]
        mark = MARKS[_together(ends)] if named else "cannot be staged"
        said = "; ".join(named) or case["reason"]
        yield _row(str(case["number"]), case["case"], case["seen_in"], said, mark)


def _end(test: str, tests: Passed) -> bool | None:
    """Whether a test passed, with every parameter."""
    ends = [good for name, good in tests.items() if test in (name, name.partition("[")[0])]
    return all(ends) if ends else None


def _together(ends: Sequence[bool | None]) -> bool | None:
    if False in ends:
        return False
    return None if None in ends else True


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main(arguments: list[str] | None = None) -> int:
    """Print the page; the exit code is 1 when a drill was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--junit", type=Path, action="append", default=[])
    asked = parser.parse_args(arguments)
    played = {name: list(play(name)) for name in SETS}
    mutation = json.loads(MUTATION.read_text(encoding="utf-8")) if MUTATION.exists() else None
    sys.stdout.write(page(played, passed_in(asked.junit), mutation))
    return int(any(not each.passed for results in played.values() for each in results))


if __name__ == "__main__":
    sys.exit(main())
