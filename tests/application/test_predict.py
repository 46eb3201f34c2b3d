"""The prediction proxy: which answer goes back for whatever the endpoint says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory.health import MemoryHealthWindow
from shared.adapters.memory.state import MemoryStateStore
from shared.application.predict import (
    ASKED_AT_ONCE_MAX,
    BODY_MAX,
    INSIDE_MAX,
    Answer,
    Predictions,
)
from shared.domain.errors import NotAskedError, UnavailableError
from shared.domain.facts import Snapshot
from shared.domain.health import Counts, HealthRow
from shared.domain.state import Address
from shared.ports import Scored
from tests.application.conftest import World
from tests.application.counting import counted as counted_calls
from tests.builders import NOON, champion, state

ONE = "https://one/score"
ROWS = b'{"rows":[{"a":1}]}'


class PlannedScorer:
    """A scorer that gives the planned answer and remembers where it was sent; None: it hangs."""

    def __init__(self, answer: Scored | Exception | None) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.at_once = self.at_once_max = 0

    async def score(self, scoring_uri: str, body: bytes) -> Scored:
        """Give the planned answer."""
        self.asked.append(scoring_uri)
        assert body == ROWS
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            self.at_once += 1
            self.at_once_max = max(self.at_once_max, self.at_once)
            try:
                await asyncio.Event().wait()
            finally:
                self.at_once -= 1
        assert self.answer is not None
        return self.answer


def serve(world: World, uri: str = ONE) -> None:
    """Give flights a champion with an address."""
    ruled = state(champion=champion(3), address=Address(uri, 3, "v3-e1"))
    world.state.save(ruled, world.state.load("flights").etag)


def ask(world: World, scorer: PlannedScorer, model: str = "flights", body: bytes = ROWS) -> Answer:
    """One question through a proxy of its own."""
    return asyncio.run(proxy_of(world, scorer).answer(model, body))


def proxy_of(
    world: World, scorer: PlannedScorer, timeout_seconds: float | None = None
) -> Predictions:
    """A proxy that waits but a moment for what never comes, and long for all else.

    An answer that was to come in a moment would be late on a busy machine: the first one waits
    for a thread that looks up the address.
    """
    seconds = timeout_seconds or (0.05 if scorer.answer is None else 60.0)
    return Predictions(world.plane, {"managed_endpoint": scorer}, "p1", seconds)


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


OUTCOMES: list[tuple[str, Scored | Exception | None, int, str]] = [
    ("rows_refused", GOOD._replace(status=422, body=b'{"title":"bad rows"}'), 422, "bad rows"),
    ("too_many", GOOD._replace(status=429, body=b'{"title":"busy"}'), 429, "busy"),
    ("late", None, 504, "too late"),
    ("gone", UnavailableError("refused"), 502, "does not answer"),
    ("no_token", NotAskedError("no identity here"), 503, "no identity here"),
    ("stranger", GOOD._replace(status=403, body=b"who?"), 502, "refuses this app"),
    ("containers_own", GOOD._replace(status=403, body=b"mine", by_container=True), 403, "mine"),
    ("nonsense", GOOD._replace(body=b"<html>"), 502, "nonsense"),
    ("elsewhere", GOOD._replace(status=302), 502, "nonsense"),
]


@pytest.mark.parametrize(
    ("name", "outcome", "status", "words"), OUTCOMES, ids=[row[0] for row in OUTCOMES]
)
def test_other_outcomes(
    world: World, name: str, outcome: Scored | Exception | None, status: int, words: str
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


def test_address_is_renewed_behind_the_answers(world: World) -> None:
    """No caller waits for a look at the table while callers keep coming; a move is found soon."""
    serve(world)
    scorer = PlannedScorer(GOOD)
    proxy = proxy_of(world, scorer)

    async def story() -> None:
        for step in (0, 1, 5, 1, 120):
            world.clock.advance(timedelta(seconds=step))
            await proxy.answer("flights", ROWS)
            await proxy.settled()
            if step == 1:
                serve(world, "https://two/score" if scorer.asked[-1] == ONE else "https://three/s")

    asyncio.run(story())
    assert scorer.asked == [ONE, ONE, ONE, "https://two/score", "https://three/s"]


class Outage(MemoryStateStore):
    """A state store that can be out of reach, or hang."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.hanging, self.loads = threading.Event(), 0
        self.hanging.set()

    def load(self, model: str) -> Snapshot:
        """What is saved, or nothing at all."""
        self.loads += 1
        self.hanging.wait()
        if self.down:
            raise UnavailableError("no storage")
        return super().load(model)


def test_predictions_outlive_an_outage_of_storage(world: World) -> None:
    """Who was served before goes on being served; who was not is told what is out of reach."""
    store = Outage()
    world.plane = replace(world.plane, ports=replace(world.plane.ports, state=store))
    store.save(state(champion=champion(3), address=Address(ONE, 3, "v3-e1")), "")
    proxy = proxy_of(world, PlannedScorer(GOOD))

    async def story() -> list[int]:
        first = await proxy.answer("flights", ROWS)
        store.down = True
        later = []
        for seconds in (10, 3600):
            world.clock.advance(timedelta(seconds=seconds))
            later.append(await proxy.answer("flights", ROWS))
            await proxy.settled()
        stranger = await proxy.answer("diabetes", ROWS)
        assert b"no storage" in stranger.body
        return [answer.status for answer in (first, *later, stranger)]

    assert asyncio.run(story()) == [200, 200, 200, 503]


def test_storage_that_hangs_holds_up_no_crowd(world: World) -> None:
    """After a silence one caller waits a moment; who comes while it hangs does not wait at all."""
    store = Outage()
    world.plane = replace(world.plane, ports=replace(world.plane.ports, state=store))
    store.save(state(champion=champion(3), address=Address(ONE, 3, "v3-e1")), "")
    proxy = proxy_of(world, PlannedScorer(GOOD), timeout_seconds=30)

    async def story() -> set[int]:
        answers = [await proxy.answer("flights", ROWS)]
        store.hanging.clear()
        world.clock.advance(timedelta(hours=1))
        answers.extend([await proxy.answer("flights", ROWS) for _ in range(50)])
        store.hanging.set()
        await proxy.settled()
        return {answer.status for answer in answers}

    assert asyncio.run(story()) == {200}
    assert store.loads == 2


def test_first_callers_share_one_look(world: World) -> None:
    """A crowd that comes before the address is known reads the table once."""
    serve(world)
    plane, calls = counted_calls(world.plane)
    proxy = Predictions(plane, {"managed_endpoint": PlannedScorer(GOOD)}, "p1")

    async def crowd() -> list[Answer]:
        return await asyncio.gather(*(proxy.answer("flights", ROWS) for _ in range(50)))

    assert {answer.status for answer in asyncio.run(crowd())} == {200}
    assert calls["state.load"] == 1


def test_hanging_model_is_asked_by_so_many_only(world: World) -> None:
    """What is in flight is bounded, and who comes when too many wait is told when to come again."""
    serve(world)
    scorer = PlannedScorer(None)
    proxy = proxy_of(world, scorer, timeout_seconds=1.0)

    async def crowd() -> Counter[int]:
        callers = (proxy.answer("flights", ROWS) for _ in range(INSIDE_MAX + 10))
        answers = await asyncio.gather(*callers)
        assert {a.retry_after for a in answers if a.status == 429} == {"1"}
        return Counter(answer.status for answer in answers)

    assert asyncio.run(crowd()) == {504: INSIDE_MAX, 429: 10}
    assert scorer.at_once_max == ASKED_AT_ONCE_MAX


def counted(world: World) -> dict[str, tuple[int, int]]:
    """Requests and failures by deployment, as a check would read them."""
    read = world.health.read("flights", NOON - timedelta(days=1), NOON + timedelta(days=1))
    return {name: (counts.requests, counts.failures) for name, counts in read.items()}


def ask_over_time(world: World, outcomes: list[Scored | Exception | None]) -> None:
    """One proxy is asked every few seconds; the last question comes when a flush is due."""
    scorer = PlannedScorer(GOOD)
    proxy = proxy_of(world, scorer, timeout_seconds=1.0 if None in outcomes else None)

    async def story() -> None:
        for outcome in outcomes:
            scorer.answer = outcome
            await proxy.answer("flights", ROWS)
            world.clock.advance(timedelta(seconds=3))
        await proxy.settled()

    asyncio.run(story())


class Heard(MemoryHealthWindow):
    """A health window that says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, model: str, rows: Sequence[HealthRow]) -> None:
        """Keep it, and say so."""
        super().write(model, rows)
        self.written.set()


def test_the_last_answers_are_counted_although_nobody_asks_any_more(world: World) -> None:
    """A short burst is in the health window after a bucket, without a further caller."""
    heard, spec = Heard(), world.plane.models["flights"]
    brief = replace(spec, rollout=replace(spec.rollout, bucket=timedelta(milliseconds=10)))
    ports = replace(world.plane.ports, health=heard)
    world.plane = replace(world.plane, models={"flights": brief}, ports=ports)
    serve(world)
    proxy = proxy_of(world, PlannedScorer(GOOD))

    async def story() -> bool:
        await proxy.answer("flights", ROWS)
        world.clock.advance(timedelta(seconds=1))
        return await asyncio.to_thread(heard.written.wait, 30)

    assert asyncio.run(story())
    seen = heard.read("flights", NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert {name: (counts.requests, counts.failures) for name, counts in seen.items()} == {
        "v3-e1": (1, 0)
    }


def test_health_window_counts_what_callers_met(world: World) -> None:
    """5xx, time-outs and lost connections are failures; a 4xx is the caller's."""
    serve(world)
    canary = GOOD._replace(deployment="v4-e1")
    ask_over_time(
        world,
        [
            GOOD,
            GOOD._replace(status=422),
            GOOD._replace(status=429),
            canary._replace(status=500),
            canary._replace(status=408),
            None,
            UnavailableError("gone"),
            NotAskedError("no token"),
            GOOD,
        ],
    )
    assert counted(world) == {"v3-e1": (4, 0), "v4-e1": (2, 2), "-": (2, 2)}


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
