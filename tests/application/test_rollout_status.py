"""What is told of a rollout follows from what was saved, and from the checks on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.application.rollout_status import CHECKS_SHOWN, rollout_status
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.state import ModelState, Phase
from tests.builders import NOON, champion, minutes, rollout, spec, state

SPEC = spec()
CANARY = Phase.CANARY


def told(of: ModelState, *decisions: Decision) -> dict[str, Any]:
    """What is told of a model's rollout."""
    shown = rollout_status(of, SPEC, decisions)
    assert shown is not None
    return shown


def check(minute: float, outcome: str = "no_data", deployment: str = "v2-e1") -> Decision:
    """A decision about a check, so many minutes after the rollout began."""
    return Decision(
        id=f"d{minute}",
        model="flights",
        at=NOON + minutes(minute),
        cause="tick",
        kind=Kind.HELD,
        reasons=(Reason("nothing_due", "nothing is due"), Reason("soaking", f"seen {minute}")),
        about=("version:2", f"deployment:{deployment}"),
        facts={"check": outcome, "step": 10, "counts": {deployment: {"requests": 5}}},
    )


WISHES: dict[str, tuple[dict[str, Any], bool, int | None, dict[str, int]]] = {
    "provisioning": ({"phase": Phase.PROVISIONING}, True, None, {"v1-e1": 100}),
    "first model": ({"phase": Phase.SMOKE}, False, None, {}),
    "first step": ({"phase": CANARY}, True, 1, {"v1-e1": 90, "v2-e1": 10}),
    "second step": ({"phase": CANARY, "step": 1}, True, 2, {"v1-e1": 50, "v2-e1": 50}),
    "last step": ({"phase": CANARY, "step": 2}, True, 3, {"v2-e1": 100}),
    "step of an older policy": ({"phase": CANARY, "step": 7}, True, 3, {"v2-e1": 100}),
    "nothing to compare": ({"phase": CANARY}, False, 1, {"v2-e1": 100}),
    "at once": ({"phase": CANARY, "instant": True}, True, None, {"v2-e1": 100}),
    "going back": ({"phase": CANARY, "going_back": "errors"}, True, 1, {"v1-e1": 100}),
    "gone back": ({"phase": Phase.ROLLED_BACK}, True, None, {"v1-e1": 100}),
    "succeeded": ({"phase": Phase.SUCCEEDED}, True, None, {"v2-e1": 100}),
}


@pytest.mark.parametrize(("changes", "ruled", "step", "traffic"), WISHES.values(), ids=WISHES)
def test_step_and_traffic_follow_from_the_phase(
    changes: dict[str, Any], ruled: bool, step: int | None, traffic: dict[str, int]
) -> None:
    """In every phase the wished shares are whole, and a step is only told of a canary."""
    of = state(champion=champion() if ruled else None, rollout=rollout(**changes))
    shown = told(of)
    assert (shown["step"], shown["traffic"]) == (step, traffic)
    assert sum(traffic.values()) in (0, 100)
    assert shown["ended"] == changes["phase"].ended


def test_container_is_switched_without_steps() -> None:
    """A container gives the version all callers at once."""
    of = state(champion=champion(), rollout=rollout(CANARY))
    shown = rollout_status(of, replace(SPEC, serving="container"), [])
    assert shown is not None
    assert (shown["step"], shown["traffic"]) == (None, {"v2-e1": 100})


def test_model_without_rollout_has_none() -> None:
    """Before the first promotion there is nothing to tell."""
    assert rollout_status(state(), SPEC, [check(1)]) is None


def test_newest_checks_of_this_rollout_are_told_with_their_numbers() -> None:
    """Checks of other deployments, of an earlier try and of other decisions are left out."""
    other = replace(check(3), facts={"counts": {}})
    rows = [check(-5), check(1, deployment="v1-e1"), other, *(check(n) for n in range(4, 12))]
    shown = told(state(champion=champion(), rollout=rollout(CANARY)), *rows)["checks"]
    assert [each["text"] for each in shown] == [f"seen {n}" for n in range(7, 12)]
    assert len(shown) == CHECKS_SHOWN
    last = {**shown[-1]}
    assert last == {
        "at": (NOON + timedelta(minutes=11)).isoformat(),
        "outcome": "no_data",
        "share": 10,
        "text": "seen 11",
        "counts": {"v2-e1": {"requests": 5}},
    }


def test_flags_and_limits_are_told() -> None:
    """Whoever reads it sees what is waited for, and what would end it."""
    changes: dict[str, Any] = {"paused": True, "failed_checks": 1, "soaking_since": NOON}
    shown = told(state(champion=champion(), rollout=rollout(CANARY, **changes)))
    assert (shown["paused"], shown["failed_checks"], shown["failed_checks_allowed"]) == (True, 1, 0)
    assert (shown["soaking_since"], shown["soak_seconds"]) == (NOON.isoformat(), 600)
    assert (shown["requests_min"], shown["steps"]) == (100, [10, 50, 100])
