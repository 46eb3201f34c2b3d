"""Writes what was found into the README, between two marks."""

from __future__ import annotations

import ast
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from .coverage import FAILS, LOCAL, REFUSED, WORKS, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from .rest_models import Exchange

BEGIN, END = "<!-- conformance: begin -->", "<!-- conformance: end -->"
FIGURES = {
    "start_seconds": ("start, once Azurite runs", "s"),
    "call_in_process_ms": ("a call in process, median", "ms"),
    "call_over_tls_ms": ("a call over TLS, median", "ms"),
    "list_page_of_10000_jobs_ms": ("a page (100) of 10,000 jobs over TLS, median", "ms"),
    "step_overhead_ms": ("a pipeline step beyond its process", "ms"),
    "memory_mb": ("resident after that", "MB"),
    "load": ("load of the machine meanwhile, and its processors", ""),
}


@dataclass(frozen=True, slots=True)
class Tested:
    """What a run of the tests showed: behaviours with their outcome, samples with their seconds."""

    behaviours: dict[str, bool]
    samples: dict[str, float]


def read_junit(*paths: Path) -> Tested:
    """Read the properties `behaviour`, `sample` and `seconds` from reports of tests."""
    behaviours: dict[str, bool] = {}
    samples: dict[str, float] = {}
    trees = [ElementTree.parse(path) for path in paths]  # noqa: S314 - of our own tests
    for case in chain.from_iterable(tree.iter("testcase") for tree in trees):
        said = {p.get("name"): p.get("value", "") for p in case.iter("property")}
        passed = all(case.find(kind) is None for kind in ("failure", "error", "skipped"))
        if "behaviour" in said:
            words = said["behaviour"]
            behaviours[words] = behaviours.get(words, True) and passed
        if "sample" in said and passed:
            samples[said["sample"]] = float(said["seconds"])
    return Tested(behaviours, samples)


def marked_behaviours(folder: Path) -> set[str]:
    """Give the words of all `pytest.mark.behaviour("…")` in the test modules of a folder."""
    found = set()
    for path in folder.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.behaviour"):
                found.add(str(ast.literal_eval(node.args[0])))
    return found


def with_marks(tested: Tested, marked: set[str], before: str) -> Tested:
    """Give the behaviours that tests are marked with; what was not run counts as the suite does.

    Samples that were not run keep the time that the section `before` gives them.
    """
    outcomes = {words: tested.behaviours.get(words, True) for words in marked}
    rows = re.findall(r"^\| (.+) \| ([\d.]+) \|$", before, re.MULTILINE)
    return Tested(outcomes, {**{name: float(time) for name, time in rows}, **tested.samples})


def operations_section(results: list[Result], others: Mapping[str, int]) -> str:
    """Give the table of the SDK's operations."""
    kinds: dict[str, list[Result]] = {}
    for each in results:
        kinds.setdefault(each.method.partition(".")[0], []).append(each)
    works = sum(each.outcome == WORKS for each in results)
    refused = sum(each.outcome == REFUSED for each in results)
    lines = [
        f"**{works} of the {len(results)} operations** that the SDK's classes offer for these "
        f"kinds work, {refused} answer 501 by name. Each was called, by its probe.",
        "",
        "| `MLClient.` | works | does not |",
        "|---|---|---|",
    ]
    for kind, some in kinds.items():
        good = [_short(each) for each in some if each.outcome == WORKS]
        bad = [_short(each) for each in some if each.outcome != WORKS]
        lines.append(f"| `{kind}` {len(good)}/{len(some)} | {', '.join(good)} | {', '.join(bad)} |")
    listed = ", ".join(f"{name} ({count})" for name, count in others.items())
    lines += ["", f"Neither counted nor probed: {listed}."]
    notes = [each for each in results if each.outcome in (FAILS, LOCAL)]
    lines += ["", *(f"- `{each.method}`: {each.words}" for each in notes)]
    return "\n".join(lines)


def rest_section(pairs: Iterable[tuple[Exchange, str]]) -> str:
    """Give the REST operations by group, without those groups of which nothing is here."""
    groups: dict[str, list[tuple[str, bool]]] = {}
    for exchange, name in pairs:
        group, _, operation = exchange.name.partition(".")
        groups.setdefault(group, []).append((operation.removeprefix("begin_"), bool(name)))
    here = {group: some for group, some in groups.items() if any(ok for _, ok in some)}
    total = sum(len(some) for some in here.values())
    good = sum(ok for some in here.values() for _, ok in some)
    lines = [
        f"The REST operations of the SDK's generated clients: {good} of {total} in these groups.",
        "",
        "| group | implemented | 501 |",
        "|---|---|---|",
    ]
    for group, some in sorted(here.items()):
        yes = ", ".join(name for name, ok in some if ok)
        no = ", ".join(name for name, ok in some if not ok)
        lines.append(f"| {group} | {yes} | {no} |")
    lines += ["", f"Nothing of: {', '.join(sorted(groups.keys() - here.keys()))}."]
    return "\n".join(lines)


def tested_section(tested: Tested) -> str:
    """Give behaviours and samples."""
    passed = sum(tested.behaviours.values())
    lines = [
        f"{passed} of {len(tested.behaviours)} behaviours of the real service, a test each:",
        "",
    ]
    for words, good in sorted(tested.behaviours.items()):
        lines.append(f"- {words}" if good else f"- **fails**: {words}")
    lines += ["", "| sample | seconds |", "|---|---|"]
    lines += [f"| {name} | {seconds:g} |" for name, seconds in sorted(tested.samples.items())]
    return "\n".join(lines)


def figures_section(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Give speed and size beside what they may be."""
    lines = ["| `emulator/bench` | measured | at most |", "|---|---|---|"]
    for name, (words, unit) in FIGURES.items():
        row = figures[name]
        over = " (over)" if row["value"] > row["limit"] else ""
        lines.append(
            f"| {words} | {row['value']:g} {unit}{over} | {row['limit']:g} {unit} |".replace(
                "  ", " "
            )
        )
    return "\n".join(lines)


def page(sections: Mapping[str, str]) -> str:
    """Give all sections, each below its heading."""
    return "\n\n".join(f"### {title}\n{text}" for title, text in sections.items())


def replaced(readme: str, text: str) -> str:
    """Give the README with other words between the marks; raises ValueError without marks."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"there is no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def section(readme: str, title: str) -> str:
    """Give the words below one heading between the marks; empty when it is not there."""
    inside = readme.partition(BEGIN)[2].partition(END)[0]
    match = re.search(rf"### {re.escape(title)}\n(.*?)(?=\n\n### |\n*\Z)", inside, re.DOTALL)
    return match[1].strip() if match else ""


def listed_behaviours(text: str) -> set[str]:
    """Give the behaviours that a section lists."""
    return set(_bullets(text))


def read_figures(path: Path) -> Any:
    """Read what the bench printed."""
    return json.loads(path.read_text())


def _bullets(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("- "):
            yield line.removeprefix("- ").removeprefix("**fails**: ")


def _short(result: Result) -> str:
    return result.method.partition(".")[2]
