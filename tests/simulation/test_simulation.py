"""The simulation itself: it finds nothing in the code as it is, and says the same thing twice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from simulation.costs import cost_table
from simulation.faults import ANY
from simulation.run import run_simulation, simulate

ROOT = Path(__file__).resolve().parents[2]
SEEDS, DAYS = 12, 40
"""Six are enough for everything to have happened; `make simulate` plays two hundred years."""
CALLS = {*ANY, "conflict_409", "stale", "etag_race", "etag_conflict", "outage", "two_workers"}
EVENTS = {"event_lost", "event_doubled", "event_late", "event_reordered", "message_doubled"}
TIMERS = {"tick_skipped", "tick_doubled", "daily_skipped", "daily_doubled"}
JOBS = {"job_failed", "job_cancelled", "job_late", "job_stuck", "data_refused"}
SERVING = {
    "deployment_fails",
    "quota_refused",
    "deployment_takes_an_hour",
    "deployment_is_sick",
    "deployment_is_slow",
    "deployment_is_broken",
    "container_cannot_load",
    "container_stops",
    "champion_sick",
    "image_released",
}
MODELS = {"challenger_better", "challenger_worse", "challenger_tie", "challenger_slightly_worse"}
PEOPLE = {
    "callers_come",
    "callers_go",
    "train_ordered",
    "pause_ordered",
    "resume_ordered",
    "abort_ordered",
    "rollback_ordered",
    "traffic_by_hand",
    "pointer_by_hand",
    "version_by_hand",
    "policy_changed",
}


def test_every_invariant_holds_whatever_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve times forty days violate no invariant, and everything that can happen happened."""
    code = run_simulation(seeds=SEEDS, days=DAYS, as_json=True)
    summary = json.loads(capsys.readouterr().out)
    assert summary["failed"] == []
    assert code == 0
    # The histories were no quiet ones.
    assert summary["reconciles"] > SEEDS * DAYS * 20
    assert summary["jobs"] > SEEDS * DAYS / 2
    assert summary["promoted"] > SEEDS * 5
    happened = {name for name, count in summary["faults"].items() if count}
    assert happened >= CALLS | EVENTS | TIMERS | JOBS | SERVING | MODELS | PEOPLE
    costs = summary["costs_of_a_model_year"]
    # Every pass, save those that raised before they could, is one decision in the log.
    assert 0.9 < costs["decisions"] / costs["passes"] < 1.3
    assert "| **Azure ML** |" in cost_table(costs)


def test_a_seed_is_one_history() -> None:
    """What a seed has shown it shows again."""
    assert simulate(5, models=1, days=20) == simulate(5, models=1, days=20)
    assert simulate(5, models=1, days=20) != simulate(6, models=1, days=20)


def test_many_models_share_a_control_plane() -> None:
    """Models do not disturb each other: a hundred live side by side until all have settled."""
    result = simulate(1, models=100, days=1)
    assert result.violation == ""
    assert result.reconciles > 100 * 10


def test_the_page_names_every_invariant() -> None:
    """What the checkers can say is in docs/simulation.md, with the module that says it."""
    text = (ROOT / "docs" / "simulation.md").read_text(encoding="utf-8")
    told = {
        (name, module)
        for name, modules in re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", text, re.MULTILINE)
        for module in re.findall(r"`(\w+\.py)`", modules)
    }
    said = re.compile(
        r'(?:ViolationError\(\s*|[( ]\()"(\w+)", (?=self\.(?:landed|orders)\b|[ft]|sk)'
    )
    checked = {
        (name, path.name)
        for path in (ROOT / "simulation").glob("*.py")
        for name in said.findall(path.read_text(encoding="utf-8"))
    }
    assert told == checked
