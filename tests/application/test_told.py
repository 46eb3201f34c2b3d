"""Everything that people read, in full: the decisions of whole stories, status, chains, answers.

Each is a file below `told`; `TELL=1 pytest tests/application` writes them anew, and git shows
what became of them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.azure_queues import message_text
from shared.adapters.memory.state import MemoryReleaseStore
from shared.application import intake
from shared.application.model_detail import model_detail
from shared.application.orders import take_order
from shared.application.plane import NOBODY
from shared.application.predict import INSIDE_MAX
from shared.application.problems import Answer
from shared.application.replay import replay_events, replay_poison
from shared.application.rulings import rule_event, rule_message, rule_raw
from shared.application.why import answer, why
from shared.domain.decision import Kind
from shared.domain.errors import NotAskedError, NotFoundError, RefusedError, UnavailableError
from shared.domain.events import Message, Verb
from shared.domain.facts import JobStatus, Probe, Release, SmokeFacts
from shared.domain.health import Counts
from shared.ports import Scored
from tests.application.conftest import World
from tests.application.story import blob_event, complete, land, refuse_data, run_event, running
from tests.application.test_canary import BETTER
from tests.application.test_predict import GOOD, ROWS, PlannedScorer, ask, proxy_of, serve
from tests.application.test_records import breaking
from tests.application.test_replay import MemoryPoison, content, dead_letter
from tests.builders import RELEASE, spec
from tests.domain.told import Told, flat

FOLDER = Path(__file__).with_name("told")
CHANCE = re.compile(r"\b(\d{8}t\d{6})-[0-9a-f]{8}\b")


def said(table: str, row: str, value: object) -> None:
    """The value is what the file says, but for the part of decisions' ids that is chance."""
    names: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"{found[1]}-{len(names) + 1}")

    lines = [CHANCE.sub(named, f"{name} {text}".strip()) for name, text in flat(value)]
    Told(table, FOLDER).check(row, lines)


def ordering(world: World) -> World:
    """The same, whose orders have ids that can be told again."""
    numbers = count(1)
    world.plane = replace(world.plane, new_order_id=lambda: f"{next(numbers):012x}")
    return world


def decided(world: World, *models: str) -> list[Any]:
    """Every decision, with those that only waited left out."""
    idle = ("nothing_due", "not_due", "running", "soaking")
    return [
        each
        for each in world.decisions.decisions
        if each.model in (models or ("flights",))
        and (each.actions or any(reason.code not in idle for reason in each.reasons))
    ]


def first(world: World) -> None:
    """Version 1 comes up."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(3)


def second(world: World) -> None:
    """Version 2 has just been given its first share."""
    world.clock.advance(timedelta(hours=2))
    land(world, "b.csv")
    world.go_on(4)
    complete(world, **BETTER)
    world.go_on(3, callers=200)


def ruled(world: World) -> None:
    """Version 2 has taken over from version 1."""
    first(world)
    second(world)
    world.go_on(60, callers=200)


def order(world: World, verb: Verb, minutes: int = 2) -> None:
    """Ada orders something and it is taken in."""
    intake.order(world.plane, "flights", verb, "ada", f"because of {verb.value}")
    world.go_on(minutes, callers=200)


def _operated(world: World) -> None:
    """Operators do whatever they can."""
    first(world)
    for verb in (Verb.PAUSE, Verb.ACCEPT, Verb.ACCEPT):
        order(world, verb)
    world.clock.advance(timedelta(hours=2))
    land(world, "b.csv")
    world.go_on(4)
    complete(world)
    world.go_on(3, callers=200)
    for verb in (Verb.PAUSE, Verb.RESUME, Verb.PROCEED, Verb.PROCEED):
        order(world, verb)
    world.go_on(50, callers=200)
    order(world, Verb.ROLLBACK, 5)
    order(world, Verb.TRAIN)
    order(world, Verb.TRAIN)


def _sick(world: World) -> None:
    """A canary fails."""
    first(world)
    second(world)
    world.sick.add("v2-e1")
    world.go_on(10, callers=200)


def _silent(world: World) -> None:
    """Nobody calls, and a version is asked with recorded rows."""
    first(world)
    second(world)
    world.go_on(14)


def _failing(world: World) -> None:
    """Whatever can go wrong with a job does."""
    land(world, "a.csv", "bad.csv")
    world.go_on(5)
    refuse_data(world, ("flights/bad.csv", "truncated"), (None, "too few days"))
    world.go_on(5)
    order(world, Verb.TRAIN, 1)
    world.jobs.finish(running(world).job, JobStatus.FAILED, "node lost")
    world.go_on(2)
    world.jobs.finish(running(world).job, JobStatus.FAILED, "")
    world.go_on(2)
    order(world, Verb.TRAIN, 1)
    world.go_on(361)
    order(world, Verb.TRAIN, 1)
    complete(world, challenger={"value": 0.5})
    world.go_on(2)
    order(world, Verb.TRAIN, 1)
    complete(world, metric={"name": "x"})
    world.go_on(2)


def _missed(world: World) -> None:
    """Nothing runs for days, with nothing landed at first."""
    world.go_on(1)
    world.clock.advance(timedelta(days=3))
    world.go_on(1)
    land(world, "a.csv", event=False)
    world.clock.advance(timedelta(days=3))
    world.go_on(1)


def _undeployed(world: World) -> None:
    """Nothing was registered by deployment."""
    ports = replace(world.plane.ports, releases=MemoryReleaseStore())
    world.plane = replace(world.plane, ports=ports)
    land(world, "a.csv")
    world.go_on(5)


def _image(world: World) -> None:
    """A new serving image, which is refused."""
    first(world)
    world.endpoint.refusals["v1-e2"] = "quota: 4 cores needed, 2 left"
    world.plane.ports.releases.publish(Release(RELEASE.component, 2))
    world.go_on(70)


def _contained(world: World) -> None:
    """A container serves, and its second version fails the smoke test."""
    models = {"flights": replace(spec(), serving="container")}
    world.plane = replace(world.plane, models=models)
    container = world.containers.container("flights")
    container.environment = 1
    first(world)
    world.clock.advance(timedelta(hours=2))
    land(world, "b.csv")
    world.go_on(4)
    complete(world, **BETTER)
    world.go_on(10)
    order(world, Verb.ROLLBACK, 5)


def _troubled(world: World) -> None:
    """Ports break, one after the other, in passes and in what comes before them."""
    land(world, "a.csv")
    tick, run = (Message("flights", cause) for cause in ("tick", "run x Completed"))
    for port, method, message in (
        ("state", "load", tick),
        ("landing", "list", run),
        ("state", "save", run),
        ("files", "write_once", tick),
        ("jobs", "submit", tick),
    ):
        breaking(world, port, method, UnavailableError(f"{port} is down"))
        world.clock.advance(timedelta(minutes=3))
        intake.take(world.plane, message_text(message))
    with world.lease.hold("flights"):
        intake.take(world.plane, message_text(run))
        world.clock.advance(timedelta(minutes=5))
        intake.take(world.plane, message_text(tick))
    breaking(world, "queue", "send", UnavailableError("queues are down"))
    with pytest.raises(UnavailableError):
        intake.receive(world.plane, run_event("flights-slot-1-a1"))
    world.work_off()


STORIES: dict[str, Callable[[World], None]] = {
    "ruled": ruled,
    "operated": _operated,
    "sick": _sick,
    "silent": _silent,
    "failing": _failing,
    "missed": _missed,
    "undeployed": _undeployed,
    "image": _image,
    "contained": _contained,
    "troubled": _troubled,
}


@pytest.mark.parametrize("story", STORIES)
def test_decisions_are_told_in_full(world: World, story: str) -> None:
    """What is decided, why, from which facts, and under which names it is found again."""
    STORIES[story](ordering(world))
    said(f"decisions_{story}", story, decided(world))


def shown(world: World) -> dict[str, Any]:
    """What is shown of flights, as it travels; its policy is that of the file."""
    found = model_detail(world.plane, "flights")
    text = json.dumps(
        {name: value for name, value in found.items() if name != "policy"}, default=str
    )
    told: dict[str, Any] = json.loads(text)
    return told


@pytest.mark.parametrize("story", STORIES)
def test_status_is_told_in_full(world: World, story: str) -> None:
    """What people and scripts are shown of each model."""
    STORIES[story](ordering(world))
    said("status", story, shown(world))


def test_status_is_told_while_things_are_under_way(world: World) -> None:
    """A training that runs, a step that soaks, a version that was never seen."""
    said("status", "unseen", shown(world))
    land(world, "a.csv")
    world.go_on(5)
    said("status", "training", shown(world))
    complete(world)
    world.go_on(3)
    second(world)
    world.go_on(9, callers=200)
    said("status", "soaking", shown(world))
    world.sick.add("v2-e1")
    world.go_on(1, callers=500)
    said("status", "going back", shown(world))
    world.endpoint.operation_seconds = 300
    for _ in range(20):
        world.go_on(1)
        if shown(world)["warm"]:
            break
    said("status", "given up, not yet gone", shown(world))


ASKED = {
    "ruled": [
        "flights:1",
        "flights/a.csv",
        "20261123t143000000000.v2-e1.ab12cd34",
        "20261123t143000000000.v9-e1.ab12cd34",
    ],
    "operated": [f"{number:012x}" for number in range(1, 10)],
    "failing": [
        "flights/bad.csv",
        "flights-order-20261123t121000-a1",
        "flights-order-20261123t121000-a2",
    ],
    "missed": [f"202611{day}t1200" for day in (24, 25, 26, 28)],
    "contained": ["2", "20261123t143000000000.v2-e1.ab12cd34"],
}


@pytest.mark.parametrize("story", ASKED)
def test_chains_are_told_in_full(world: World, story: str) -> None:
    """Every link behind an id, with its words and numbers."""
    STORIES[story](ordering(world))
    for asked in ASKED[story]:
        replied = answer(world.plane, asked, "" if "/" in asked or "event:" in asked else "flights")
        told = json.loads(replied.body)
        said(f"why_{story}", asked, {"status": replied.status, "told": told})
    Told(f"why_{story}", FOLDER).check_rows(ASKED[story])


def test_chain_of_what_runs_and_of_what_was_ignored(world: World) -> None:
    """A job that has not ended, and an event that is nobody's."""
    land(world, "a.csv")
    world.go_on(5)
    said("why_others", "running", why(world.plane, running(world).job))
    intake.receive(world.plane, blob_event("ships/a.csv"))
    said("why_others", "ignored", why(world.plane, "event:event-ships/a.csv"))
    for model in ("", "flights"):
        told = why(world.plane, "event:event-flights/a.csv", model)
        said("why_others", f"event, asked of {model or 'any'}", told)
    said("why_others", "landing", why(world.plane, "landing 20261123t120100", "flights"))
    with pytest.raises(NotFoundError):
        why(world.plane, "event:event-flights/a.csv", "diabetes")


def test_pass_at_work_is_named_by_its_rollout_while_that_lasts(world: World) -> None:
    """A deployment that is rolled out says more than that somebody is at work."""
    first(world)
    second(world)
    named = []
    for minutes in (5, 120):
        world.go_on(minutes, callers=200)
        world.clock.advance(timedelta(hours=1))
        with world.lease.hold("flights"):
            intake.take(world.plane, message_text(Message("flights", "landing x")))
        decision = world.decisions.decisions[-1]
        assert decision.kind is Kind.COALESCED
        named.append("deployment v2-e1" in decision.reasons[0].text)
        world.work_off()
    assert named == [True, False]


def test_chain_of_an_event_that_came_while_another_pass_was_at_work(world: World) -> None:
    """Both are told: that it was coalesced, and what its copy came to."""
    first(world)
    world.clock.advance(timedelta(hours=1))
    with world.lease.hold("flights"):
        intake.receive(world.plane, run_event("flights-slot-1-a1"))
        world.work_off()
    world.go_on(2)
    told = why(world.plane, "event:event-flights-slot-1-a1")["links"]
    assert [link["facts"]["kind"] for link in told] == ["coalesced", "held"]


def test_prediction_before_any_traffic_was_ordered(world: World) -> None:
    """An answer that nobody ordered traffic for is told as just that."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.endpoint.operation_seconds = 300
    world.go_on(2)
    asked = f"{world.clock.now():%Y%m%dt%H%M%S%f}.v1-e1.ab12cd34"
    said("why_others", "no traffic", why(world.plane, asked, "flights")["links"][-1])


UNKNOWN_IDS = [
    ("bogus", "flights"),
    ("2", ""),
    ("2", "ships"),
    ("7", "flights"),
    ("flights:3", ""),
    ("ships/a.csv", ""),
    ("flights/none.csv", ""),
    ("20300101t1200", "flights"),
    ("landing-20300101t120000", "flights"),
    ("event:none", ""),
    ("20269999t999999000000.v1-e1.ab12cd34", "flights"),
]


@pytest.mark.parametrize(("asked", "model"), UNKNOWN_IDS)
def test_what_is_not_known_is_answered_in_full(world: World, asked: str, model: str) -> None:
    """What was looked for, and what could be asked instead."""
    said("why_unknown", f"{asked} of {model or 'any'}", read(answer(world.plane, asked, model)))


def test_why_without_storage_is_a_problem(world: World) -> None:
    """Who asks while tables are down is told to come again."""
    breaking(world, "decisions", "about", UnavailableError("tables are down"))
    said("why_unknown", "no storage", read(answer(world.plane, "2", "flights")))


def read(reply: Any) -> dict[str, Any]:
    """An answer with its JSON read."""
    return {
        "status": reply.status,
        "type": reply.content_type,
        "body": json.loads(reply.body),
        "retry_after": reply.retry_after,
    }


EVENTS = {
    "landing": blob_event("flights/a.csv"),
    "elsewhere": blob_event("flights/a.csv", container="other"),
    "empty": blob_event("flights/a.csv", contentLength=0, api="CreateFile"),
    "nobody's": blob_event("ships/a.csv"),
    "run": run_event("flights-slot-1-a1", "Failed"),
    "running": run_event("flights-slot-1-a1", "Running"),
    "child": run_event("AutoML_1_2"),
    "foreign": run_event("flights-slot-1-a1", workspace="/subscriptions/x"),
    "unknown": {"id": "7", "topic": "t", "subject": "s", "eventType": "Some.Thing", "data": {}},
    "untyped": {"id": "8", "topic": "t", "subject": "s"},
    "nothing": {},
}
MESSAGES = {
    "known": message_text(Message("flights", "tick", "00-1-2-01", event_id="e1")),
    "nobody's": message_text(Message("ships", "tick")),
    "broken": "{",
}


def test_rulings_are_told_in_full(world: World) -> None:
    """Whom each event and message wakes, or why it has no effect."""
    for name, raw in EVENTS.items():
        said("rulings", f"event {name}", rule_raw(world.plane, raw))
    for name, text in MESSAGES.items():
        said("rulings", f"message {name}", rule_message(world.plane, text))


def test_ignored_events_are_recorded_in_full(world: World) -> None:
    """What has no effect is kept apart, under its event's name."""
    for raw in EVENTS.values():
        intake.receive(world.plane, raw)
    for text in MESSAGES.values():
        intake.take(world.plane, text)
    said("decisions_ignored", "ignored", decided(world, NOBODY))


def test_messages_are_sent_in_full(world: World) -> None:
    """What travels through the queue says why, and by which event."""
    for raw in EVENTS.values():
        intake.receive(world.plane, raw)
    intake.tick(world.plane)
    intake.wake_all(world.plane, "daily_training")
    for verb in Verb:
        intake.order(ordering(world).plane, "flights", verb, "ada", "x")
    said("messages", "sent", [message for _, message in world.queue.waiting])


def test_replays_are_told_in_full(world: World) -> None:
    """What would come of each, and what has."""
    files = content(*(dead_letter(event) for event in EVENTS.values()))
    poison = MemoryPoison(*MESSAGES.values())
    for do in (False, True):
        told = [*replay_events(world.plane, files, do=do)]
        told += replay_poison(world.plane, poison, do=do)
        said("replays", "done" if do else "told", told)
        sent = [message for _, message in world.queue.waiting]
        said("replays", "sent" if do else "not sent", [sent, world.state.load("flights").landings])


BODIES = {
    "good": b'{"because":" new labels ","who":" ada "}',
    "nameless": b'{"because":"new labels"}',
    "no JSON": b"because",
    "list": b"[]",
    "no reason": b'{"who":"ada"}',
    "number": b'{"because":"x","who":1}',
    "stranger": b'{"because":"x","when":1,"zeal":2}',
    "long": json.dumps({"because": "x" * 501}).encode(),
    "long name": json.dumps({"because": "x", "who": "y" * 501}).encode(),
    "just short enough": json.dumps({"because": "x" * 500, "who": "y" * 500}).encode(),
}


def test_orders_are_answered_in_full(world: World) -> None:
    """An id, or what is wrong."""
    ordering(world)
    for name, body in BODIES.items():
        said("orders", name, read(take_order(world.plane, "flights", "train", body)))
    good = BODIES["good"]
    said("orders", "verb", read(take_order(world.plane, "flights", "explode", good)))
    said("orders", "model", read(take_order(world.plane, "ships", "pause", good)))
    said("orders", "kept", world.state.load("flights").orders)


def written(world: World) -> Iterator[tuple[str, Any]]:
    """Files that the control plane wrote itself."""
    for path, found in sorted(world.files.files.items()):
        if "/runs/" not in path:
            yield path, json.loads(found)


def test_what_goes_out_is_told_in_full(world: World) -> None:
    """Manifests, specs, names and tags of versions, traffic, and the rows that are sent."""
    first(world)
    second(world)
    world.go_on(12)
    ruled_by: dict[str, Any] = {
        "files": dict(written(world)),
        "tags": {
            f"{model}:{number}": tags for (model, number), tags in world.registry.tags.items()
        },
        "traffic": [dict(sorted(traffic.items())) for traffic, _ in world.endpoint.written],
        "asked": world.prober.asked,
        "health": world.health.read(
            "flights", world.clock.now() - timedelta(days=1), world.clock.now()
        ),
    }
    said("outside", "what went out", ruled_by)


@pytest.mark.parametrize("probe", Probe)
def test_recorded_rows_are_counted_as_they_are_answered(world: World, probe: Probe) -> None:
    """Passed or failed they count, and are marked as ours; no data counts as nothing."""
    first(world)
    second(world)
    world.prober.answers["v2-e1"] = SmokeFacts(probe, "so it is")
    world.go_on(12)
    now = world.clock.now()
    found = world.health.read("flights", now - timedelta(minutes=12), now)
    said("outside", f"recorded rows {probe.value}", found.get("v2-e1", Counts()))


class Attentive:
    """A port that remembers what it was asked."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self.calls: list[list[Any]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self._port, name)

        def asked(*given: Any) -> Any:
            self.calls.append([name, *given])
            return found(*given)

        return asked


def test_recorded_rows_are_sent_and_counted_in_full(world: World) -> None:
    """One row at a time to the deployment's address, counted beside what processes count."""
    first(world)
    second(world)
    ports = world.plane.ports
    prober, health = Attentive(ports.prober), Attentive(ports.health)
    world.go_on(9)
    world.plane = replace(world.plane, ports=replace(ports, prober=prober, health=health))
    world.go_on(3)
    written = [call for call in health.calls if call[0] == "write"]
    said("outside", "top up", [prober.calls[:4], len(prober.calls), written[0]])


def test_refused_order_is_remembered_with_whose_it_was(world: World) -> None:
    """What the outside refuses ends what it was ordered for, and nothing else."""
    land(world, "a.csv")
    breaking(world, "jobs", "submit", RefusedError("quota: no nodes"))
    world.go_on(3)
    state = world.state.load("flights").state
    assert state is not None
    said("outside", "refused", [state.order_refused, state.refused_to, state.training])
    world.go_on(1)
    state = world.state.load("flights").state
    assert state is not None
    said("outside", "given up", [state.order_refused, state.refused_to, state.last_refusal])


def test_refused_rollout_lets_the_training_be(world: World) -> None:
    """A training whose order was lost is sent again, though the rollout's was refused."""
    first(world)
    second(world)
    world.endpoint.refusals["v1-e2"] = "quota"
    intake.order(world.plane, "flights", Verb.TRAIN, "ada", "x")
    breaking(world, "jobs", "submit", UnavailableError("lost"))
    breaking(world, "endpoint", "set_traffic", RefusedError("no"))
    world.sick.add("v2-e1")
    world.go_on(6, callers=200)
    assert running(world).because.startswith("ada asked: x")
    assert "order_refused" not in world.codes()


SCORED = {
    "good": Scored(200, b' {"predictions":[]} ', "application/json", "v3-e1"),
    "refuses this app": Scored(401, b"x" * 300, "text/plain", "v3-e1"),
    "forbids this app": Scored(403, b"no", "text/plain", ""),
    "forbidden by the container": Scored(403, b"no", "text/plain", "v3-e1", by_container=True),
    "odd": Scored(402, b"pay", "text/plain", "v3-e1"),
    "bad rows": Scored(400, b"{}", "application/problem+json", "v3-e1"),
    "busy": Scored(429, b"", "text/plain", "v3-e1", retry_after="7"),
    "timed out": Scored(408, b"", "text/plain", "v3-e1"),
    "broken": Scored(599, b"", "text/plain", "v3-e1"),
    "beyond": Scored(600, b"", "text/plain", ""),
    "moved": Scored(302, b'{"a":1}', "text/html", "v3-e1"),
    "no object": Scored(200, b"[]", "application/json", "v3-e1"),
    "half an object": Scored(200, b'{"predictions"', "application/json", "v3-e1"),
    "nobody's nonsense": Scored(200, b"hello", "application/json", ""),
    "not asked": NotAskedError("no token"),
    "unavailable": UnavailableError("connection refused"),
}


@pytest.mark.parametrize("name", SCORED)
def test_predictions_are_answered_in_full(world: World, name: str) -> None:
    """Status, type and words for whatever the endpoint says, and how it is counted."""
    serve(world)
    proxy = proxy_of(world, PlannedScorer(SCORED[name]))

    async def twice() -> list[Answer]:
        """The second one a bucket later, when the first is written down."""
        answers = [await proxy.answer("flights", ROWS)]
        world.clock.advance(timedelta(seconds=10))
        answers.append(await proxy.answer("flights", ROWS))
        await proxy.settled()
        return answers

    reply, _ = asyncio.run(twice())
    body = re.sub(rb"\.[0-9a-f]{8}(?=\")", b".chance", reply.body).decode()
    now = world.clock.now()
    counted = world.health.read("flights", now - timedelta(minutes=1), now + timedelta(minutes=1))
    counts = {
        deployment: [counts.requests, counts.failures] for deployment, counts in counted.items()
    }
    said("predictions", name, [reply._replace(body=body), counts])


def test_predictions_of_nobody_are_answered_in_full(world: World) -> None:
    """An unknown model, too large a body, and a model without a champion."""
    scorer = PlannedScorer(GOOD)
    said("predictions", "unknown model", ask(world, scorer, model="ships"))
    said("predictions", "too large", ask(world, scorer, body=b"x" * 5_000_001))
    said("predictions", "no champion", ask(world, scorer))
    said("predictions", "as large as may be", ask(world, scorer, body=b"x" * 5_000_000))
    breaking(world, "state", "load", UnavailableError("tables are down"))
    said("predictions", "no storage", ask(world, scorer))
    serve(world)
    said("predictions", "too late", ask(world, PlannedScorer(None)))


def test_request_too_many_is_answered_in_full(world: World) -> None:
    """It is told at once to come again, and makes room for nobody else's."""
    serve(world)
    proxy = proxy_of(world, PlannedScorer(None))

    async def crowd() -> list[Answer]:
        """One more than there is room for, twice."""
        asked = [proxy.answer("flights", ROWS) for _ in range(INSIDE_MAX + 2)]
        return await asyncio.gather(*asked)

    first, *_, refused, last = asyncio.run(crowd())
    assert first.status == 504
    assert refused == last
    said("predictions", "too many", last)


def test_requests_one_after_the_other_are_never_too_many(world: World) -> None:
    """Each makes room when it was answered."""
    serve(world)
    proxy = proxy_of(world, PlannedScorer(GOOD), timeout_seconds=60)

    async def queue() -> set[int]:
        """One by one."""
        return {(await proxy.answer("flights", ROWS)).status for _ in range(INSIDE_MAX + 2)}

    assert asyncio.run(queue()) == {200}


def test_event_is_ruled_as_it_was_parsed(world: World) -> None:
    """The same ruling, whether it came raw or parsed."""
    for raw in (EVENTS["landing"], EVENTS["run"], EVENTS["unknown"]):
        assert rule_event(world.plane, world.plane.read_event(raw)) == rule_raw(world.plane, raw)
