"""The prediction proxy: which answer goes back for whatever the endpoint says."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.application.predict import BODY_MAX, Answer, Predictions
from shared.domain.errors import BusyError, UnavailableError
from shared.domain.health import Counts, HealthRow
from shared.domain.state import Address
from shared.ports import Scored
from tests.application.conftest import World
from tests.builders import NOON, champion, state

ROWS = b'{"rows":[{"a":1}]}'


class PlannedScorer:
    """A scorer that gives the planned answer and remembers where it was sent."""

    def __init__(self, answer: Scored | Exception) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def score(self, scoring_uri: str, body: bytes) -> Scored:
        """Give the planned answer."""
        self.asked.append(scoring_uri)
        assert body == ROWS
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def serve(world: World, uri: str = "https://one/score") -> None:
    """Give flights a champion with an address."""
    ruled = state(champion=champion(3), address=Address(uri, 3, "v3-e1"))
    world.state.save(ruled, world.state.load("flights").etag)


def ask(world: World, scorer: PlannedScorer, model: str = "flights", body: bytes = ROWS) -> Answer:
    """One question through a proxy of its own."""
    return asyncio.run(
        Predictions(world.plane, {"managed_endpoint": scorer}, "p1").answer(model, body)
    )


GOOD = Scored(200, b'{"predictions":[{"label":true}]}', "application/json", "v3-e1")


def test_answer_says_who_gave_it(world: World) -> None:
    """The predictions come back with model, version and deployment, and an id to ask about."""
    serve(world)
    answer = ask(world, PlannedScorer(GOOD))
    content = json.loads(answer.body)
    assert answer.status == 200
    assert content["predictions"] == [{"label": True}]
    assert content["model"] == {"name": "flights", "version": "3", "deployment": "v3-e1"}
    assert content["request_id"].split(".")[:2] == ["20261123t120000000000", "v3-e1"]


OUTCOMES: list[tuple[str, Scored | Exception, int, str]] = [
    ("rows_refused", replace(GOOD, status=422, body=b'{"title":"bad rows"}'), 422, "bad rows"),
    ("too_many", replace(GOOD, status=429, body=b'{"title":"busy"}'), 429, "busy"),
    ("late", BusyError("no answer within 10 s"), 504, "too late"),
    ("gone", UnavailableError("refused"), 502, "does not answer"),
    ("nonsense", replace(GOOD, body=b"<html>"), 502, "nonsense"),
]


@pytest.mark.parametrize(
    ("name", "outcome", "status", "words"), OUTCOMES, ids=[row[0] for row in OUTCOMES]
)
def test_other_outcomes(
    world: World, name: str, outcome: Scored | Exception, status: int, words: str
) -> None:
    """The container's own status comes back; what never arrived is a gateway's error."""
    serve(world)
    answer = ask(world, PlannedScorer(outcome))
    assert answer.status == status
    assert words in answer.body.decode()


def test_unknown_model_and_no_champion(world: World) -> None:
    """An unknown model is 404 and names the known ones; one without a champion is 503."""
    scorer = PlannedScorer(GOOD)
    unknown, none_yet = ask(world, scorer, "ghost"), ask(world, scorer)
    assert (unknown.status, none_yet.status) == (404, 503)
    assert "diabetes, flights" in unknown.body.decode()
    assert "no champion yet" in none_yet.body.decode()
    assert scorer.asked == []


def test_huge_body_is_refused_before_it_travels(world: World) -> None:
    """Ten megabytes are told their size and the limit."""
    serve(world)
    scorer = PlannedScorer(GOOD)
    answer = ask(world, scorer, body=b" " * (BODY_MAX + 1))
    assert answer.status == 413
    assert str(BODY_MAX) in answer.body.decode()
    assert scorer.asked == []


def test_address_is_remembered_for_a_while(world: World) -> None:
    """The table is not read for every request, but a moved endpoint is found soon."""
    serve(world)
    scorer = PlannedScorer(GOOD)
    proxy = Predictions(world.plane, {"managed_endpoint": scorer}, "p1")
    asyncio.run(proxy.answer("flights", ROWS))
    serve(world, "https://two/score")
    asyncio.run(proxy.answer("flights", ROWS))
    world.clock.advance(timedelta(seconds=6))
    asyncio.run(proxy.answer("flights", ROWS))
    assert scorer.asked == ["https://one/score", "https://one/score", "https://two/score"]


def counted(world: World) -> dict[str, tuple[int, int]]:
    """Requests and failures by deployment, as a check would read them."""
    read = world.health.read("flights", NOON - timedelta(days=1), NOON + timedelta(days=1))
    return {name: (counts.requests, counts.failures) for name, counts in read.items()}


def ask_over_time(world: World, outcomes: list[Scored | Exception]) -> None:
    """One proxy is asked every few seconds; the last question comes when a flush is due."""
    scorer = PlannedScorer(GOOD)
    proxy = Predictions(world.plane, {"managed_endpoint": scorer}, "p1")

    async def story() -> None:
        for outcome in outcomes:
            scorer.answer = outcome
            await proxy.answer("flights", ROWS)
            world.clock.advance(timedelta(seconds=3))
        await proxy.settled()

    asyncio.run(story())


def test_health_window_counts_what_callers_met(world: World) -> None:
    """5xx, time-outs and lost connections are failures; a 4xx is the caller's."""
    serve(world)
    canary = replace(GOOD, deployment="v4-e1")
    ask_over_time(
        world,
        [
            GOOD,
            replace(GOOD, status=422),
            replace(GOOD, status=429),
            replace(canary, status=500),
            replace(canary, status=408),
            BusyError("late"),
            UnavailableError("gone"),
            GOOD,
            GOOD,
        ],
    )
    assert counted(world) == {"v3-e1": (5, 0), "v4-e1": (2, 2), "-": (2, 2)}


def test_counts_are_written_at_most_once_a_bucket(world: World) -> None:
    """Between two flushes nothing is written, and a flush repeats what grew."""
    serve(world)
    ask_over_time(world, [GOOD])
    assert counted(world) == {}
    ask_over_time(world, [GOOD] * 5)
    assert counted(world) == {"v3-e1": (5, 0)}


def test_two_processes_are_added_up(world: World) -> None:
    """Each process has rows of its own; a check reads them together."""
    serve(world)
    rows = [HealthRow("v3-e1", name, NOON, Counts(10, 1)) for name in ("p1", "p2", "p2")]
    for row in rows:
        world.health.write("flights", [row])
    assert counted(world) == {"v3-e1": (20, 2)}
