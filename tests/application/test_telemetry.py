"""What operators see of passes, orders, events and predictions, with everything in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory.telemetry import MemoryTelemetry
from shared.adapters.watched import WatchedScorer, watched
from shared.application import intake
from shared.application.gauges import Gauges
from shared.application.predict import Answer, Predictions
from shared.application.watched_predictions import WatchedPredictions, outcome_of
from shared.domain.errors import UnavailableError
from shared.domain.events import Verb
from shared.domain.signals import Dimension, Log, Metric, Span
from shared.domain.state import Address, ModelState
from shared.ports import Scored
from tests.application.conftest import World
from tests.application.story import blob_event, complete, land, refuse_data
from tests.builders import NOON

MINE = {Dimension.MODEL: "flights"}


@pytest.fixture
def telemetry(world: World) -> MemoryTelemetry:
    """What is seen of the world from now on."""
    made = MemoryTelemetry()
    ports = watched(world.plane.ports, made, "noon-reconcile")
    world.plane = replace(world.plane, ports=ports, telemetry=made)
    return made


class Leftovers:
    """So many lie there; or nobody says how many."""

    def __init__(self, *counts: int) -> None:
        self.counts = counts

    def count(self, most: int = 0) -> int:
        """How many there are."""
        if not self.counts:
            raise UnavailableError("nobody answers")
        return self.counts[0]

    def peek(self, most: int) -> list[str]:
        """Nothing."""
        return []

    def take(self, most: int) -> list[tuple[str, str]]:
        """Nothing."""
        return []

    def remove(self, receipt: str) -> None:
        """Nothing."""


def gauges(world: World, *poison: int) -> dict[Metric, float]:
    """What the gauges of flights show."""
    telemetry = world.plane.telemetry
    assert isinstance(telemetry, MemoryTelemetry)
    Gauges(world.plane, world.state, [Leftovers(*poison)], Leftovers(5)).report()
    return {
        reading.metric: reading.value
        for reading in telemetry.readings
        if reading.attributes.get(Dimension.MODEL, "flights") == "flights"
    }


def test_every_decision_is_counted_and_told_once(world: World, telemetry: MemoryTelemetry) -> None:
    """By kind and reason, with the id that `noon why` takes; the gate's with its verdict."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)
    decisions = world.decisions.decisions
    assert len(decisions) > 10
    lines = [attributes for log, _, attributes in telemetry.lines if log is Log.DECISION]
    assert sorted(str(line[Dimension.DECISION]) for line in lines) == sorted(
        decision.id for decision in decisions
    )
    counted = [attributes for metric, attributes in telemetry.counts]
    assert len(counted) == len(decisions)
    assert {"promote"} == {each[Dimension.VERDICT] for each in counted if Dimension.VERDICT in each}
    passes = [span for span in telemetry.spans if span.name == Span.RECONCILE]
    assert {str(span.attributes[Dimension.DECISION]) for span in passes} <= {
        d.id for d in decisions
    }


def test_a_message_carries_the_span_that_sent_it(world: World, telemetry: MemoryTelemetry) -> None:
    """And the pass that takes it is below that span, whoever takes it."""
    intake.receive(world.plane, blob_event("flights/a.csv"))
    event, add, send = telemetry.spans
    assert (event.name, add.name, send.name) == (Span.EVENT, "state.add_landing", Span.SEND)
    assert add.parent == send.parent == event.id
    assert send.attributes[Dimension.MODEL] == "flights"
    world.work_off()
    (taken,) = (span for span in telemetry.spans if span.name == Span.RECONCILE)
    assert (taken.parent, taken.kind) == (send.id, "consumer")


def test_calls_of_azure_ml_say_what_they_are_about(
    world: World, telemetry: MemoryTelemetry
) -> None:
    """Job, version and deployment, in the words of the field."""
    land(world, "a.csv")
    world.go_on(5)
    training = complete(world)
    world.go_on(3)
    called = {span.name: span.attributes for span in telemetry.spans}
    assert called["jobs.submit"][Dimension.JOB] == training.job
    assert called["registry.register"][Dimension.VERSION] == "1"
    assert called["endpoint.deploy"][Dimension.DEPLOYMENT] == "v1-e1"
    assert {span.kind for span in telemetry.spans if "." in span.name} == {"client"}


def test_what_was_found_in_rows_is_not_told(world: World, telemetry: MemoryTelemetry) -> None:
    """The reason's code is, and where its words are."""
    land(world, "a.csv")
    world.go_on(5)
    refuse_data(world, ("flights/a.csv", "line 3, column 'dep_delay' must be a number: '31415'"))
    world.go_on(3)
    assert "31415" in str(world.decisions.decisions), "the decision log has the words"
    assert "31415" not in str(telemetry.lines) + str(telemetry.spans) + str(telemetry.counts)
    told = [text for _, text, _ in telemetry.lines if "data_refused" in text]
    assert told
    assert all("noon why" in text for text in told)


def test_an_order_is_told_with_who_and_why(world: World, telemetry: MemoryTelemetry) -> None:
    """Its id leads to the decision."""
    kept = intake.order(world.plane, "flights", Verb.TRAIN, "ada", "new data is good")
    (line,) = ((text, about) for log, text, about in telemetry.lines if log is Log.ORDER)
    assert line[0] == "flights: train ordered by ada: new data is good"
    assert (line[1][Dimension.ORDER], line[1][Dimension.WHO]) == (kept.order_id, "ada")


def test_age_of_a_message_is_that_since_it_was_queued(
    world: World, telemetry: MemoryTelemetry
) -> None:
    """A clock of the queue's that is ahead makes it no younger than new."""
    intake.wake_all(world.plane, "daily_training")
    text = '{"schema":1,"model":"flights","cause":"tick"}'
    for queued_at in (NOON - timedelta(seconds=90), NOON + timedelta(seconds=5)):
        intake.take(world.plane, text, queued_at)
    assert telemetry.records == [
        (Metric.MESSAGE_AGE, 90.0, MINE),
        (Metric.MESSAGE_AGE, 0.0, MINE),
    ]


def test_gauges_follow_a_model_from_its_first_look_to_its_champion(
    world: World, telemetry: MemoryTelemetry
) -> None:
    """What is not there has no gauge; a slot that waits shows for how long."""
    assert gauges(world, 3) == {Metric.POISON: 3, Metric.DEAD_LETTERS: 5}
    land(world, "a.csv")
    world.go_on(5)
    under_way = gauges(world, 0)
    assert Metric.CHAMPION_AGE not in under_way
    assert under_way[Metric.TRAINING_AGE] > 0
    complete(world)
    world.go_on(10)
    at_rest = gauges(world, 0)
    assert Metric.TRAINING_AGE not in at_rest
    assert 0 < at_rest[Metric.CHAMPION_AGE] < 900
    assert Metric.ROLLOUT_PHASE in at_rest
    assert at_rest[Metric.SLOT_OVERDUE] == 0
    world.clock.advance(timedelta(days=1))
    overdue = gauges(world, 0)
    assert 0 < overdue[Metric.SLOT_OVERDUE] < 30
    assert overdue[Metric.SLOT_AGE] >= 24 * 60


def test_gauges_that_cannot_be_read_stop_nothing(world: World, telemetry: MemoryTelemetry) -> None:
    """A line says so, and the next tick reads them again."""
    gauges(world)
    assert telemetry.readings == []
    assert telemetry.lines[-1][1] == "no gauges: nobody answers"


class Deployment:
    """Answers what is planned."""

    def __init__(self) -> None:
        self.status = 200

    async def score(self, scoring_uri: str, body: bytes) -> Scored:
        """The planned answer."""
        if self.status == 0:
            raise UnavailableError("no connection")
        good = b'{"predictions":[1]}'
        body = good if self.status == 200 else b'{"detail":"bmi 31415 is too much"}'
        return Scored(self.status, body, "application/json", "v1-e1", 5.0, by_container=True)


def test_predictions_are_told_by_deployment_and_outcome_alone(
    world: World, telemetry: MemoryTelemetry
) -> None:
    """Every one is in the distribution, some are spans; names that are no model's are one."""
    address = Address("https://score", 1, "v1-e1")
    world.state.save(ModelState("flights", NOON, NOON, address=address), "")
    deployment = Deployment()
    inner = Predictions(
        world.plane, {"managed_endpoint": WatchedScorer(deployment, telemetry)}, "one"
    )
    predictions = WatchedPredictions(inner, frozenset({"flights"}), telemetry, 0.5)

    async def ask() -> None:
        for status in (200, 200, 422, 500, 0):
            deployment.status = status
            await predictions.answer("flights", b'{"rows":[{"bmi":31415}]}')
        await predictions.answer("../secret", b"{}")
        await predictions.settled()

    asyncio.run(ask())
    seen = [
        (about[Dimension.MODEL], about[Dimension.DEPLOYMENT], about[Dimension.OUTCOME])
        for metric, _, about in telemetry.records
    ]
    assert seen == [
        ("flights", "v1-e1", "answered"),
        ("flights", "v1-e1", "answered"),
        ("flights", "v1-e1", "refused"),
        ("flights", "v1-e1", "failed"),
        ("flights", "", "failed"),
        ("unknown", "", "refused"),
    ]
    assert [span.name for span in telemetry.spans].count(Span.PREDICT) == 3
    assert "31415" not in str(telemetry)
    # Of what fails within a second one line tells.
    assert telemetry.lines[0][1] == "flights: v1-e1 answered, status 500"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200, b""), "answered"),
        (Answer(429, b""), "busy"),
        (Answer(404, b""), "refused"),
        (Answer(503, b""), "unavailable"),
        (Answer(503, b"", deployment="v1-e1"), "failed"),
        (Answer(504, b""), "late"),
        (Answer(502, b""), "failed"),
    ],
)
def test_outcomes_are_words(answer: Answer, outcome: str) -> None:
    """What the app says of itself is told apart from what a deployment answered."""
    assert outcome_of(answer) == outcome
