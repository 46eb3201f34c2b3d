"""Alert rules ask for what is emitted, and what they would send ends in the right issue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from shared.domain.signals import Dimension, Log, Metric
from tests.application.conftest import World, world
from tests.application.telling import LINKS, alert, told_by

__all__ = ["world"]

ROOT = Path(__file__).resolve().parents[2]
BICEP = (ROOT / "infra" / "modules" / "alerts.bicep").read_text()
RULES = {
    part[1]: dict(re.findall(r"^    (\w+): '?(.*?)'?$", part[0], re.M))
    for part in re.finditer(r"^  \{\n    name: '([\w-]+)'\n.*?^  \}", BICEP, re.M | re.S)
}
METRIC_RULES = set(re.findall(r"name: 'noon-([a-z-]+)'\n  location: 'global'\n  tags", BICEP))
WANTED = {
    "slot-overdue",
    "silent",
    "champion-old",
    "gate-refused",
    "rolled-back",
    "poison",
    "dead-letters",
    "predictions-failing",
    "predictions-slow",
    "drift",
}
OF_MODELS = {name for name, rule in RULES.items() if rule["dimension"]}


def test_every_rule_is_there() -> None:
    """What the design asks for, what nobody would hear of otherwise, and the platform's count."""
    assert set(RULES) == WANTED
    assert {"server-errors"} == METRIC_RULES
    assert {"silent", "poison", "dead-letters"} == WANTED - OF_MODELS


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_rule_asks_for_what_is_emitted(name: str) -> None:
    """Each name in a query is one that the app's telemetry has; a wrong one would never fire."""
    rule = RULES[name]
    quoted = set(re.findall(r'"([^"]+)"', rule["query"]))
    names = {each for each in quoted if each.startswith("noon.")}
    assert names
    assert names <= {*Metric, *Dimension, *Log}
    assert len(names & set(Metric)) == 1
    assert quoted - names <= {"rolled_back", "failed", "late", "answered"}
    if rule["measure"]:
        assert re.search(rf"\b{rule['measure']} =", rule["query"])
    assert rule["query"].startswith("customMetrics | where name == ")


@pytest.mark.parametrize("name", sorted(OF_MODELS))
def test_a_rule_of_models_fires_for_each_by_itself(name: str) -> None:
    """The model is a column of the result and the rule's dimension."""
    rule = RULES[name]
    assert rule["dimension"] == "model"
    assert 'model = tostring(customDimensions["noon.model"])' in rule["query"]
    assert re.search(r"by model\b", rule["query"])


def test_numbers_and_spans_are_what_azure_takes() -> None:
    """Within the limits of log alert rules: windows up to two days, checked at least as often."""
    minutes = {"PT5M": 5, "PT15M": 15, "PT1H": 60, "PT6H": 360}
    for rule in RULES.values():
        assert minutes[rule["every"]] <= minutes[rule["window"]] <= 2 * 24 * 60
        assert rule["operator"] in ("GreaterThan", "GreaterThanOrEqual", "LessThan")
        assert rule["severity"] in "01234"
        assert rule["threshold"].isdigit() or f"param {rule['threshold']} int" in BICEP


def test_every_rule_has_its_runbook_and_no_other_has() -> None:
    """The anchor in the page is the rule's name without its beginning; each says all it must."""
    page = (ROOT / "docs" / "runbooks.md").read_text()
    anchors = re.findall(r"^\(([\w-]+)\)=\n## ([\w-]+): ", page, re.M)
    assert [anchor for anchor, title in anchors if anchor != title] == []
    assert {anchor for anchor, _ in anchors} == WANTED | METRIC_RULES
    for part in page.split("\n## ")[1:]:
        for word in ("**Means.**", "**See more.**", "**Do.**", "**Ignore**"):
            assert part.count(word) == 1, part[:40]


def test_the_action_group_posts_to_the_function() -> None:
    """In the common schema, to the route that the app has, with the key of that function alone."""
    assert "/api/alerts?code=${handler.listKeys().default}" in BICEP
    assert re.search(r"resource handler [^\n]+ \{\n  parent: app\n  name: 'alerts'", BICEP)
    code = (ROOT / "function_app" / "alerts.py").read_text()
    assert '@blueprint.function_name("alerts")' in code
    assert 'route="alerts", methods=["POST"]' in code
    assert "useCommonAlertSchema: false" not in BICEP


def metric_alert(content: dict[str, Any]) -> dict[str, Any]:
    """The same as a metric alert of the platform says it."""
    essentials, context = content["data"]["essentials"], content["data"]["alertContext"]
    essentials |= {"signalType": "Metric", "monitoringService": "Platform"}
    context["conditionType"] = "SingleResourceMultipleMetricCriteria"
    (condition,) = context["condition"]["allOf"]
    for name in ("searchQuery", "metricMeasureColumn", "linkToFilteredSearchResultsUI"):
        del condition[name]
    condition |= {"metricName": "Http5xx", "metricNamespace": "Microsoft.Web/sites"}
    return content


@pytest.mark.parametrize("name", sorted(WANTED | METRIC_RULES))
def test_what_a_rule_sends_ends_in_its_issue(world: World, name: str) -> None:
    """Fired opens one issue with the rule's words, model and runbook, and Resolved closes it."""
    told, model = told_by(world), "flights" if name in OF_MODELS else None
    for condition in ("Fired", "Resolved"):
        content = alert(1, condition, model=model, rule=f"noon-{name}", dimension="model")
        if name in METRIC_RULES:
            content = metric_alert(content)
        else:
            rule = RULES[name]
            (met,) = content["data"]["alertContext"]["condition"]["allOf"]
            met["metricMeasureColumn"] = rule["measure"] or None
            content["data"]["essentials"]["description"] = rule["description"]
        told.hear(content)
        (issue,) = told.tracker.issues.values()
        assert issue.is_open is (condition == "Fired")
    body = issue.draft.body
    assert issue.draft.title == f"noon-{name}: {model or 'ws'}"
    assert f"({LINKS.runbooks_url}#{name})" in body
    if name not in METRIC_RULES:
        assert RULES[name]["description"] in body
    assert "17.5" in body
