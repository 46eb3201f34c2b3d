"""What people and operators read, to the letter: replayed notices, marks, watched answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.adapters.azure_notices import notice_text
from shared.adapters.memory.telemetry import MemoryTelemetry
from shared.application.problems import Answer
from shared.application.replay import PAGE
from shared.application.replay_notices import replay_notices
from shared.application.watched_predictions import WatchedPredictions, outcome_of
from shared.application.wording import asked_of, marker_of, plain
from shared.domain.alerts import Alert, Condition
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.notices import AlertNotice, DecisionNotice
from shared.domain.signals import Dimension, Log, Metric, Span
from shared.telemetry import Attributes
from tests.application.conftest import World
from tests.application.telling import told_by
from tests.application.test_replay import MemoryPoison
from tests.builders import NOON

ALERT = Alert("a1", "no slot", Condition.FIRED, NOON, model="flights")
NOTICES = (
    DecisionNotice("flights", "d7", "version:2", NOON, 23),
    AlertNotice(ALERT, "d8", NOON, 23),
    AlertNotice(Alert("a2", "poison", Condition.RESOLVED, NOON), "d9", NOON, 23),
)
TOLD: list[dict[str, Any]] = [
    {"source": "notices poison", "kind": "tells", "model": "flights", "what": "decision d7"},
    {
        "source": "notices poison",
        "kind": "tells",
        "model": "flights",
        "what": "alert no slot fired",
    },
    {"source": "notices poison", "kind": "tells", "model": None, "what": "alert poison resolved"},
    {
        "source": "notices poison",
        "kind": "ignored",
        "model": None,
        "what": "notice: not an object of schema 1",
        "code": "malformed",
    },
]


class Paged(MemoryPoison):
    """A poison queue that gives a page at a time and no more."""

    def peek(self, most: int) -> list[str]:
        """The next ones stay."""
        assert most == PAGE
        return super().peek(most)

    def take(self, most: int) -> list[tuple[str, str]]:
        """The next ones are hidden."""
        assert most == PAGE
        return super().take(most)


def test_replayed_notices_are_told_in_full(world: World) -> None:
    """What each would say outside, and whether it was sent again."""
    outside = told_by(world).outside
    poison = Paged(*map(notice_text, NOTICES), "[]")
    shown = list(replay_notices(outside, poison, do=False))
    assert shown == [each | {"done": False} for each in TOLD]
    done = list(replay_notices(outside, poison, do=True))
    assert done == [each | {"done": True} for each in TOLD]


def test_texts_of_others_hide_nothing_and_call_nobody() -> None:
    """No markup, nobody mentioned, and no more than is wanted."""
    assert plain("<b> @noon") == "&lt;b> @\u200bnoon"
    assert plain("x" * 10, 10) == "x" * 10
    assert plain("x" * 11, 10) == "x" * 8 + " …"
    assert plain("x" * 2000) == "x" * 2000
    assert plain("x" * 2001) == "x" * 1998 + " …"


def test_a_mark_is_hidden_and_always_the_same() -> None:
    """By it an issue is found that an earlier process made; so its form never changes."""
    assert marker_of("alert", "w", "no slot", "flights") == (
        "<!-- noon:a854ed26da0af63b52dbdefe7c61274d -->"
    )
    assert marker_of("a", "b") != marker_of("a b") != marker_of("ab")


@pytest.mark.parametrize(
    ("about", "asked"),
    [
        (("job:j1", "version:12", "slot:s", "event:e"), "flights:12"),
        (("slot:s", "job:j1", "event:e"), "j1"),
        (("event:e", "slot:s"), "s"),
        (("event:e",), "event:e"),
        (("run",), ""),
        ((), ""),
    ],
)
def test_what_is_asked_about_a_decision(about: tuple[str, ...], asked: str) -> None:
    """A version tells most, then a job, a slot and an event."""
    decided = Decision("d", "flights", NOON, "tick", Kind.ACTED, (Reason("x", "x"),), about=about)
    assert asked_of(decided) == asked


@pytest.mark.parametrize(
    ("status", "deployment", "outcome"),
    [
        (200, "v1-e1", "answered"),
        (399, "", "answered"),
        (400, "v1-e1", "refused"),
        (429, "", "busy"),
        (499, "", "refused"),
        (500, "v1-e1", "failed"),
        (503, "", "unavailable"),
        (503, "v1-e1", "failed"),
        (504, "", "late"),
        (504, "v1-e1", "failed"),
        (502, "", "failed"),
    ],
)
def test_what_became_of_a_request(status: int, deployment: str, outcome: str) -> None:
    """In a word, by status and by whether a deployment gave it."""
    assert outcome_of(Answer(status, b"{}", deployment=deployment)) == outcome


class Planned:
    """Predictions that answer as planned."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)

    async def answer(self, model: str, body: bytes) -> Answer:
        """The next one."""
        status = self._statuses.pop(0)
        return Answer(status, model.encode() + body, deployment="v1-e1" if status < 502 else "")

    async def settled(self) -> None:
        """Nothing waits."""


class Warned(MemoryTelemetry):
    """Telemetry that keeps warnings apart, and the share of blocks that get a span."""

    def log(self, log: Log, text: str, attributes: Attributes, *, warning: bool = False) -> None:
        """A line, with whether it warns."""
        super().log(log, text, {**attributes, "warning": warning})

    def span(self, *given: Any, share: float = 1.0, **named: Any) -> Any:
        """A span, with its share."""
        opened = super().span(*given, **named)
        self.counts.append((Metric.PREDICTION_DURATION, {"share": share}))
        return opened


def watched(telemetry: MemoryTelemetry, traced: float, *statuses: int) -> None:
    """Ask once for each status."""
    inner: Any = Planned(*statuses)
    predictions = WatchedPredictions(inner, frozenset({"flights"}), telemetry, traced)

    async def ask() -> None:
        for _ in statuses:
            await predictions.answer("flights", b"{}")

    asyncio.run(ask())


@pytest.mark.parametrize(("traced", "spans"), [(0.0, 0), (1.0, 4), (0.5, 2), (0.25, 1)])
def test_one_prediction_in_so_many_has_a_span(traced: float, spans: int) -> None:
    """None where nothing is traced; each says of how many it speaks."""
    telemetry = Warned()
    watched(telemetry, traced, 200, 200, 200, 200)
    assert [span.name for span in telemetry.spans] == [Span.PREDICT] * spans
    assert [about["share"] for _, about in telemetry.counts] == [traced] * spans
    assert len(telemetry.records) == 4


def test_a_watched_prediction_is_told_in_full() -> None:
    """The span, the distribution and, for what failed, a line that warns; once in a second."""
    telemetry = Warned()
    watched(telemetry, 1.0, 499, 500, 504)
    about = {Dimension.MODEL: "flights", Dimension.DEPLOYMENT: "v1-e1"}
    assert [span.failed for span in telemetry.spans] == ["", "failed", "late"]
    assert telemetry.spans[1].attributes == {
        **about,
        Dimension.OUTCOME: "failed",
        Dimension.STATUS: 500,
    }
    metric, latency_ms, told = telemetry.records[1]
    assert (metric, told) == (
        Metric.PREDICTION_DURATION,
        {**about, Dimension.OUTCOME: "failed"},
    )
    assert 0 < latency_ms < 60_000
    assert telemetry.lines == [
        (
            Log.PREDICTION_FAILED,
            "flights: v1-e1 answered, status 500",
            {**about, Dimension.OUTCOME: "failed", Dimension.STATUS: 500, "warning": True},
        )
    ]


def test_who_did_not_answer_is_nobody() -> None:
    """A request that no deployment answered is told as such."""
    telemetry = Warned()
    watched(telemetry, 0.0, 504)
    assert telemetry.lines[0][1] == "flights: nobody answered, status 504"
