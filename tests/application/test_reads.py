"""What the API tells of a model, from tables and files alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.application import intake
from shared.application.decision_pages import LOOKED_AT, cursor, decisions
from shared.application.fleet import fleet
from shared.application.model_detail import model_detail, model_schema
from shared.application.rollout_view import rollout_view
from shared.application.runs import runs
from shared.application.versions import versions
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.errors import MalformedError, NotFoundError
from shared.domain.events import Verb
from shared.domain.facts import JobStatus
from tests.application.conftest import World
from tests.application.reading import told
from tests.application.story import complete, land, refuse_data, running, write
from tests.application.test_canary import rolling, state_of
from tests.application.test_container import contained
from tests.builders import NOON, against

__all__ = ["contained", "rolling"]

WORSE = against(2, 0.75, -0.05, -0.07, -0.03)


def flights(world: World) -> dict[str, Any]:
    """Flights at a glance."""
    content, calls = told(world, fleet, "Fleet")
    assert calls == {"state.load": 2, "decisions.since": 2, "health.read": 2}
    shown: dict[str, Any] = content["models"][1]
    assert shown["name"] == "flights"
    return shown


def rolled(world: World) -> dict[str, Any]:
    """How the rollout of flights stands."""
    content, calls = told(world, lambda plane: rollout_view(plane, "flights"), "RolloutAnswer")
    assert calls.total() <= 3
    return content


def ran(world: World) -> dict[str, Any]:
    """The runs of flights."""
    content, calls = told(world, lambda plane: runs(plane, "flights"), "Runs")
    assert calls == {"state.load": 1, "decisions.about": 2}
    return content


def judged(world: World) -> dict[str, Any]:
    """What the gate judged of flights."""
    content, _ = told(world, lambda plane: versions(plane, "flights"), "Versions")
    return content


def possible(world: World) -> set[str]:
    """The orders that make sense now."""
    orders = rolled(world)["orders"]
    assert {order["verb"] for order in orders} == set(Verb)
    assert all((order["why_not"] is None) == order["possible"] for order in orders)
    return {order["verb"] for order in orders if order["possible"]}


def test_model_never_seen_is_told_as_such(world: World) -> None:
    """Before the first tick everything is empty, and it is said what comes next."""
    shown = flights(world)
    assert shown["next"]["action"] == "look_at_model"
    assert shown["champion"] is shown["rollout"] is shown["decision"] is None
    assert shown["health"]["state"] == "no_champion"
    told(world, lambda plane: model_detail(plane, "flights"), "ModelDetail")
    assert rolled(world)["rollout"] is None
    assert possible(world) == {"train"}
    assert ran(world)["jobs"] == judged(world)["versions"] == []


def test_next_action_follows_the_story(world: World) -> None:
    """New data settles, a job runs, a rollout goes on, and then the next slot is waited for."""
    world.go_on(1)
    land(world, "a.csv")
    world.work_off()
    settling = flights(world)["next"]
    assert (settling["action"], settling["at"]) == ("train", "2026-11-23T12:04:00+00:00")
    assert "settles" in settling["why_not_now"]
    world.go_on(5)
    assert flights(world)["next"]["action"] == "judge_challenger"
    assert "runs" in flights(world)["next"]["why_not_now"]
    complete(world)
    world.go_on(15, callers=100)
    shown = flights(world)
    assert shown["champion"]["version"] == 1
    assert shown["next"] == {
        "action": "train",
        "at": "2026-11-24T12:00:00+00:00",
        "why_not_now": "the next slot is 20261124t1200",
    }
    assert shown["slots"]["last"] == {
        "key": "20261123t1200",
        "due_at": "2026-11-23T12:00:00+00:00",
    }


def test_health_is_that_of_the_champion(rolling: World) -> None:
    """A champion that fails is failing, one that answers is healthy, and silence is no data."""
    rolling.clock.advance(timedelta(hours=1))
    assert flights(rolling)["health"]["state"] == "no_data"
    for sick, state in ((set[str](), "healthy"), ({"v1-e1"}, "failing")):
        rolling.sick = sick
        rolling.call(200)
        rolling.clock.advance(timedelta(minutes=2))
        assert flights(rolling)["health"]["state"] == state
    numbers = {each["deployment"]: each for each in flights(rolling)["health"]["deployments"]}
    assert numbers["v1-e1"]["requests"] == 2 * 180
    assert numbers["v1-e1"]["failures"] == 180


def test_canary_is_told_with_its_checks(rolling: World) -> None:
    """Phase, shares, steps and the numbers of each check, which soak for how long."""
    rolling.go_on(3, callers=200)
    content = rolled(rolling)
    rollout = content["rollout"]
    assert (rollout["phase"], rollout["deployment"]) == ("canary", "v2-e1")
    assert [step["state"] for step in rollout["steps"]] == ["present", "to_come", "to_come"]
    assert content["traffic"] == [
        {"deployment": "v1-e1", "percent": 90},
        {"deployment": "v2-e1", "percent": 10},
    ]
    assert rollout["soaks_until"] > rollout["soaking_since"]
    check = rollout["checks"][0]
    assert check["share"] == 10
    assert {each["deployment"] for each in check["deployments"]} == {"v1-e1", "v2-e1"}
    assert check["deployments"][0]["requests"] > 0
    assert possible(rolling) == {"train", "pause", "abort", "rollback", "proceed", "accept"}
    assert flights(rolling)["next"]["action"] == "advance_rollout"
    assert flights(rolling)["rollout"]["share"] == 10


def test_orders_are_possible_when_they_would_be_obeyed(rolling: World) -> None:
    """A paused rollout can be resumed, one that goes back takes no order, and the end is told."""
    intake.order(rolling.plane, "flights", Verb.PAUSE, "ann", "lunch")
    rolling.work_off()
    assert possible(rolling) == {"train", "resume", "abort", "rollback", "proceed", "accept"}
    assert flights(rolling)["next"]["action"] == "resume_rollout"
    intake.order(rolling.plane, "flights", Verb.ABORT, "ann", "no good")
    rolling.go_on(5)
    content = rolled(rolling)
    assert content["rollout"]["phase"] == "aborted"
    assert "no good" in content["rollout"]["reason"]
    assert content["traffic"] == [{"deployment": "v1-e1", "percent": 100}]
    kinds = [event["kind"] for event in content["history"]]
    assert kinds[0] == "ended"
    assert {"begun", "phase", "step", "order", "going_back"} & set(kinds) >= {"begun", "order"}
    refused = {each["verb"]: each["why_not"] for each in content["orders"] if each["why_not"]}
    assert refused["pause"] == "no rollout is in flight"
    assert refused["rollback"] == "there is no former version"


def test_versions_are_told_with_what_became_of_them(rolling: World) -> None:
    """The champion, the former one, one that was given up and those that were refused."""
    assert [each["role"] for each in judged(rolling)["versions"]] == ["rolling_out", "champion"]
    rolling.go_on(80, callers=200)
    rolling.clock.advance(timedelta(hours=2))
    land(rolling, "c.csv")
    rolling.go_on(5)
    training = running(rolling)
    lineage = {"schema": 1, "code_commit": "abc123"}
    write(rolling, training.job, "model/lineage.json", lineage)
    complete(rolling, **WORSE)
    rolling.go_on(3)
    content = judged(rolling)
    assert content["champion"] == 2
    assert [each["role"] for each in content["versions"]] == ["refused", "champion", "former"]
    refused = content["versions"][0]
    assert (refused["version"], refused["verdict"]) == (None, "retain")
    assert refused["difference"] == {
        "low": -0.07,
        "mean": -0.05,
        "high": -0.03,
        "compared_with": "champion",
    }
    assert refused["lineage"]["code_commit"] == "abc123"
    assert refused["lineage"]["data_version"] == training.manifest.data_version
    assert refused["reasons"][0]["code"] == "worse"
    assert content["versions"][1]["lineage"]["code_commit"] is None
    # The commit is known by now.
    _, calls = told(rolling, lambda plane: versions(plane, "flights"), "Versions")
    assert calls == {"state.load": 1, "decisions.about": 1, "files.read": 2}


def test_runs_are_told_from_slot_to_end(rolling: World) -> None:
    """A slot that got its job, one that was caught up, one that was missed, jobs and landings."""
    rolling.go_on(80, callers=200)
    rolling.clock.advance(timedelta(days=2))
    rolling.go_on(2)
    running_now = ran(rolling)["jobs"][0]
    assert (running_now["cause"], running_now["state"]) == ("slot", "running")
    refuse_data(rolling, ("flights/b.csv", "no such column"))
    rolling.go_on(2)
    content = ran(rolling)
    states = {slot["key"]: slot["state"] for slot in content["slots"]}
    assert states == {"20261125t1200": "caught_up", "20261124t1200": "missed"}
    caught = content["slots"][0]
    assert caught["due_at"] == "2026-11-25T12:00:00+00:00"
    assert caught["job"] == "flights-slot-20261125t1200-a1"
    refused, promoted, first = content["jobs"]
    assert refused["state"] == "data_refused"
    assert (promoted["state"], promoted["verdict"], promoted["version"]) == (
        "completed",
        "promote",
        2,
    )
    assert promoted["duration_seconds"] > 0
    assert first["files"] == 1
    assert first["because"] == "1 new files"
    assert [each["minutes"] for each in content["landings"]] == [1, 1]


def test_failed_job_and_its_next_attempt_are_two(world: World) -> None:
    """A name that failed is never used again; the second attempt says so."""
    land(world, "a.csv")
    world.go_on(5)
    world.jobs.finish(running(world).job, JobStatus.FAILED, "out of memory")
    world.go_on(2)
    again, failed = ran(world)["jobs"]
    assert (failed["state"], failed["attempt"]) == ("failed", 1)
    assert "out of memory" in failed["reasons"][-1]["text"]
    assert (again["state"], again["attempt"]) == ("running", 2)


def test_schema_is_what_the_form_needs(rolling: World) -> None:
    """Columns with kinds, categories and ranges, classes and sample rows."""
    job = state_of(rolling).champion.version.job  # type: ignore[union-attr]
    features = [
        {"name": "a", "kind": "number", "minimum": 0.0, "maximum": 9.5, "example": 3.0},
        {"name": "b", "kind": "category", "categories": ["x", "y"], "example": "x"},
    ]
    schema = {"schema": 1, "model": "flights", "task": "classification", "target": "late"}
    inputs = {"number": "number", "category": "category"}
    content = schema | {"classes": [False, True], "features": features, "inputs": inputs}
    with pytest.raises(NotFoundError, match=r"schema\.json"):
        model_schema(rolling.plane, "flights")
    write(rolling, job, "model/schema.json", content)
    found, calls = told(rolling, lambda plane: model_schema(plane, "flights"), "ModelSchema")
    assert calls == {"state.load": 1, "files.read": 2}
    assert [column["name"] for column in found["columns"]] == ["a", "b"]
    assert found["sample"][0] == {"a": 1}


def test_model_without_champion_has_no_schema(world: World) -> None:
    """That is said, with what is missing."""
    with pytest.raises(NotFoundError, match="no champion yet"):
        model_schema(world.plane, "flights")


def test_container_is_told_without_steps(contained: World) -> None:
    """A container is switched at once: no steps, and no shares to speak of."""
    content = rolled(contained)
    assert content["rollout"]["steps"] == []
    assert ran(contained)["jobs"]
    assert judged(contained)["versions"]


@pytest.mark.parametrize(
    "look", [model_detail, model_schema, versions, runs, rollout_view, decisions]
)
def test_unknown_model_is_named_with_the_known_ones(world: World, look: Any) -> None:
    """Whoever misspells a name sees the right ones."""
    with pytest.raises(NotFoundError, match="known are diabetes, flights"):
        look(world.plane, "flihgts")


def log_of(world: World, count: int) -> list[str]:
    """So many decisions of flights, two each minute, every tenth of them refused; their ids."""
    made = [
        Decision(
            f"d{number:04}",
            "flights",
            NOON + timedelta(minutes=number // 2),
            "tick",
            Kind.REFUSED if number % 10 == 0 else Kind.HELD,
            (Reason("r", "why"),),
        )
        for number in range(count)
    ]
    for decision in made:
        world.decisions.append(decision)
    return [decision.id for decision in made]


def page(world: World, **asked: Any) -> dict[str, Any]:
    """A part of the log of flights, for one storage call."""
    content, calls = told(world, lambda plane: decisions(plane, "flights", **asked), "Decisions")
    assert calls == {"decisions.since": 1}
    return content


def test_log_is_read_to_its_end_by_parts(world: World) -> None:
    """Going on from `older` gives each decision once, newest first, also those of one instant."""
    made = log_of(world, 95)
    seen: list[str] = []
    before = ""
    for _ in range(10):
        part = page(world, limit=10, before=before)
        seen += [decision["id"] for decision in part["decisions"]]
        before = part["older"]
        if before is None:
            break
    assert seen == made[::-1]


def test_log_is_followed_by_its_newest(world: World) -> None:
    """Who asks with `since` gets what came after, and nothing as long as nothing came."""
    log_of(world, 7)
    first = page(world, limit=5)
    again = page(world, since=first["newest"])
    assert (again["decisions"], again["newest"], again["older"]) == ([], first["newest"], None)
    made = log_of(world, 9)
    assert [each["id"] for each in page(world, since=first["newest"])["decisions"]] == made[:6:-1]
    later = page(world, since="2026-11-23T12:03:00Z")
    assert [each["id"] for each in later["decisions"]] == made[:5:-1]
    empty = page(world, since="2026-11-24T12:03:00Z")
    assert (empty["decisions"], empty["newest"]) == ([], None)


def test_kinds_are_looked_for_in_a_bounded_stretch(world: World) -> None:
    """A kind that is rare costs one call a part, and the parts together miss none."""
    made = log_of(world, 3 * LOOKED_AT)
    seen, parts, before = [], 0, ""
    while before is not None:
        part = page(world, kind=["refused"], limit=20, before=before)
        seen += [decision["id"] for decision in part["decisions"]]
        before, parts = part["older"], parts + 1
    assert seen == [id_ for id_ in reversed(made) if int(id_[1:]) % 10 == 0]
    assert parts <= 10


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"since": "yesterday"}, "since: 'yesterday' is no cursor"),
        ({"since": "2026-11-23T12:00"}, "says no offset"),
        ({"before": "2026-11-23T12:00:00Z"}, "before: .* is no cursor"),
    ],
)
def test_wrong_cursor_is_named(world: World, asked: dict[str, str], words: str) -> None:
    """What cannot be a place in the log is refused by name."""
    with pytest.raises(MalformedError, match=words):
        decisions(world.plane, "flights", **asked)


def test_reads_cost_the_same_with_thousands_of_decisions(rolling: World) -> None:
    """A history of years changes nothing in how often storage is asked."""
    rolling.go_on(80, callers=200)
    some = [each for each in rolling.decisions.decisions if each.model == "flights"]
    for number in range(5000):
        old = some[number % len(some)]
        at = old.at - timedelta(days=number // 10 + 1)
        rolling.decisions.append(replace(old, id=f"old-{number}", at=at))
    flights(rolling)
    rolled(rolling)
    ran(rolling)
    content, calls = told(rolling, lambda plane: versions(plane, "flights"), "Versions")
    assert content["more"]
    assert calls["decisions.about"] == 1
    assert calls.total() <= 12
    assert cursor(some[-1]) == page(rolling, limit=1)["newest"]
