"""The queries of operators: each is KQL, and asks for nothing that Noon does not send.

Microsoft's own compiler of KQL reads them against the tables of Application Insights; what they
ask of names and dimensions is compared with `shared.domain.signals`.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from azure_emulator.node import find_node

from shared.domain.decision import Kind
from shared.domain.signals import Dimension, Log, Metric, Span

ROOT = Path(__file__).resolve().parents[2]
KUSTO = Path(__file__).parent / "kusto"
QUERIES = {path.stem: path.read_text() for path in sorted((ROOT / "infra/queries").glob("*.kql"))}
WORKBOOK = ROOT / "infra" / "workbook.json"
MODULE = (ROOT / "infra" / "modules" / "workbook.bicep").read_text()
PAGE = (ROOT / "docs" / "operations.md").read_text()

EVERY = (
    "timestamp: datetime, operation_Id: string, operation_ParentId: string, operation_Name: string,"
    " cloud_RoleName: string, cloud_RoleInstance: string, itemCount: int, customDimensions: dynamic"
)
CALL = "id: string, name: string, success: bool, resultCode: string, duration: real"
TABLES = {
    "requests": f"{EVERY}, {CALL}, source: string, url: string",
    "dependencies": f"{EVERY}, {CALL}, target: string, type: string, data: string",
    "traces": f"{EVERY}, message: string, severityLevel: int",
    "customMetrics": f"{EVERY}, name: string, value: real, valueCount: int, valueSum: real,"
    " valueMin: real, valueMax: real",
}
"""The columns of Application Insights' tables that are used here."""
NAMES = {
    "customMetrics": set(Metric),
    "requests": {Span.RECONCILE},
    "dependencies": set(Span) - {Span.RECONCILE},
}
VALUES: dict[str, set[str]] = {Dimension.LOG: set(Log), Dimension.KIND: set(Kind)}


def test_every_query_is_understood_by_the_compiler_of_kql() -> None:
    """Tables, columns, functions and types: what it says of them is nothing."""
    said = _analysed({**QUERIES, "wrong": "traces | where nonsense == 1"})
    assert said.pop("wrong"), "a wrong query is found"
    assert said == {name: [] for name in QUERIES}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_what_is_sent(name: str) -> None:
    """Dimensions, metrics, spans and kinds of lines are those of the code, letter by letter."""
    text = QUERIES[name]
    dimensions = set(re.findall(r'customDimensions\["([^"]+)"\]', text))
    assert dimensions <= set(Dimension)
    assert "customDimensions." not in text, "a name with dots stands in brackets"
    for part in re.split(r";|\n(?=\w)", text):
        for table, known in NAMES.items():
            if re.match(rf"(let \w+ = )?{table}\b", part.strip()):
                asked = re.findall(r'\bname == "([^"]+)"', part)
                for listed in re.findall(r"\bname in \(([^)]*)\)", part):
                    asked += re.findall(r'"([^"]+)"', listed)
                assert set(asked) <= known, part


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_names_reasons_that_decisions_have(name: str) -> None:
    """Codes, verdicts and outcomes in a query are words of the code."""
    words = set(re.findall(r'"([a-z]+(?:_[a-z]+)*)"', QUERIES[name]))
    for expression in re.findall(r'regex "([^"]+)"', QUERIES[name]):
        words |= set(expression.split("|"))
    code = "\n".join(path.read_text() for path in sorted((ROOT / "shared").rglob("*.py")))
    made = {f"job_{status}" for status in ("failed", "canceled")}
    unknown = {word for word in words if f'"{word}"' not in code} - made
    assert unknown == set()


def test_the_workbook_shows_every_query_once() -> None:
    """The page names the files, and the module puts each file's text in its place."""
    page = workbook()
    shown = [item["content"]["query"] for item in page["items"] if item["type"] == 3]
    assert sorted(shown) == sorted(QUERIES.values())
    loaded = dict(re.findall(r"'(\w+)\.kql': loadTextContent\('\.\./queries/(\w+)\.kql'\)", MODULE))
    assert loaded == {name: name for name in QUERIES}
    identifiers = [item["name"] for item in page["items"]]
    assert len(set(identifiers)) == len(identifiers)
    (parameters,) = (item["content"]["parameters"] for item in page["items"] if item["type"] == 9)
    named = {parameter["name"] for parameter in parameters}
    used = set(re.findall(r"\{(\w+)\}", "".join(QUERIES.values())))
    assert used | {"TimeRange"} == named
    for item in page["items"]:
        if item["type"] == 3:
            assert item["content"]["timeContextFromParameter"] == "TimeRange"


def test_the_workbook_is_deployed() -> None:
    """`main.bicep` makes it, beside the resource that it asks."""
    main = (ROOT / "infra" / "main.bicep").read_text()
    assert "module workbook 'modules/workbook.bicep'" in main
    assert "applicationInsightsId: monitoring.outputs.applicationInsightsId" in main


@pytest.mark.parametrize("name", QUERIES)
def test_the_page_for_operators_explains_a_query(name: str) -> None:
    """It is included, explained, and followed by what to do."""
    included = f"```{{literalinclude}} ../infra/queries/{name}.kql"
    assert PAGE.count(included) == 1
    after = PAGE.partition(included)[2].partition("\n## ")[0].partition("\n### ")[0]
    assert "**What to do.**" in after


def workbook() -> dict[str, Any]:
    """The workbook's JSON as the module deploys it."""
    page: dict[str, Any] = json.loads(WORKBOOK.read_text())
    for item in page["items"]:
        if item["type"] == 3:
            name = item["content"]["query"].removesuffix(".kql")
            item["content"]["query"] = QUERIES[name]
    return page


def _analysed(queries: dict[str, str]) -> dict[str, list[str]]:
    """What the compiler says of each query."""
    ran = subprocess.run(
        [find_node().program, str(KUSTO / "analyze.cjs")],
        input=json.dumps({"tables": TABLES, "queries": queries}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    said: dict[str, list[str]] = json.loads(ran.stdout)
    return said
