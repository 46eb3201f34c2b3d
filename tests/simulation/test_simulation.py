"""The simulation itself: it finds nothing in the code as it is, and says the same thing twice."""

from __future__ import annotations

import json

import pytest

from simulation.run import run_simulation, simulate

SEEDS, DAYS = 20, 40


def test_every_invariant_holds_whatever_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty times forty days of faults and chance violate no invariant."""
    code = run_simulation(seeds=SEEDS, days=DAYS, as_json=True)
    summary = json.loads(capsys.readouterr().out)
    assert summary["failed"] == []
    assert code == 0
    # The histories were no quiet ones.
    assert summary["reconciles"] > SEEDS * DAYS * 20
    assert summary["jobs"] > SEEDS * DAYS / 2
    assert summary["promoted"] > SEEDS * 5
    kinds = {"busy", "conflict", "crash_after", "crash_before", "lost_after", "lost_before"}
    assert kinds | {"race", "slow", "stale"} <= set(summary["faults"])
    assert min(summary["faults"].values()) > 5


def test_a_seed_is_one_history() -> None:
    """What a seed has shown it shows again."""
    assert simulate(5, models=1, days=20) == simulate(5, models=1, days=20)
    assert simulate(5, models=1, days=20) != simulate(6, models=1, days=20)


def test_many_models_share_a_control_plane() -> None:
    """Models do not disturb each other: a hundred live a day side by side."""
    result = simulate(1, models=100, days=1)
    assert result.violation == ""
    assert result.reconciles > 100 * 10
