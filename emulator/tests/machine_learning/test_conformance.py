"""The README says what the SDK itself finds, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
from azure_emulator.conformance import page
from azure_emulator.conformance.coverage import (
    FAILS,
    LOCAL,
    REFUSED,
    SDK_FAULTS,
    WORKS,
    Result,
    other_classes,
    probe,
    rest_operations,
)
from azure_emulator.conformance.probe_world import World
from azure_emulator.conformance.probes import LOCAL_MACHINE
from azure_emulator.in_process import InProcessAzure
from azure_emulator.testing import Emulator

EMULATOR = Path(__file__).resolve().parents[2]
README = (EMULATOR / "README.md").read_text()


@pytest.fixture(scope="module")
def results(
    ml_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Result], dict[str, int]]:
    """Every operation of the SDK, called once."""
    names = (ml_emulator.subscription, ml_emulator.resource_group, ml_emulator.workspace)
    client = MLClient(DefaultAzureCredential(), *names)
    found = probe(World(client, tmp_path_factory.mktemp("probes")))
    return found, other_classes(client)


@pytest.mark.filterwarnings("ignore")
def test_every_operation_works_or_is_refused_by_name(
    results: tuple[list[Result], dict[str, int]],
) -> None:
    """Nothing breaks in a way of its own but what the SDK itself gets wrong."""
    broken = {r.method: r.words for r in results[0] if r.outcome == FAILS}
    assert broken == {name: words for name, words in SDK_FAULTS.items() if name in broken}
    assert {r.method for r in results[0] if r.outcome == LOCAL} == set(LOCAL_MACHINE)
    assert all("not implemented" in r.words for r in results[0] if r.outcome == REFUSED)


@pytest.mark.filterwarnings("ignore")
def test_the_table_of_operations_is_what_the_probes_find(
    results: tuple[list[Result], dict[str, int]],
) -> None:
    """Otherwise: `make conformance`."""
    found = page.operations_section(*results)
    assert page.section(README, "Operations of the SDK") == found.strip()


def test_the_table_of_rest_operations_is_what_is_implemented() -> None:
    """Otherwise: `make conformance`."""
    with InProcessAzure() as azure:
        found = page.rest_section(rest_operations(azure.operations()))
    assert page.section(README, "REST operations") == found.strip()


def test_the_behaviours_are_those_that_tests_show() -> None:
    """Otherwise: `python -m azure_emulator.conformance emulator/README.md emulator/tests`."""
    listed = page.listed_behaviours(page.section(README, "Behaviours and samples"))
    assert listed == page.marked_behaviours(EMULATOR / "tests")


def test_a_report_of_tests_is_read(tmp_path: Path) -> None:
    """A behaviour holds when all its tests passed; a sample counts when it ran to its end."""
    report = tmp_path / "report.xml"
    case = '<testcase name="t"><properties>{}</properties>{}</testcase>'
    one = '<property name="behaviour" value="{}"/>'
    ran = '<property name="sample" value="{}"/><property name="seconds" value="1.5"/>'
    cases = [
        case.format(one.format("holds"), ""),
        case.format(one.format("half"), ""),
        case.format(one.format("half"), "<failure/>"),
        case.format(ran.format("taxi"), ""),
        case.format(ran.format("broken"), "<error/>"),
    ]
    report.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    tested = page.read_junit(report)
    assert tested == page.Tested({"holds": True, "half": False}, {"taxi": 1.5})
    text = page.tested_section(tested)
    assert "- **fails**: half" in text
    assert "| taxi | 1.5 |" in text
    assert page.listed_behaviours(text) == {"holds", "half"}
    again = page.with_marks(page.Tested({"half": False}, {}), {"half", "new"}, text)
    assert again == page.Tested({"half": False, "new": True}, {"taxi": 1.5})


def test_the_page_is_put_between_the_marks() -> None:
    """What stands around them stays."""
    results = [Result("jobs.get", WORKS), Result("jobs.dance", REFUSED, "dance: not implemented")]
    section = page.operations_section(results, {"batch_endpoints": 6})
    assert "1 of the 2" in section
    assert "| `jobs` 1/2 | get | dance |" in section
    figures = {name: {"value": 2.0, "limit": 1.0} for name in page.FIGURES}
    text = page.page({"Operations": section, "Speed": page.figures_section(figures)})
    whole = page.replaced(f"before\n{page.BEGIN}\nold\n{page.END}\nafter", text)
    assert whole.startswith(f"before\n{page.BEGIN}\n### Operations")
    assert whole.endswith(f"{page.END}\nafter")
    assert page.section(whole, "Operations") == section.strip()
    assert "2 s (over)" in page.section(whole, "Speed")
    with pytest.raises(ValueError, match="conformance: begin"):
        page.replaced("no marks", text)
