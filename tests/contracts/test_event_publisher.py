"""What every EventPublisher keeps to, and Noon's events as the real SDK sends them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.messaging import CloudEvent
from azure_emulator.testing import Azurite
from jsonschema import Draft202012Validator

from shared.adapters.credential import LazyCredential
from shared.adapters.event_publisher import AzureEventPublisher
from shared.adapters.memory.outside import MemoryEventPublisher
from shared.domain.announcements import Announcement, EventType, announcements
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.errors import BusyError, NoonError, RefusedError, UnavailableError
from shared.outlets import EventPublisher
from tests.builders import NOON
from tests.contracts.topic_server import AUDIENCE, Topic, topic_served

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "events"
WORKSPACE = "/subscriptions/s/resourceGroups/rg/providers/m/workspaces/ws"
FACTS: dict[str, Any] = {
    "metric": "roc_auc",
    "challenger": 0.7312,
    "champion": 0.7201,
    "baseline": 0.5,
    "difference": [0.005, 0.0111, 0.017],
    "holdout_rows": 1200,
}


def decided(number: int, *codes: str, about: tuple[str, ...], **facts: Any) -> Decision:
    """A decision with these reasons and facts."""
    reasons = tuple(Reason(code, f"{code}: because") for code in codes)
    name = f"20261123t120000-{number:08x}"
    return Decision(name, "flights", NOON, "tick", Kind.ACTED, reasons, about=about, facts=facts)


JOB = ("job:flights-slot-20261123t1200-a1", "ended:job:flights-slot-20261123t1200-a1")
DECISIONS = (
    decided(
        1, "better", about=(*JOB, "version:12", "begun:version:12"), verdict="promote", **FACTS
    ),
    decided(2, "worse", about=JOB, verdict="retain", **FACTS),
    decided(3, "malformed", about=JOB, verdict="halt"),
    decided(4, "rolled_back", about=("version:12", "deployment:v12-e3")),
    decided(5, "slot_skipped", about=("slot:20261123t1200",)),
    decided(
        6,
        "slots_missed",
        "slot_due",
        about=("slot:20261123t1200",),
        slots_missed={"first": "20261121t1200", "last": "20261122t1200", "count": 2},
    ),
)


def events() -> list[Announcement]:
    """One of each type and variety."""
    return [event for decision in DECISIONS for event in announcements(decision)]


@dataclass(frozen=True)
class PublisherUnderTest:
    """A publisher, and the ids, types and data that arrived."""

    publisher: EventPublisher
    arrived: Callable[[], list[tuple[str, str, Any]]]


@pytest.fixture
def topic(azurite: Azurite) -> Iterator[Topic]:
    """A topic over TLS."""
    with topic_served(azurite.tls) as topic:
        yield topic


@pytest.fixture
def real(topic: Topic, credential: LazyCredential) -> AzureEventPublisher:
    """The adapter, with the identity of the control plane."""
    return AzureEventPublisher(topic.url, WORKSPACE, credential)


@pytest.fixture(params=["memory", "azure"])
def under_test(request: pytest.FixtureRequest) -> PublisherUnderTest:
    """Nothing published yet."""
    if request.param == "memory":
        memory = MemoryEventPublisher()
        return PublisherUnderTest(
            memory,
            lambda: [(each.event_id, each.type.value, each.data) for each in memory.published],
        )
    topic: Topic = request.getfixturevalue("topic")
    return PublisherUnderTest(
        request.getfixturevalue("real"),
        lambda: [(each["id"], each["type"], each["data"]) for each in topic.events],
    )


def test_what_is_published_arrives(under_test: PublisherUnderTest) -> None:
    """With id, type and data, in order; twice is the same id twice."""
    sent = events()
    under_test.publisher.publish(sent)
    under_test.publisher.publish(sent[:1])
    wanted = [(each.event_id, each.type.value, each.data) for each in [*sent, sent[0]]]
    assert under_test.arrived() == wanted


def test_every_type_has_an_example(topic: Topic, real: AzureEventPublisher) -> None:
    """What the tests publish are all the types that there are."""
    real.publish(events())
    assert {each["type"] for each in topic.events} == {each.value for each in EventType}


def test_events_are_cloud_events_by_the_standard(topic: Topic, real: AzureEventPublisher) -> None:
    """Version 1.0, from the workspace, about the model, at the time of the decision."""
    real.publish(events())
    assert topic.types == ["application/cloudevents-batch+json; charset=utf-8"]
    assert topic.audiences == [AUDIENCE]
    for raw in topic.events:
        assert raw["specversion"] == "1.0"
        event = CloudEvent.from_dict(raw)
        assert (event.source, event.subject) == (WORKSPACE, "models/flights")
        assert event.time == NOON
        assert event.id == event.data["decision"]
        assert event.dataschema == f"urn:noon:events:{event.type}:1"


@pytest.mark.parametrize("event", events(), ids=lambda event: f"{event.type} {event.event_id[-1]}")
def test_data_keep_to_the_published_schema(event: Announcement) -> None:
    """The schema is what a subscriber builds on; every field of the data stands there."""
    schema = json.loads((SCHEMAS / f"{event.type}.schema.json").read_text())
    validator = Draft202012Validator(
        schema | {"additionalProperties": False},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    assert list(validator.iter_errors(json.loads(json.dumps(event.data)))) == []
    assert schema["$id"] == f"urn:noon:events:{event.type}:1"


def test_schemas_refuse_what_is_something_else() -> None:
    """Each schema tells its own type from the others, and misses what is missing."""
    for event in events():
        data = dict(event.data)
        for path in SCHEMAS.glob("*.schema.json"):
            fits = Draft202012Validator(json.loads(path.read_text())).is_valid(data)
            assert fits is (path.name == f"{event.type}.schema.json"), (path.name, event.type)
        del data["decision"]
        schema = json.loads((SCHEMAS / f"{event.type}.schema.json").read_text())
        assert not Draft202012Validator(schema).is_valid(data)


def test_the_page_shows_an_event_of_each_type() -> None:
    """Examples in the documentation are checked by the schemas too."""
    text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    blocks = [part.partition("```")[0] for part in text.split("```json\n")[1:]]
    shown = [json.loads(block) for block in blocks]
    assert {each["type"] for each in shown} == {each.value for each in EventType}
    for each in shown:
        assert CloudEvent.from_dict(each).id == each["data"]["decision"]
        schema = json.loads((SCHEMAS / f"{each['type']}.schema.json").read_text())
        assert list(Draft202012Validator(schema).iter_errors(each["data"])) == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, UnavailableError),
        (403, RefusedError),
        (413, RefusedError),
        (429, BusyError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_refusals_are_errors_of_noon(
    topic: Topic, real: AzureEventPublisher, status: int, error: type[NoonError]
) -> None:
    """One attempt a call; what comes of it is for the queue."""
    topic.answers = [(status, {"Retry-After": "40"})]
    with pytest.raises(error):
        real.publish(events()[:1])
    assert topic.answers == []
    real.publish(events()[:1])
    assert len(topic.events) == 1


def test_topic_that_is_not_there(real: AzureEventPublisher, topic: Topic) -> None:
    """Nobody listens: no answer."""
    topic.answers = [(404, {})]
    with pytest.raises(NoonError, match=r"publish Noon\.ModelPromoted"):
        real.publish(events()[:1])
