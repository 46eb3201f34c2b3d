"""What is told outside is what was decided: at least once, and nothing that was not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.azure_notices import notice_text
from shared.adapters.memory.outside import MemoryEventPublisher
from shared.application import intake
from shared.application.notices import take_notice
from shared.application.reconcile import reconcile
from shared.application.records import UNSAID_MAX, Recorded
from shared.application.replay_notices import replay_notices
from shared.application.why import why
from shared.domain.announcements import announcements, concerns_others
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.errors import NoonError, UnavailableError
from shared.domain.events import Message, Verb
from tests.application.conftest import World
from tests.application.story import complete, land
from tests.application.telling import Told, told_by
from tests.application.test_canary import rolling
from tests.application.test_records import TICK, dying
from tests.application.test_replay import MemoryPoison
from tests.builders import NOON

__all__ = ["rolling"]


@pytest.fixture
def told(world: World) -> Told:
    """Everybody is told."""
    return told_by(world)


def first_champion(world: World) -> None:
    """A first version is promoted and rules."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)


def types(told: Told) -> list[str]:
    """What was published, in order."""
    return [event.type.value for event in told.publisher.published]


def test_promotion_is_published_with_its_decision(world: World, told: Told) -> None:
    """The event's id is the decision's, and its data are the decision's facts."""
    first_champion(world)
    told.work_off()
    (event,) = told.publisher.published
    (decision,) = (each for each in world.decisions.decisions if "verdict" in each.facts)
    assert event.event_id == event.data["decision"] == decision.id
    assert event.type == "Noon.ModelPromoted"
    assert event.data["version"] == 1
    assert event.data["challenger"] == decision.facts["challenger"]
    assert event.decided_at == decision.at


def test_refusal_is_published(world: World, told: Told) -> None:
    """With the verdict, the job and every reason."""
    first_champion(world)
    world.go_on(60)
    land(world, "b.csv")
    world.go_on(5)
    training = complete(world, challenger=0.1)
    world.go_on(5)
    told.work_off()
    event = told.publisher.published[-1]
    assert event.type == "Noon.ModelRefused"
    assert event.data["job"] == training.job
    assert event.data["verdict"] in ("retain", "halt")
    assert event.data["reasons"]


def test_end_of_a_rollout_is_reported_once_with_its_numbers(rolling: World) -> None:
    """The gate's difference, the checks' counts and the way to more stand in the comment."""
    told = told_by(rolling)
    told.work_off()
    rolling.go_on(45, callers=200)
    told.work_off()
    (issue,) = told.tracker.issues.values()
    assert issue.draft.title == "Rollouts of flights"
    assert len(issue.comments) == 2
    text = issue.comments[-1][1]
    assert "**v2-e1 succeeded**" in text
    assert "difference +" in text or "difference 0." in text
    assert "| 10 % | passed | requests" in text
    assert "noon why flights:2 --model flights" in text


def test_rollback_is_published_and_reported(rolling: World) -> None:
    """A version that was given up is told with its deployment and why."""
    told = told_by(rolling)
    rolling.sick.add("v2-e1")
    rolling.go_on(20, callers=200)
    told.work_off()
    event = told.publisher.published[-1]
    assert event.type == "Noon.RolledBack"
    assert (event.data["deployment"], event.data["version"]) == ("v2-e1", 2)
    assert "**v2-e1 rolled back**" in told.tracker.issues[1].comments[-1][1]


def test_abort_is_reported(rolling: World) -> None:
    """What an operator ends is reported too, and is no event."""
    told = told_by(rolling)
    told.work_off()
    before = types(told)
    intake.order(rolling.plane, "flights", Verb.ABORT, "anna", "wrong calendar")
    rolling.go_on(10)
    told.work_off()
    assert types(told) == before
    assert "**v2-e1 aborted**" in told.tracker.issues[1].comments[-1][1]


def test_skipped_slot_is_published(world: World, told: Told) -> None:
    """A slot without any data has no job, and says so."""
    world.go_on(1)
    world.clock.advance(timedelta(hours=24))
    world.go_on(2)
    told.work_off()
    event, other = told.publisher.published
    assert {event.model, other.model} == {"flights", "diabetes"}
    assert event.type == "Noon.SlotSkipped"
    assert event.data["slots"] == {"first": "20261124t1200", "last": "20261124t1200", "count": 1}


def test_overtaken_slots_are_one_event(world: World, told: Told) -> None:
    """An app that was away for days tells of all the slots that had no turn."""
    world.go_on(1)
    world.clock.advance(timedelta(days=3))
    world.go_on(2)
    told.work_off()
    event, _ = told.publisher.published
    assert event.data["slots"] == {"first": "20261124t1200", "last": "20261126t1200", "count": 3}


def test_nothing_else_is_told(rolling: World) -> None:
    """Holding, soaking, training: most decisions concern nobody outside."""
    count = len(rolling.notices.waiting)
    rolling.go_on(8, callers=200)
    assert len(rolling.notices.waiting) == count


def test_nobody_listening_costs_nothing(world: World) -> None:
    """Without a topic and a repository no notice is sent."""
    world.plane = replace(world.plane, ports=replace(world.plane.ports, notices=None))
    first_champion(world)
    assert world.notices.waiting == []


class Broken:
    """A port of which one call fails once, before or after it had its effect."""

    def __init__(self, inner: Any, call: str, *, after: bool, error: BaseException) -> None:
        self._inner, self._call, self._after, self._error = inner, call, after, error
        self.armed = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)

        def call(*given: Any, **named: Any) -> Any:
            if name != self._call or not self.armed:
                return found(*given, **named)
            self.armed = False
            if self._after:
                found(*given, **named)
            raise self._error

        return call


class Died(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", [Died(), UnavailableError("lost")], ids=["died", "lost"])
@pytest.mark.parametrize(
    ("port", "call"),
    [("state", "save"), ("decisions", "append"), ("notices", "send"), ("registry", "register")],
)
def test_nothing_decided_is_left_untold(
    world: World, port: str, call: str, error: BaseException, after: bool
) -> None:
    """Between saving, recording and telling a process may die: the next one tells."""
    told = told_by(world)
    land(world, "a.csv")
    world.go_on(5)
    complete(world, event=False)
    plain = world.plane
    broken = Broken(getattr(plain.ports, port), call, after=after, error=error)
    broken.armed = True
    plane = replace(plain, ports=replace(plain.ports, **{port: broken}))
    with suppress(NoonError, Died):
        reconcile(plane.ports, plane.models["flights"], Message("flights", "run"), plane.recorded)
    if not isinstance(error, UnavailableError):
        world.plane = replace(plain, recorded=Recorded())
    world.go_on(10)
    told.work_off()
    assert "Noon.ModelPromoted" in types(told)
    assert len({event.event_id for event in told.publisher.published}) == 1
    (issue,) = told.tracker.issues.values()
    assert len(issue.comments) == 1


def test_who_makes_room_for_its_own_decision_tells_of_the_others(world: World, told: Told) -> None:
    """As many processes as a row has places die unheard, the first one after it promoted."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world, event=False)
    dying(world, "decisions", "append")
    for number in range(UNSAID_MAX - 1):
        intake.order(world.plane, "flights", Verb.PAUSE, "ann", str(number))
        world.clock.advance(timedelta(seconds=70))
        dying(world, "decisions", "append")
    assert len(world.state.load("flights").unsaid) == UNSAID_MAX
    intake.order(world.plane, "flights", Verb.PAUSE, "ann", "once more")
    world.clock.advance(timedelta(seconds=70))
    decision = intake.take(world.plane, TICK)
    assert decision is not None
    assert decision.kind is not Kind.FAILED
    told.work_off()
    assert "Noon.ModelPromoted" in types(told)


def test_a_new_process_tells_nothing_twice(world: World, told: Told) -> None:
    """It cannot know what was told, and asks the log before it tells."""
    first_champion(world)
    told.work_off()
    for _ in range(3):
        world.plane = replace(world.plane, recorded=Recorded())
        reconcile(world.plane.ports, world.plane.models["flights"], Message("flights", "again"))
    told.work_off()
    assert types(told) == ["Noon.ModelPromoted"]
    assert len(told.tracker.issues[1].comments) == 1


def test_why_tells_what_was_told(world: World, told: Told) -> None:
    """Of a decision's event it is known when it was published."""
    first_champion(world)
    told.work_off()
    event = told.publisher.published[0].event_id
    chain = why(world.plane, f"event:{event}")
    assert [link["reasons"][0]["code"] for link in chain["links"]] == ["published"]


class Down(MemoryEventPublisher):
    """A topic that does not answer for a while."""

    tries = 3

    def publish(self, events: Any) -> None:
        """Refused until it was tried often enough."""
        self.tries -= 1
        if self.tries >= 0:
            raise UnavailableError("503")
        super().publish(events)


def test_topic_that_is_down_gets_its_event_later(world: World) -> None:
    """Each try is further from the last; the record says how it stands, and then that it went."""
    told = told_by(world, publisher=(topic := Down()))
    first_champion(world)
    waits = []
    for _ in range(4):
        told.work_off()
        later = [at for at, _ in world.notices.waiting]
        if later:
            waits.append((min(later) - world.clock.now()).total_seconds())
            world.clock.advance(min(later) - world.clock.now())
    told.work_off()
    assert waits == [30, 60, 120]
    assert [event.type for event in topic.published] == ["Noon.ModelPromoted"]
    found = [each for each in world.decisions.decisions if each.cause.startswith("tell")]
    assert {each.outcome for each in found} == {"done"}


def test_decision_that_is_gone_is_tried_again_and_said(world: World, told: Told) -> None:
    """A notice whose decision the log does not have ends in no silence."""
    first_champion(world)
    notice = world.notices.receive()
    assert notice is not None
    gone = replace(notice, decision="gone")
    decision = take_notice(told.outside, notice_text(gone))
    assert decision is not None
    assert "decision gone is not kept under" in decision.outcome


def test_unreadable_notice_is_recorded(told: Told) -> None:
    """What can never be understood is no poison."""
    wrong = ('{"schema": 1, "kind": "letter"}', '{"schema": 1, "kind": "alert"}')
    for text in ("", "{}", "[" * 60_000, *wrong):
        decision = take_notice(told.outside, text)
        assert decision is not None
        assert (decision.kind, decision.reasons[0].code) == (Kind.IGNORED, "malformed")


def test_poisoned_notices_are_told_first_and_sent_again_when_wanted(
    world: World, told: Told
) -> None:
    """Without `do` nothing changes; with it they begin anew, and what is unreadable is recorded."""
    first_champion(world)
    notices = [replace(notice, attempt=23) for _, notice in world.notices.waiting]
    world.notices.waiting.clear()
    poison = MemoryPoison(*map(notice_text, notices), "{")
    shown = list(replay_notices(told.outside, poison, do=False))
    assert [each["kind"] for each in shown] == ["tells", "tells", "ignored"]
    assert poison.count() == 3
    assert world.notices.waiting == []
    done = list(replay_notices(told.outside, poison, do=True))
    assert [each["done"] for each in done] == [True, True, True]
    assert poison.count() == 0
    assert {notice.attempt for _, notice in world.notices.waiting} == {0}
    told.work_off()
    assert types(told) == ["Noon.ModelPromoted"]
    assert "malformed" in [each.reasons[0].code for each in world.decisions.decisions]


def decided(*codes: str, about: tuple[str, ...] = (), **facts: Any) -> Decision:
    """A decision with these reasons and facts."""
    reasons = tuple(Reason(code, code) for code in codes)
    return Decision("d1", "flights", NOON, "tick", Kind.ACTED, reasons, about=about, facts=facts)


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (decided("nothing_due"), []),
        (decided("slot_skipped", about=("slot:20261123t1200",)), ["d1 Noon.SlotSkipped"]),
        (decided("rolled_back", about=("version:2", "deployment:v2-e1")), ["d1 Noon.RolledBack"]),
        (decided("succeeded", about=("version:2", "deployment:v2-e1")), []),
        (decided("malformed", about=("job:j",), verdict="halt"), ["d1 Noon.ModelRefused"]),
        (
            decided(
                "worse",
                "rolled_back",
                about=("job:j", "deployment:v2-e1"),
                verdict="retain",
            ),
            ["d1 Noon.ModelRefused", "d1.2 Noon.RolledBack"],
        ),
    ],
)
def test_what_a_decision_announces(decision: Decision, expected: list[str]) -> None:
    """Only what was saved was decided; two events of one decision have two ids."""
    assert [f"{each.event_id} {each.type}" for each in announcements(decision)] == expected
    if expected:
        assert concerns_others(decision)
