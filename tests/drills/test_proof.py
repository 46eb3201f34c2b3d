"""The page of proof tells what ran, and names nothing that is not there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from simulation.drills.drill import Result
from simulation.drills.gate import CASES
from simulation.drills.gate_files import DRILLS as FILE_DRILLS
from simulation.drills.operators import DRILLS as OPERATOR_DRILLS
from simulation.drills.rollout import DRILLS as ROLLOUT_DRILLS
from simulation.drills.trigger import DRILLS as TRIGGER_DRILLS
from simulation.proof import cases, emulated, page, passed_in

ROOT = Path(__file__).resolve().parents[2]
DRILLS = {
    *(f"gate: {name}" for name, _, _ in CASES),
    *(f"gate: {drill.name}" for drill in FILE_DRILLS),
    *(f"rollout: {drill.name}" for drill in (*ROLLOUT_DRILLS, *OPERATOR_DRILLS)),
    *(f"trigger: {drill.name}" for drill in TRIGGER_DRILLS),
}


def names_in(file: str) -> set[str]:
    """The functions that a module holds."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["case"])
def test_every_case_has_a_test_or_a_reason(case: dict[str, object]) -> None:
    """What stands for a case is there; what cannot be staged says why."""
    drills, tests = case.get("drills", []), case.get("tests", [])
    assert isinstance(drills, list)
    assert isinstance(tests, list)
    assert set(drills) <= DRILLS
    for test in tests:
        file, _, name = test.partition("::")
        assert name in names_in(file)
    assert bool(drills or tests) != bool(case.get("reason"))


def test_a_dozen_drills_are_staged_against_the_emulator_too() -> None:
    """What the drills show in memory is shown with real processes as well."""
    assert len(emulated()) >= 12
    assert set(emulated()) <= DRILLS
    for test in emulated().values():
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in names_in(file)


def test_cases_are_numbered_without_a_gap() -> None:
    """No case was left out."""
    assert [case["number"] for case in cases()] == list(range(1, 52))


def test_page_tells_what_missed_and_what_did_not_run(tmp_path: Path) -> None:
    """A miss, a failed test and a test that did not run are not told as success."""
    report = tmp_path / "junit.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="tests.test_house" '
        'name="test_tests_use_real_things[mocks]"/><testcase classname="tests.test_house" '
        'name="test_tests_use_real_things[sleeping]"><failure/></testcase>'
        '<testcase classname="tests.cli.test_usage" name="test_help_comes_at_once"/>'
        "</testsuite></testsuites>",
        encoding="utf-8",
    )
    played = {
        "rollout": [
            Result("quota refused", "rolled back", "succeeded", False, "why"),
            Result("latency doubled", "rolled back", "rolled back", True, "why"),
        ]
    }
    lines = page(played, passed_in([report])).splitlines()
    ends = {line.split(" | ")[0].strip("| "): line.split(" | ")[-1].strip("| ") for line in lines}
    assert "2 planted situations, 1 missed." in lines
    assert ends["quota refused"] == "**no**"
    assert ends["latency doubled"] == "yes"
    assert (ends["31"], ends["40"], ends["42"]) == ("**no**", "**no**", "yes")
    assert (ends["43"], ends["25"]) == ("not run", "cannot be staged")


def test_page_tells_what_mutation_testing_found() -> None:
    """A package that was not tried as a whole has no score, and without a run nothing is told."""
    found = {"mutants": 10, "killed": 8, "timeout": 1, "survived": 1, "equivalent": 0}
    mutation = {
        "at": "2026-11-23 12:00Z",
        "packages": {"shared/domain": found, "shared/application": None},
        "modules": {"shared/domain/rollout.py": {"score": found}},
    }
    lines = page({}, {}, mutation).splitlines()
    assert "| **shared/domain** | 10 | 8 | 1 | 1 | 0 | 90.0% |" in lines
    assert "| `shared/domain/rollout.py` | 10 | 8 | 1 | 1 | 0 | 90.0% |" in lines
    assert any(line.startswith("| **shared/application** | not run |") for line in lines)
    assert "Not run." in page({}, {}).splitlines()


def test_page_is_in_the_docs_with_every_drill() -> None:
    """The page that is read is that of the drills that there are."""
    text = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
    assert [name for name in sorted(DRILLS) if f"| {name.partition(': ')[2]} |" not in text] == []
