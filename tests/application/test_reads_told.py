"""What others are shown and told, in full, at the end of each of the stories of `test_told.py`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.application.decision_pages import decisions
from shared.application.fleet import fleet
from shared.application.gauges import readings_of
from shared.application.plane import ControlPlane
from shared.application.rollout_view import rollout_view
from shared.application.runs import runs
from shared.application.versions import versions
from tests.application.conftest import World
from tests.application.telling import alert, told_by
from tests.application.test_told import STORIES, ordering, said

READS: dict[str, Callable[[ControlPlane], Any]] = {
    "runs": lambda plane: runs(plane, "flights"),
    "versions": lambda plane: versions(plane, "flights"),
    "rollout": lambda plane: rollout_view(plane, "flights"),
    "fleet": fleet,
    "page": lambda plane: decisions(plane, "flights", limit=3)["decisions"],
}


@pytest.mark.parametrize("story", STORIES)
def test_reads_are_told_in_full(world: World, story: str) -> None:
    """What the web page and scripts are shown, as it travels."""
    STORIES[story](ordering(world))
    for name, look in READS.items():
        said(f"reads_{name}", story, json.loads(json.dumps(look(world.plane), default=str)))


@pytest.mark.parametrize("story", STORIES)
def test_gauges_are_told_in_full(world: World, story: str) -> None:
    """Each metric with its value and what it is about."""
    STORIES[story](ordering(world))
    state = world.state.load("flights").state
    assert state is not None, "every story begins with a look at the model"
    plane, now = world.plane, world.clock.now()
    found = readings_of(state, plane.models["flights"], plane.ports.slots, now)
    said(
        "gauges",
        story,
        {each.metric.value: {"is": each.value, **each.attributes} for each in found},
    )


@pytest.mark.parametrize("story", ["ruled", "operated", "sick", "contained"])
def test_what_the_repository_is_told_in_full(world: World, story: str) -> None:
    """Events, a comment for each rollout's end, and an issue that an alert opens and closes."""
    STORIES[story](ordering(world))
    told = told_by(world)
    told.work_off()
    told.hear(alert())
    opened = [issue.is_open for issue in told.tracker.issues.values()]
    told.hear(alert(condition="Resolved"), alert(2, model=None, rule="noon-poison"))
    issues = [
        {
            "title": issue.draft.title,
            "labels": list(issue.draft.labels),
            "open": issue.is_open,
            "body": issue.draft.body.splitlines(),
            "comments": [text.splitlines() for _, text in issue.comments],
        }
        for issue in told.tracker.issues.values()
    ]
    said("issues", story, {"open at first": opened, "issues": issues})
    said("events", story, [dict(event.data) for event in told.publisher.published])
