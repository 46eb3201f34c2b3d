"""What rules may say: everything else is refused with a hint."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure_emulator.fault_presets import PRESETS
from azure_emulator.fault_rules import FAMILIES, BadRuleError, Family
from azure_emulator.faults import Faults

ARM = {"Jobs.Get", "Jobs.CreateOrUpdate", "OnlineDeployments.CreateOrUpdate"}


@pytest.fixture
def faults() -> Faults:
    """No rules yet, and a control plane with some operations."""
    faults = Faults()
    faults.operations |= ARM | {"OnlineEndpoints.CreateOrUpdate"}
    return faults


@pytest.mark.parametrize(
    ("rule", "error", "hint"),
    [
        ({}, "needs 'operation'", "Scoring.ENDPOINT.DEPLOYMENT"),
        ({"operation": "Jobs.Gte", "status": 500}, "no operation 'Jobs.Gte'", "Jobs.Get"),
        ({"operation": "Job.*", "status": 500}, "no operation 'Job.*'", "Jobs.Get"),
        ({"operation": "Scorings.a.b", "status": 500}, "no operation", "Scoring.ENDPOINT"),
        ({"operation": "Jobs.Get", "statuses": 500}, "no field 'statuses'", "'status'"),
        ({"operation": "Jobs.Get", "status": "500"}, "'status' cannot be '500'", "HTTP status"),
        ({"operation": "Jobs.Get", "status": 200}, "cannot be 200", "from 400 to 599"),
        ({"operation": "Jobs.Get", "status": True}, "cannot be True", "HTTP status"),
        ({"operation": "Jobs.Get", "count": 0, "status": 500}, "'count' cannot be 0", "at least 1"),
        ({"operation": "Jobs.Get", "count": 1.5, "status": 500}, "cannot be 1.5", "whole number"),
        ({"operation": "Jobs.Get", "probability": 0, "status": 500}, "cannot be 0", "above 0"),
        ({"operation": "Jobs.Get", "drop": "now"}, "'drop' cannot be 'now'", "'before'"),
        ({"operation": "Scoring.*", "delay_factor": 0.5}, "cannot be 0.5", "at least 1"),
        ({"operation": "Jobs.Get"}, "does nothing", "status"),
        ({"operation": "Jobs.Get", "code": "Conflict"}, "need a 'status'", "409"),
        ({"operation": "Jobs.Get", "status": 500, "copies": 2}, "'copies' means nothing", "drop"),
        ({"operation": "Hidden.a.b", "status": 500}, "'status' means nothing", "whole effect"),
        ({"operation": "Provisioning.a.b", "drop": "after"}, "'drop' means nothing", "code"),
        ({"preset": "quotas"}, "no preset 'quotas'", "quota"),
    ],
)
def test_a_wrong_rule_is_refused_by_name_with_a_hint(
    faults: Faults, rule: dict[str, Any], error: str, hint: str
) -> None:
    """What is wrong is named, what is right is said, and nothing is added."""
    with pytest.raises(BadRuleError) as refused:
        faults.add(rule)
    assert error in str(refused.value)
    assert hint in refused.value.hint
    assert faults.listed() == []


@pytest.mark.parametrize(
    "operation", ["*", "jobs.get", "Jobs.*", "*.CreateOrUpdate", "GET /subscriptions/*"]
)
def test_a_pattern_hits_calls_of_the_control_plane(faults: Faults, operation: str) -> None:
    """Names without case, globs, and calls that are not implemented."""
    assert faults.add({"operation": operation, "status": 500})


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_rule_that_was_read_can_be_given_again(faults: Faults, family: Family) -> None:
    """Fields that do nothing are no mistake, nor are hits."""
    effect: dict[str, Any] = {"delay_seconds": 1.0} if family.effects else {}
    faults.add({"id": "it", "operation": f"{family.name}.*", "count": None, **effect})
    (before,) = faults.listed()
    faults.add(before)
    assert faults.listed() == [before]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_rule_of_which_something_can_be_changed(faults: Faults, name: str) -> None:
    """Each of the catalogue is accepted under its own name; a field given besides wins."""
    faults.operations.add("OnlineEndpoints.List")
    assert faults.add({"preset": name}) == name
    faults.add({"preset": name, "id": "mine", "count": 3})
    assert [(rule["id"], rule["count"]) for rule in faults.listed()][1] == ("mine", 3)


def test_a_rule_is_spent_once_however_many_ask_at_once(faults: Faults) -> None:
    """Threads share the count."""
    faults.add({"operation": "Jobs.Get", "status": 500, "count": 50})
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: faults.take("Jobs.Get"), range(400)))
    assert sum(fault is not None for fault in taken) == 50
    assert faults.listed() == []
