"""What is told of how something came to be."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.application import intake
from shared.application.why import answer, why
from shared.domain.errors import MalformedError, NotFoundError, UnavailableError
from shared.domain.events import Verb
from shared.domain.facts import JobStatus
from tests.application.conftest import World
from tests.application.counting import counted
from tests.application.story import blob_event, complete, land, refuse_data, running
from tests.application.test_canary import rolling, state_of, traffic
from tests.application.test_container import contained, next_version
from tests.application.test_records import breaking
from tests.builders import spec

__all__ = ["contained", "rolling"]

CALLS_MAX = 10


@pytest.fixture
def told(rolling: World) -> World:
    """Version 2 has taken all traffic from version 1."""
    rolling.go_on(80, callers=200)
    assert traffic(rolling) == {"v2-e1": 100}
    return rolling


def links(world: World, asked: str, model: str = "flights") -> list[dict[str, Any]]:
    """The chain behind an id, within its bound of calls."""
    plane, calls = counted(world.plane)
    found: list[dict[str, Any]] = why(plane, asked, model)["links"]
    print(f"why {asked}: {calls}")
    assert calls.total() <= CALLS_MAX
    for link in found:
        assert set(link) == {"at", "kind", "what", "reasons", "facts"}
    return found


def kinds(found: list[dict[str, Any]]) -> list[str]:
    """The kinds of the links, each run of a kind once."""
    named = [link["kind"] for link in found]
    return [kind for at, kind in enumerate(named) if named[:at][-1:] != [kind]]


def test_version_is_told_from_landing_to_traffic(told: World) -> None:
    """Data, manifest, job, verdict with its numbers, every step with its check, traffic."""
    found = links(told, "2")
    for kind in ("landings", "manifest", "training", "verdict", "check", "rollout", "traffic"):
        assert kind in kinds(found), kind
    verdict = next(link for link in found if link["kind"] == "verdict")
    assert verdict["facts"]["verdict"] == "promote"
    assert verdict["facts"]["challenger"] == 0.75
    assert verdict["facts"]["difference"] == [0.03, 0.05, 0.07]
    assert verdict["reasons"]
    story = [kind for kind in kinds(found) if kind in ("landings", "manifest", "training")]
    assert story == ["landings", "manifest", "training"]
    manifest = next(link for link in found if link["kind"] == "manifest")
    assert manifest["facts"]["files"] == 2
    passed = [link for link in found if link["kind"] == "check"]
    codes = [link["reasons"][-1]["code"] for link in passed]
    assert codes.count("step_passed") == 2
    assert passed[0]["facts"]["counts"]["v2-e1"]["requests"] > 0
    assert found[-1]["kind"] == "traffic"
    assert found[-1]["facts"]["traffic"] == {"v2-e1": 100}
    times = [link["at"] for link in found[:-1]]
    assert times == sorted(times)


def test_only_the_landings_of_its_own_training_are_told(told: World) -> None:
    """What landed for an earlier version is not in the chain of a later one."""
    job = state_of(told).former[0].job
    first = [link for link in links(told, job) if link["kind"] == "landings"]
    second = [link for link in links(told, "2") if link["kind"] == "landings"]
    assert len(first) == len(second) == 1
    assert first != second


def test_every_name_leads_to_the_same_chain(told: World) -> None:
    """Job, version in either spelling, deployment and data lead to one story."""
    champion = state_of(told).champion
    assert champion is not None
    job = champion.version.job
    manifest = state_of(told).manifest
    assert manifest is not None
    chain = links(told, "flights:2", model="")
    for name in ("2", "v2-e1", job, manifest.data_version):
        assert links(told, name) == chain


def test_request_sees_the_decisions_of_its_time(rolling: World) -> None:
    """Traffic and decisions are those in force when the request was answered, not later ones."""
    rolling.go_on(3, callers=200)
    then = rolling.clock.now()
    rolling.go_on(80, callers=200)
    found = links(rolling, f"{then:%Y%m%dt%H%M%S%f}.v2-e1.ab12cd34")
    assert [link["kind"] for link in found[-2:]] == ["traffic", "prediction"]
    assert found[-2]["facts"]["traffic"] == {"v1-e1": 90, "v2-e1": 10}
    assert found[-1]["facts"] == {"deployment": "v2-e1", "version": 2, "share": 10}
    assert max(link["at"] for link in found) == then.isoformat()
    assert "succeeded" not in [code["code"] for link in found for code in link["reasons"]]


def test_slot_and_order_lead_to_their_training(world: World) -> None:
    """A slot and an order are each told with what came of them."""
    land(world, "a.csv")
    order = intake.order(world.plane, "flights", Verb.TRAIN, "ann", "new planes")
    world.work_off()
    complete(world)
    world.go_on(5)
    found = links(world, order.order_id)
    assert "ann asked for a training: new planes" in str(found)
    assert "verdict" in kinds(found)
    world.clock.advance(timedelta(days=1))
    world.go_on(1)
    job = running(world).job
    assert job.startswith("flights-slot-20261124t1200")
    found = links(world, "20261124t1200")
    assert {"training", "job"} <= set(kinds(found))
    assert f"{job} was planned at" in found[-1]["what"]


def test_rollout_order_leads_to_its_version(rolling: World) -> None:
    """Who stopped a version, and why, is in the version's chain."""
    order = intake.order(rolling.plane, "flights", Verb.ABORT, "bob", "customers call")
    rolling.go_on(10, callers=200)
    found = links(rolling, order.order_id)
    assert found == links(rolling, "v2-e1")
    assert "aborted by bob: customers call" in str(found)
    assert found[-1]["facts"]["traffic"] == {"v1-e1": 100}


def test_file_leads_to_the_training_that_read_it_first(told: World) -> None:
    """A landed file is told with the job that brought it into the data, and its chain."""
    found = links(told, "flights/b.csv", model="")
    (blob,) = (link for link in found if link["kind"] == "blob")
    assert blob["facts"]["path"] == "flights/b.csv"
    assert blob["what"].endswith(f"since {state_of(told).champion.version.job}")  # type: ignore[union-attr]
    assert links(told, "landing/flights/b.csv") == found
    (older,) = (link for link in links(told, "flights/a.csv") if link["kind"] == "blob")
    assert older["facts"]["first"] == state_of(told).former[0].job


def test_file_is_found_however_many_trainings_came_since(world: World) -> None:
    """The newest manifest tells of every file which job read it first."""
    land(world, "first.csv")
    world.go_on(5)
    first = complete(world).job
    for number in range(12):
        world.go_on(65)
        land(world, f"{number}.csv")
        world.go_on(5)
        world.jobs.finish(running(world).job, JobStatus.CANCELED)
        world.go_on(5)
    found = links(world, "flights/first.csv")
    assert [link["facts"]["first"] for link in found if link["kind"] == "blob"] == [first]
    assert "verdict" in kinds(found)
    landed = links(world, "landing-20261123t120100")
    assert [link["what"] for link in landed if link["kind"] == "training"] == [
        f"training {first} begins"
    ]


def test_landing_that_was_trained_at_once_is_told_with_its_training(world: World) -> None:
    """When its message came late, the same decision took it in and began."""
    land(world, "a.csv")
    world.clock.advance(timedelta(minutes=5))
    world.work_off()
    job = running(world).job
    assert job in str(links(world, "landing-20261123t120100"))


def test_every_attempt_at_an_order_and_a_slot_is_told(world: World) -> None:
    """Also those that could not be saved, beside the one that could."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)
    world.clock.advance(timedelta(hours=23, minutes=50))
    order = intake.order(world.plane, "flights", Verb.TRAIN, "ann", "x")
    breaking(world, "state", "save", UnavailableError("tables are down"))
    world.go_on(3)
    for asked in (order.order_id, "20261124t1200"):
        outcomes = [link["facts"].get("outcome") for link in links(world, asked)]
        assert "UnavailableError: tables are down; will be tried again" in outcomes
        assert "done" in outcomes


def test_event_of_a_run_that_was_refused_leads_to_its_training(world: World) -> None:
    """A verdict that makes no version is told with the job that it is about."""
    land(world, "a.csv")
    world.go_on(5)
    job = complete(world, challenger={"value": 0.5}).job
    world.work_off()
    found = links(world, f"event:event-{job}", model="")
    assert "training" in kinds(found)
    assert "verdict" in kinds(found)


def test_several_ranges_of_a_day_are_told_apart(world: World) -> None:
    """A slot a minute, and the app down twice for hours: each slot is told with its own range."""
    world.plane = replace(world.plane, models={"flights": spec("flights", schedule="* * * * *")})
    world.go_on(2)
    for _ in range(3):
        world.clock.advance(timedelta(hours=2))
        world.go_on(1)
    spans = [each.facts.get("slots_missed") for each in world.decisions.decisions]
    many = [span for span in spans if isinstance(span, dict) and span["count"] > 100]  # type: ignore[operator]
    assert len(many) == 3
    for span in many:
        for slot in (span["first"], span["last"]):
            (link,) = links(world, str(slot))
            assert link["facts"]["slots_missed"] == span


def test_file_that_was_replaced_is_new(world: World) -> None:
    """It belongs to the training that read it as it lies there now."""
    land(world, "a.csv")
    world.go_on(5)
    old = complete(world).job
    world.go_on(65)
    land(world, "a.csv")
    world.go_on(5)
    new = running(world).job
    (blob,) = (link for link in links(world, "flights/a.csv") if link["kind"] == "blob")
    assert blob["facts"]["first"] == new != old


def test_file_that_was_removed_is_looked_for_in_the_newest_trainings(told: World) -> None:
    """A file that is not in the newest data any more is found in the data before."""
    told.landing.forget("flights/a.csv")
    told.go_on(65)
    land(told, "c.csv")
    told.go_on(5)
    running(told)
    (blob,) = (link for link in links(told, "flights/a.csv") if link["kind"] == "blob")
    assert state_of(told).former[0].job in blob["what"]


def test_manifest_that_does_not_say_who_read_first_is_enough(world: World) -> None:
    """As the first ones did not: the newest training that had the file is told."""
    land(world, "a.csv")
    world.go_on(5)
    training = running(world)
    content = json.loads(world.files.files[training.manifest.path])
    for file in content["files"]:
        del file["first"]
    world.files.files[training.manifest.path] = json.dumps(content).encode()
    (blob,) = (link for link in links(world, "flights/a.csv") if link["kind"] == "blob")
    assert blob["what"] == f"flights/a.csv is in the data since {training.job}"


def test_manifest_that_is_gone_holds_nothing(told: World) -> None:
    """Old files may be cleared away: then nothing is known, which is no error of ours."""
    for path in [path for path in told.files.files if "/manifests/" in path]:
        told.files.forget(path)
    with pytest.raises(NotFoundError, match="the newest manifests"):
        why(told.plane, "flights/a.csv", "flights")


def test_event_and_landing_lead_to_what_came_of_them(world: World) -> None:
    """The event of a landing, and the minute of its receipt, are told with their training."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(5)
    found = links(world, "event:event-flights/a.csv", model="")
    for kind in ("landings", "manifest", "training", "verdict"):
        assert kind in kinds(found), kind
    assert links(world, "landing-20261123t120100") == found
    assert links(world, "landing 20261123t120100") == found
    assert links(world, "landing-20261123t120100000000") == found


def test_event_of_a_run_leads_to_its_verdict(world: World) -> None:
    """With the model or without, by the event's id."""
    land(world, "a.csv")
    world.go_on(5)
    job = complete(world).job
    world.work_off()
    for model in ("", "flights"):
        assert "verdict" in kinds(links(world, f"event:event-{job}", model=model))


def test_event_that_was_ignored_says_why(world: World) -> None:
    """An event that belongs to no model is found by its id alone."""
    guid = "0a1B2c3d-0123-4567-89ab-0a1b2c3d4e5f"
    intake.receive(world.plane, blob_event("ships/a.csv") | {"id": guid})
    (link,) = links(world, guid, model="")
    assert link["reasons"] == [{"code": "unread", "text": "no model reads landing/ships/a.csv"}]


def test_event_in_a_house_of_many_models_asks_for_one(world: World) -> None:
    """A question does not ask a thousand models."""
    models = {f"m{number}": spec(f"m{number}") for number in range(4)}
    plane = replace(world.plane, models=models)
    with pytest.raises(MalformedError, match="say which of m0, m1, m2, m3"):
        why(plane, "event:e1")
    with pytest.raises(NotFoundError, match="only the first of a minute is kept"):
        why(plane, "event:e1", "m3")
    few = replace(world.plane, models={name: models[name] for name in ("m0", "m1", "m2")})
    with pytest.raises(NotFoundError, match="only the first of a minute is kept"):
        why(few, "event:e1")


def test_id_needs_no_model_where_there_is_one(world: World) -> None:
    """A house of one model knows whose version is meant."""
    plane = replace(world.plane, models={"flights": spec()})
    with pytest.raises(NotFoundError, match="of flights: no decision"):
        why(plane, "7")


def test_hundreds_of_slots_that_were_missed_are_each_told(world: World) -> None:
    """A month of hours without the app: one decision, found by each of its slots."""
    world.plane = replace(world.plane, models={"flights": spec("flights", schedule="0 * * * *")})
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)
    world.clock.advance(timedelta(days=30))
    world.go_on(2)
    newest = running(world).slot
    assert newest is not None
    told = links(world, newest)
    for slot in ("20261123t1300", "20261201t0000", "20261222t2300", "20261223t1100"):
        (link,) = links(world, slot)
        assert link["facts"]["slots_missed"] == {
            "first": "20261123t1300",
            "last": "20261223t1100",
            "count": 719,
        }
        assert link["facts"]["decision"] in [each["facts"].get("decision") for each in told]
    for slot in ("20261123t1100", "20261123t1159", "20261223t1101", "20261224t0000"):
        with pytest.raises(NotFoundError, match="slot:"):
            why(world.plane, slot, "flights")


def test_refused_file_is_told_with_its_reason(world: World) -> None:
    """A file that is left out says why."""
    land(world, "bad.csv", "good.csv")
    world.go_on(5)
    refuse_data(world, ("flights/bad.csv", "truncated: 3 bytes, the manifest says 50"))
    world.go_on(2)
    found = links(world, "flights/bad.csv")
    said = [link["what"] for link in found if link["kind"] == "blob"]
    assert "left out of trainings until it is replaced: truncated" in said[0]
    assert [link for link in found if link["kind"] == "job"]


def test_second_attempt_leads_to_the_first(world: World) -> None:
    """A job that was tried again is told with what it began from and why it was needed."""
    land(world, "a.csv")
    world.go_on(5)
    first = running(world)
    world.jobs.finish(first.job, JobStatus.FAILED, "node lost")
    world.go_on(2)
    second = complete(world)
    world.go_on(5)
    found = links(world, second.job)
    assert "node lost" in str(found)
    assert {"landings", "manifest", "verdict"} <= set(kinds(found))


def test_reads_stay_few_however_long_the_history_is(told: World) -> None:
    """A step that was paused for a week, and a year of waiting, cost no further calls."""
    (kept,) = told.decisions.about("flights", "begun:version:2", 1)
    for number in range(3000):
        noise = replace(kept, id=f"noise-{number}", about=("version:2", "job:x"), facts={})
        told.decisions.append(replace(noise, at=kept.at + timedelta(minutes=number)))
    for asked in ("2", "v2-e1", "flights/a.csv", state_of(told).former[0].job):
        found = links(told, asked)
        assert "verdict" in kinds(found)
        assert len(found) < 60


def test_version_in_a_container_is_told_with_its_switch(contained: World) -> None:
    """Where there are no shares, a version has all traffic once it was published as champion."""
    next_version(contained)
    contained.go_on(10)
    now = contained.clock.now()
    found = links(contained, f"{now:%Y%m%dt%H%M%S%f}.v2-e1.ab12cd34")
    codes = [reason["code"] for link in found for reason in link["reasons"]]
    assert {"provision", "smoke_passed", "succeeded"} <= set(codes)
    assert found[-2]["facts"]["traffic"] == {"version 2": 100}
    assert found[-1]["facts"]["share"] == 100


UNCLEAR = ["", "bogus", "v3", "20269999t999999000000.v1-e1.ab12cd34", "-1"]


@pytest.mark.parametrize("asked", UNCLEAR)
def test_what_has_no_known_form_is_refused(told: World, asked: str) -> None:
    """An id that fits nothing is answered with what there is to ask about."""
    with pytest.raises(MalformedError):
        why(told.plane, asked, "flights")
    assert answer(told.plane, asked, "flights").status == 400


UNKNOWN = [
    ("flights-slot-20300101t1200-a1", "", "begun:job:flights-slot-20300101t1200-a1"),
    ("77", "flights", "begun:version:77"),
    ("v77-e1", "flights", "turned:version:77"),
    ("20300101t1200", "flights", "slot:20300101t1200"),
    ("0123456789ab", "flights", "order:0123456789ab"),
    ("flights/nowhere.csv", "", "trained, the newest manifests"),
    ("ships/a.csv", "", "no model reads"),
    ("ships:3", "", "no model 'ships'"),
]


@pytest.mark.parametrize(("asked", "model", "words"), UNKNOWN)
def test_what_nothing_is_known_of_says_what_was_looked_for(
    told: World, asked: str, model: str, words: str
) -> None:
    """Nobody has to guess whether it was mistyped or has expired."""
    with pytest.raises(NotFoundError, match=words):
        why(told.plane, asked, model)
    refused = answer(told.plane, asked, model)
    assert refused.status == 404
    assert words in json.loads(refused.body)["detail"]


def test_id_that_is_not_of_one_model_asks_for_it(told: World) -> None:
    """A version number says nothing where there are two models."""
    refused = answer(told.plane, "2")
    assert refused.status == 400
    assert "say which of diabetes, flights" in json.loads(refused.body)["detail"]
