"""How the stages of a start follow from what the app says."""

from __future__ import annotations

from typing import Any

import pytest

from noon.local.following import gave_up, read_stages
from noon.local.stages import Stage, Stages, State

CHAMPION = {
    "version": 1,
    "deployment": "v1-e1",
    "score": {
        "metric": "roc_auc",
        "value": 0.71,
        "low": 0.19,
        "high": 0.22,
        "compared_with": "baseline prior",
        "trained_rows": 20000,
        "landed_rows": 26000,
        "holdout_rows": 6000,
    },
}
TRAINING = {"job": "flights-data-1-a1", "cause": "data", "planned_at": "2026-11-23T12:00:00+00:00"}
ROLLOUT = {"version": 1, "phase": "provisioning"}


def status(**known: Any) -> dict[str, Any]:
    """A model's status with nothing under way, except for what is known."""
    empty = {"name": "flights", "champion": None, "training": None, "rollout": None}
    return {**empty, "last_refusal": None, "decisions": [], **known}


def decided(code: str, text: str) -> dict[str, Any]:
    """A decision with one reason."""
    return {"kind": "acted", "reasons": [{"code": code, "text": text}], "outcome": "done"}


STORIES = {
    "nothing yet": (status(), {"training": (State.RUNNING, "waiting for data")}),
    "data settles": (
        status(decisions=[decided("settling", "new data is left to settle")]),
        {"training": (State.RUNNING, "new data is left to settle")},
    ),
    "a job runs": (
        status(training=TRAINING),
        {"training": (State.RUNNING, "flights-data-1-a1: train")},
    ),
    "promoted": (
        status(rollout=ROLLOUT, decisions=[decided("first", "0.71, the first over 0.5")]),
        {
            "training": (State.DONE, ""),
            "gate": (State.DONE, "promoted: 0.71, the first over 0.5"),
            "rollout": (State.RUNNING, "version 1: provisioning"),
        },
    ),
    "in place": (
        status(champion=CHAMPION, rollout={"version": 1, "phase": "succeeded"}),
        {
            "training": (State.DONE, "20000 rows, judged on 6000 held out"),
            "gate": (
                State.DONE,
                "promoted: roc_auc 0.7100 (+0.1900 to +0.2200 over baseline prior)",
            ),
            "rollout": (State.DONE, "version 1 as v1-e1"),
        },
    ),
}


@pytest.mark.parametrize(("model", "stages"), STORIES.values(), ids=STORIES)
def test_stages_follow_from_the_status(
    model: dict[str, Any], stages: dict[str, tuple[State, str]]
) -> None:
    """Every state of a model is a place in the story."""
    read = read_stages(model, "train")
    assert {reading.stage: (reading.state, reading.detail) for reading in read} == stages


HOPES = {
    "a refusal and nothing under way": (status(last_refusal="empty file"), "empty file"),
    "a refusal and the next try runs": (status(last_refusal="x", training=TRAINING), ""),
    "a refusal of a challenger": (status(last_refusal="worse", champion=CHAMPION), ""),
    "nothing yet": (status(), ""),
    "a first version that did not answer": (
        status(
            rollout={"version": 1, "phase": "rolled_back"},
            decisions=[decided("smoke_failed", "smoke test of v1-e1: it answered 500")],
        ),
        "version 1: rolled_back: smoke test of v1-e1: it answered 500",
    ),
}


@pytest.mark.parametrize(("model", "why"), HOPES.values(), ids=HOPES)
def test_a_story_ends_when_nothing_more_can_come(model: dict[str, Any], why: str) -> None:
    """A refusal ends the wait only while there is neither a champion nor another attempt."""
    assert gave_up(model) == why


def test_a_listener_hears_of_changes_only() -> None:
    """Saying the same twice is not news."""
    heard: list[tuple[State, str]] = []

    def changed(stage: Stage) -> None:
        heard.append((stage.state, stage.detail))

    stages = Stages(changed)
    for _ in range(3):
        stages.tell("data", State.RUNNING, "1 of 31")
    stages.tell("data", State.DONE, "31 of 31")
    assert heard == [(State.RUNNING, "1 of 31"), (State.DONE, "31 of 31")]


def test_a_stage_that_raises_has_failed() -> None:
    """Where a start broke off can be seen."""
    stages = Stages()

    def broken() -> None:
        with stages.running("app") as stage:
            stage.detail("loading")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert stages.by_name["app"].state == State.FAILED
    assert stages.by_name["app"].detail == "loading"
