"""Every planted situation has the outcome that it must have, and a drill can miss."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from dataclasses import asdict
from io import StringIO
from typing import Any

import pytest

from noon.__main__ import main
from noon.commands.drill import report, run_drills
from simulation.drills.drill import Drill, Found, agree, play_all
from simulation.drills.sets import SETS, play
from simulation.drills.world import new_world


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    """What `noon drill --json` tells of all sets."""
    with redirect_stdout(StringIO()) as out:
        code = main(["drill", "--json"])
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    assert [result for result in found if not result["passed"]] == []
    assert code == 0
    return found


def test_every_set_passes(told: list[dict[str, Any]]) -> None:
    """All drills of all sets go as expected, and are told of as a list with these keys."""
    assert {frozenset(result) for result in told} == {
        frozenset({"name", "expected", "got", "passed", "reason"})
    }
    assert len(told) > 80
    assert len({result["name"] for result in told}) == len(told)


@pytest.mark.parametrize("name", ["rollout", "trigger"])
def test_drills_repeat_themselves(told: list[dict[str, Any]], name: str) -> None:
    """Nothing of a drill depends on the real time or on chance."""
    again = [asdict(result) for result in play(name)]
    names = {result["name"] for result in again}
    assert again == [result for result in told if result["name"] in names]


def test_a_miss_ends_in_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    """A drill that ends otherwise than expected is a miss, with what happened instead."""
    drills = (
        Drill("expects too much", "Promote: better", lambda: Found("Retain: tie", "no difference")),
        Drill("is right", "Retain: tie", lambda: Found("Retain: tie, too_slow")),
    )
    results = list(play_all(drills))
    assert [result.passed for result in results] == [False, True]
    assert report(results, 1.0, as_json=False) == 1
    assert report(results[1:], 1.0, as_json=False) == 0
    assert "2 drills, 1 missed" in capsys.readouterr().out


def test_a_drill_that_breaks_down_is_a_miss() -> None:
    """An error in production code is a miss like any other, and the next drill is played."""

    def broken() -> Found:
        raise ZeroDivisionError("division by zero")

    drills = (Drill("breaks", "Retain", broken), Drill("goes on", "x", lambda: Found("x")))
    broke, went_on = play_all(drills)
    assert (broke.passed, broke.got) == (False, "broke down")
    assert "division by zero" in broke.reason
    assert went_on.passed


def test_no_drills_prove_nothing() -> None:
    """An empty run is a failure, so that a set that lost its drills is noticed."""
    assert run_drills([], as_json=True) == 1


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        ("Retain: tie", "Retain: tie", True),
        ("Retain: tie", "Retain: worse, tie", True),
        ("Retain: tie", "Retain: worse", False),
        ("Retain: tie", "Halt: tie", False),
        ("Retain", "Retain: worse", True),
        ("Retain: tie", "Retain", False),
    ],
)
def test_verdict_and_every_expected_reason_must_be_there(
    expected: str, got: str, same: bool
) -> None:
    """More reasons than expected are no miss; another verdict or a missing reason is."""
    assert agree(expected, got) is same


def test_planted_rule_breaking_is_seen() -> None:
    """A traffic map that is not whole is told of, whatever the rollout's phase says."""
    world = new_world()
    assert world.endpoint.broken_rules() == ""
    world.endpoint.written.append(({"v1-e1": 90}, {"v1-e1", "v2-e1"}))
    assert "not whole" in world.endpoint.broken_rules()


def test_sets_are_those_of_the_command() -> None:
    """Every set can be named on the command line."""
    assert sorted(SETS) == ["gate", "rollout", "trigger"]
    assert main(["drill", "nonsense"]) == 2
