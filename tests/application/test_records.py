"""That every message, order and event ends in one recorded decision, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.azure_queues import message_text
from shared.adapters.memory.messages import MemoryLease
from shared.application import intake
from shared.application.reconcile import reconcile
from shared.application.records import UNSAID_MAX, Recorded
from shared.domain.decision import OUTCOME_UNKNOWN, Decision, Kind
from shared.domain.errors import ConflictError, UnavailableError
from shared.domain.events import Message, Verb
from tests.application.conftest import World, world_with
from tests.application.counting import counted
from tests.application.story import blob_event, complete, land, run_event, running
from tests.builders import NOON, spec

TICK = message_text(Message("flights", "tick"))


class SurprisingError(Exception):
    """Nobody foresaw it."""


class Broken:
    """A port of which one method raises an error, before or after it did its work."""

    def __init__(
        self, port: Any, method: str, error: BaseException, *, after: bool = False
    ) -> None:
        self._port, self._method, self._error, self._after = port, method, error, after
        self.times = 1

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self._port, name)
        if name != self._method or not self.times:
            return found

        def broken(*args: Any, **named: Any) -> Any:
            self.times -= 1
            if self._after:
                found(*args, **named)
            raise self._error

        return broken


def breaking(world: World, port: str, method: str, error: BaseException, **how: bool) -> None:
    """From now on the method raises once."""
    broken = Broken(getattr(world.plane.ports, port), method, error, **how)
    world.plane = replace(world.plane, ports=replace(world.plane.ports, **{port: broken}))


def new_decisions(world: World, work: Callable[[], object]) -> list[Decision]:
    """What was recorded meanwhile."""
    before = set(map(id, world.decisions.decisions))
    work()
    return [row for row in world.decisions.decisions if id(row) not in before]


def attempt(world: World, text: str = TICK) -> None:
    """One delivery; what nobody foresaw rises to the platform, an outage may."""
    with suppress(UnavailableError):
        intake.take(world.plane, text)


BEFORE_ANYTHING = [
    ("state", "load", UnavailableError("tables are down")),
    ("lease", "hold", UnavailableError("blobs are down")),
    ("landing", "list", UnavailableError("the listing failed")),
    ("files", "write_once", UnavailableError("the manifest could not be written")),
    ("state", "save", UnavailableError("tables are down")),
]


@pytest.mark.parametrize(("port", "method", "error"), BEFORE_ANYTHING)
def test_pass_that_could_not_begin_is_recorded_and_comes_again(
    world: World, port: str, method: str, error: Exception
) -> None:
    """An outage is recorded once as failed, and the next attempt does what is due."""
    world.go_on(1)
    land(world, "a.csv")
    world.clock.advance(timedelta(minutes=5))
    breaking(world, port, method, error)

    (decision,) = new_decisions(world, lambda: attempt(world))
    assert decision.kind is Kind.FAILED
    assert decision.cause == "tick"
    assert decision.outcome == f"{type(error).__name__}: {error}; will be tried again"
    assert intake.take(world.plane, TICK) is not None
    assert len(world.jobs.running) == 1


def test_outage_sends_a_copy_and_not_the_message_to_the_poison(world: World) -> None:
    """An outage outlasts the tries of a message: a copy comes later, as long as it takes."""
    breaking(world, "landing", "list", UnavailableError("the listing failed"))
    text = message_text(Message("flights", "run x Completed"))
    (decision,) = new_decisions(world, lambda: intake.take(world.plane, text))
    assert decision.kind is Kind.FAILED
    ((at, copy),) = world.queue.waiting
    assert copy.cause == "run x Completed"
    assert at > world.clock.now()


def test_nothing_recorded_is_raised(world: World) -> None:
    """When not even the failure can be kept, the platform brings the message again."""
    breaking(world, "landing", "list", UnavailableError("storage is down"))
    breaking(world, "decisions", "append", UnavailableError("tables are down"))

    def fail() -> None:
        with pytest.raises(UnavailableError, match="storage is down"):
            intake.take(world.plane, TICK)

    assert new_decisions(world, fail) == []


def test_bug_is_recorded_and_rises(world: World) -> None:
    """What nobody foresaw is recorded once as failed, and the platform delivers it again."""
    breaking(world, "landing", "list", SurprisingError("a bug"))

    def fail() -> None:
        with pytest.raises(SurprisingError):
            intake.take(world.plane, TICK)

    (decision,) = new_decisions(world, fail)
    assert decision.kind is Kind.FAILED
    assert decision.outcome == "SurprisingError: a bug; will be tried again"


def test_what_was_saved_is_recorded_although_it_could_not_be_done(world: World) -> None:
    """A bug while acting does not hide what was decided: the slot's or order's decision is kept."""
    land(world, "a.csv")
    order = intake.order(world.plane, "flights", Verb.TRAIN, "ann", "new planes")
    breaking(world, "jobs", "submit", SurprisingError("a bug"))

    def fail() -> None:
        with pytest.raises(SurprisingError):
            intake.take(world.plane, TICK)

    (decision,) = new_decisions(world, fail)
    assert decision.kind is Kind.FAILED
    assert f"order:{order.order_id}" in decision.about
    assert "will be tried again" in decision.outcome
    world.go_on(3)
    assert len(world.jobs.running) == 1
    assert len(world.decisions.about("flights", f"order:{order.order_id}", 5)) == 1


@pytest.mark.parametrize("after", [False, True])
def test_decision_that_could_not_be_kept_is_tried_once_more(world: World, after: bool) -> None:
    """Whether the answer was lost or the write: the same decision is kept, once."""
    land(world, "a.csv")
    order = intake.order(world.plane, "flights", Verb.TRAIN, "ann", "new planes")
    breaking(world, "decisions", "append", UnavailableError("lost"), after=after)

    (decision,) = new_decisions(world, lambda: attempt(world))
    assert decision.kind is Kind.ACTED
    assert f"order:{order.order_id}" in decision.about


def test_failure_after_the_record_adds_no_second_one(world: World) -> None:
    """A message that could not be sent on does not make two decisions of one."""
    land(world, "a.csv")
    world.go_on(4)
    complete(world, event=False)
    breaking(world, "queue", "send", UnavailableError("queues are down"))

    text = message_text(Message("flights", "run x Completed"))
    assert len(new_decisions(world, lambda: attempt(world, text))) == 1


class DiedError(BaseException):
    """The process is gone: nothing catches it."""


def dying(world: World, port: str, method: str, *, after: bool = False) -> None:
    """The process dies at this call; another one comes, which remembers nothing of it."""
    error: Any = DiedError()
    breaking(world, port, method, error, after=after)
    with pytest.raises(DiedError):
        intake.take(world.plane, TICK)
    world.plane = replace(world.plane, recorded=Recorded())


@pytest.mark.parametrize(
    ("port", "method", "after"),
    [
        ("state", "save", True),
        ("files", "write_once", False),
        ("jobs", "submit", False),
        ("jobs", "submit", True),
        ("decisions", "append", False),
        ("decisions", "append", True),
    ],
)
def test_process_that_dies_after_saving_leaves_its_decision(
    world: World, port: str, method: str, after: bool
) -> None:
    """What it decided is recorded by the next pass, once, whatever that one does itself."""
    land(world, "a.csv")
    order = intake.order(world.plane, "flights", Verb.TRAIN, "ann", "new planes")
    dying(world, port, method, after=after)
    recorded = new_decisions(world, lambda: intake.take(world.plane, TICK))
    key = f"order:{order.order_id}"
    (kept,) = world.decisions.about("flights", key, 5)
    assert "ordered" in [reason.code for reason in kept.reasons]
    assert kept.model == "flights"
    assert len([each for each in recorded if key in each.about]) <= 1
    world.go_on(3)
    assert world.decisions.about("flights", key, 5) == [kept]
    assert len(world.jobs.running) == 1


def test_what_became_of_the_orders_of_the_dead_is_not_made_up(world: World) -> None:
    """Nobody knows whether the job was sent: the decision says so, and is no success."""
    land(world, "a.csv")
    intake.order(world.plane, "flights", Verb.TRAIN, "ann", "new planes")
    dying(world, "jobs", "submit")
    intake.take(world.plane, TICK)
    kept = world.decisions.decisions[-2]
    assert (kept.kind, kept.outcome) == (Kind.FAILED, OUTCOME_UNKNOWN)
    assert kept.actions[-1].startswith("submit job")


def test_pass_that_only_saved_is_whole_without_its_end(world: World) -> None:
    """Where nothing was ordered, what was saved is all that was to be done."""
    world.go_on(1)
    order = intake.order(world.plane, "flights", Verb.PAUSE, "ann", "a holiday")
    dying(world, "decisions", "append")
    intake.take(world.plane, TICK)
    (kept,) = world.decisions.about("flights", f"order:{order.order_id}", 5)
    assert (kept.kind, kept.outcome) == (Kind.REFUSED, "done")


def test_several_processes_that_die_leave_all_their_decisions(world: World) -> None:
    """Each saves what the one before left unsaid; beyond a few it records before it decides."""
    world.go_on(1)
    orders = []
    for number in range(6):
        orders.append(intake.order(world.plane, "flights", Verb.PAUSE, "ann", str(number)))
        world.clock.advance(timedelta(seconds=70))
        dying(world, "decisions", "append")
    snapshot = world.state.load("flights")
    assert len(snapshot.unsaid) <= UNSAID_MAX
    assert len(snapshot.orders) == 2
    world.go_on(3)
    for order in orders:
        assert len(world.decisions.about("flights", f"order:{order.order_id}", 5)) == 1
    assert world.state.load("flights").orders == ()


def test_pass_after_one_of_another_process_asks_no_more(world: World) -> None:
    """Not to know whether the last decision was recorded costs no call."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)
    world.plane, calls = counted(replace(world.plane, recorded=Recorded()))
    world.clock.advance(timedelta(hours=1))
    (decision,) = new_decisions(world, lambda: intake.take(world.plane, TICK))
    assert (calls["decisions.append"], calls["state.save"]) == (1, 1)
    assert decision.kind is Kind.HELD


def test_lost_answer_to_a_save_is_recorded_with_what_it_was_about(world: World) -> None:
    """The order is not forgotten, whether the table has the state or not."""
    land(world, "a.csv")
    order = intake.order(world.plane, "flights", Verb.TRAIN, "ann", "new planes")
    breaking(world, "state", "save", UnavailableError("the answer was lost"), after=True)
    (decision,) = new_decisions(world, lambda: intake.take(world.plane, TICK))
    assert decision.kind is Kind.FAILED
    assert f"order:{order.order_id}" in decision.about
    assert decision.facts["saved"] == "unknown"
    assert decision.outcome == "UnavailableError: the answer was lost; will be tried again"
    world.go_on(3)
    assert len(world.jobs.running) == 1
    assert world.decisions.about("flights", f"order:{order.order_id}", 5) == [decision]


def test_what_could_not_be_saved_is_decided_anew(world: World) -> None:
    """The failed attempt is told, and the slot or order still gets its decision."""
    land(world, "a.csv")
    order = intake.order(world.plane, "flights", Verb.TRAIN, "ann", "new planes")
    breaking(world, "files", "write_once", UnavailableError("no manifest"))
    (failure,) = new_decisions(world, lambda: intake.take(world.plane, TICK))
    assert failure.facts["saved"] == "no"
    world.go_on(3)
    tried, done = world.decisions.about("flights", f"order:{order.order_id}", 5)
    assert (tried, done.kind) == (failure, Kind.ACTED)


def test_duplicate_names_the_decision_that_was_before_it(world: World) -> None:
    """Who asks why nothing happened is led to what did."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)
    last = world.state.load("flights").unsaid[-1]
    text = message_text(Message("flights", "run x Completed"))
    (decision,) = new_decisions(world, lambda: intake.take(world.plane, text))
    assert decision.kind is Kind.DUPLICATE
    assert decision.facts == {"duplicate_of": last.id}
    assert last.id in decision.reasons[0].text
    assert last in world.decisions.decisions


def test_duplicate_of_nothing_known_names_nothing(world: World) -> None:
    """A state that was saved without its decision, as before they were kept with it."""
    world.go_on(1)
    snapshot = world.state.load("flights")
    assert snapshot.state is not None
    world.state.save(snapshot.state, snapshot.etag)
    (decision,) = new_decisions(world, lambda: intake.take(world.plane, TICK))
    assert (decision.kind, decision.facts) == (Kind.DUPLICATE, {})
    assert decision.reasons[0].text == "nothing is due"


def test_error_is_raised_though_it_cannot_be_recorded(world: World) -> None:
    """Event Grid hears what went wrong first, not what went wrong while telling it."""
    breaking(world, "queue", "send", UnavailableError("queues are down"))
    breaking(world, "decisions", "append", UnavailableError("tables are down"))
    with pytest.raises(UnavailableError, match="queues are down"):
        intake.receive(world.plane, run_event("flights-slot-1-a1"))


def test_landings_of_a_minute_share_its_end(world: World) -> None:
    """Whenever in the minute they come."""
    world.clock.advance(timedelta(seconds=30))
    intake.receive(world.plane, blob_event("flights/a.csv"))
    (landing,) = world.state.load("flights").landings
    assert f"{landing.received_at:%H:%M:%S}" == "12:01:00"


def test_coalesced_names_what_it_joins(world: World) -> None:
    """The pass at work by its job, and the copy of the message by when it comes."""
    land(world, "a.csv")
    world.go_on(5)
    job, last = running(world).job, world.state.load("flights").unsaid[-1]
    world.clock.advance(timedelta(minutes=1))
    with world.lease.hold("flights"):
        text = message_text(Message("flights", "landing x"))
        (decision,) = new_decisions(world, lambda: intake.take(world.plane, text))
        (tick,) = new_decisions(world, lambda: intake.take(world.plane, TICK))
    into = f"the pass at work, job {job}, after decision {last.id}"
    assert decision.facts == tick.facts == {"coalesced_into": into}
    ((at, _),) = world.queue.waiting
    seconds = (at - world.clock.now()).total_seconds()
    assert decision.reasons[0].text == f"coalesced into {into}; its copy comes in {seconds:.0f} s"
    assert tick.reasons[0].text == f"coalesced into {into}; the next tick looks again"


def test_copies_come_ever_more_seldom(world: World) -> None:
    """An outage of nine hours is no storm of copies, and none of them is lost."""
    world.go_on(1)
    land(world, "a.csv", event=False)
    world.clock.advance(timedelta(hours=3))
    world.queue.send(Message("flights", "landing x"))
    waits = []
    for _ in range(9):
        breaking(world, "landing", "list", UnavailableError("nobody answers"))
        (decision,) = new_decisions(world, world.work_off)
        assert decision.reasons[0].code == "failed"
        ((at, _),) = world.queue.waiting
        waits.append((at - world.clock.now()).total_seconds())
        world.clock.advance(at - world.clock.now())
    first = waits[0]
    assert 15 <= first < 30
    assert waits == [first * factor for factor in (1, 2, 4, 8, 16, 32, 32, 32, 32)]


def test_pass_at_work_on_a_model_never_seen_has_no_other_name(world: World) -> None:
    """Nothing was decided before, and nothing is under way."""
    with world.lease.hold("flights"):
        (decision,) = new_decisions(world, lambda: intake.take(world.plane, TICK))
    assert decision.facts == {"coalesced_into": "the pass at work"}


def test_pass_that_lost_its_lease_says_so(world: World) -> None:
    """Nobody saved in between: what is known is that the lease was lost."""
    land(world, "a.csv")
    world.clock.advance(timedelta(minutes=5))
    breaking(world, "state", "save", ConflictError("the lease was lost"))
    (decision,) = new_decisions(world, lambda: intake.take(world.plane, TICK))
    assert decision.kind is Kind.COALESCED
    assert decision.facts == {"coalesced_into": "another pass (the lease was lost)"}


def test_conflict_names_the_decision_that_was_saved_first(world: World) -> None:
    """Another pass between the reading and the writing is named by what it decided."""
    land(world, "a.csv")

    class Overtaken:
        def __init__(self, port: Any) -> None:
            self._port = port

        def list(self, prefix: str) -> Any:
            other = replace(world.plane.ports, lease=MemoryLease(world.clock))
            self.first = reconcile(other, world.plane.models["flights"], Message("flights", "tick"))
            return self._port.list(prefix)

    plane = world.plane
    overtaken = Overtaken(plane.ports.landing)
    ports: Any = replace(plane.ports, landing=overtaken)
    message = Message("flights", "run x Completed")
    decision = reconcile(ports, plane.models["flights"], message)
    assert decision.kind is Kind.COALESCED
    into = f"decision {overtaken.first.id}, which was saved first"
    assert decision.facts == {"coalesced_into": into}


def test_slots_that_were_overtaken_end_in_one_decision(world: World) -> None:
    """After days without the app each noon is found by its own name, in the newest one's."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)
    world.clock.advance(timedelta(days=4))
    world.go_on(5)
    found = [
        world.decisions.about("flights", f"slot:202611{day}t1200", 5) for day in (24, 25, 26, 27)
    ]
    assert found[0] == found[1] == found[2] == found[3]
    ((decision,), *_) = found
    missed = next(each for each in decision.reasons if each.code == "slots_missed")
    assert missed.text == (
        "3 slots from 20261124t1200 to 20261126t1200 had no turn: slot 20261127t1200 is newer"
    )
    assert decision.facts["slots_missed"] == {
        "first": "20261124t1200",
        "last": "20261126t1200",
        "count": 3,
    }
    assert [job.slot for job in world.jobs.running] == ["20261127t1200"]


def test_a_slot_of_another_time_zone_is_not_missed_under_its_name() -> None:
    """After noon in Tokyo the noon of London had its turn, also when an outage lasts beyond it."""
    tokyo = spec("flights", schedule="0 12 * * *", time_zone="Asia/Tokyo")
    world = world_with({"flights": tokyo}, NOON.replace(hour=2, minute=55))
    world.go_on()
    land(world, "a.csv")
    world.go_on(10)
    complete(world)
    world.go_on(10)
    london = spec("flights", schedule="0 */4 * * *", time_zone="Europe/London")
    world.plane = replace(world.plane, models={"flights": london})
    world.go_on(20)
    world.clock.advance(timedelta(hours=17))
    world.go_on(5)
    (held,) = world.decisions.about("flights", "slot:20261123t1200", 5)
    assert held.at.hour == 3
    (late,) = world.decisions.about("flights", "slot:20261123t2000", 5)
    assert late.facts["slots_missed"] == {
        "first": "20261123t1600",
        "last": "20261123t1600",
        "count": 1,
    }


@pytest.mark.parametrize("what", ["landing", "order"])
def test_what_was_noted_and_never_sent_is_taken_in_by_the_next_tick(
    world: World, what: str
) -> None:
    """When the message could not be sent, the row is enough, although nothing else is due."""
    land(world, "a.csv")
    world.go_on(5)
    complete(world)
    world.go_on(10)
    breaking(world, "queue", "send", UnavailableError("queues are down"))
    ways: dict[str, Callable[[], object]] = {
        "landing": lambda: intake.receive(world.plane, blob_event("flights/b.csv")),
        "order": lambda: intake.order(world.plane, "flights", Verb.TRAIN, "ann", "new planes"),
    }
    with pytest.raises(UnavailableError):
        ways[what]()
    assert len(world.state.load("flights").rows) == 1
    world.go_on(2)
    assert world.state.load("flights").rows == ()


EVENTS = [
    ("state", "add_landing", blob_event("flights/b.csv"), "flights"),
    ("queue", "send", run_event("flights-slot-20261123t1200-a1"), "flights"),
]


@pytest.mark.parametrize(("port", "method", "event", "model"), EVENTS)
def test_event_that_could_not_be_noted_is_recorded_and_comes_again(
    world: World, port: str, method: str, event: dict[str, Any], model: str
) -> None:
    """Event Grid brings it again: the answer is an error, and the log says why."""
    breaking(world, port, method, UnavailableError("down"))

    def fail() -> None:
        with pytest.raises(UnavailableError):
            intake.receive(world.plane, event)

    (decision,) = new_decisions(world, fail)
    assert (decision.model, decision.kind) == (model, Kind.FAILED)
    intake.receive(world.plane, event)
    assert len(world.queue.waiting) == 1


ENDINGS: dict[str, tuple[str, Kind]] = {
    "not JSON": ("{", Kind.IGNORED),
    "too deep": ("[" * 60_000, Kind.IGNORED),
    "of another schema": ('{"schema": 2, "model": "flights", "cause": "x"}', Kind.IGNORED),
    "unknown model": (message_text(Message("ships", "tick")), Kind.IGNORED),
    "first look": (TICK, Kind.HELD),
}


@pytest.mark.parametrize(("text", "kind"), ENDINGS.values(), ids=ENDINGS)
def test_every_message_ends_in_one_decision(world: World, text: str, kind: Kind) -> None:
    """Whatever the text, one decision says what became of it."""
    (decision,) = new_decisions(world, lambda: intake.take(world.plane, text))
    assert decision.kind is kind


def test_message_that_meets_another_pass_ends_in_one_decision(world: World) -> None:
    """It is coalesced into the copy that comes later."""
    with world.lease.hold("flights"):
        text = message_text(Message("flights", "landing x"))
        (decision,) = new_decisions(world, lambda: intake.take(world.plane, text))
    assert decision.kind is Kind.COALESCED


def test_skipped_slot_is_found_by_its_key(world: World) -> None:
    """A slot that was missed for too long ends in a decision, as one that got a job does."""
    world.plane = replace(world.plane, models={"flights": spec("flights", schedule="0 12 * * 2")})
    world.go_on(1)
    world.clock.advance(timedelta(days=3))
    land(world, "a.csv", event=False)
    world.go_on(1)
    (decision,) = world.decisions.about("flights", "slot:20261124t1200", 5)
    assert "slot_skipped" in [reason.code for reason in decision.reasons]


def test_retried_job_is_found_by_either_name(world: World) -> None:
    """The decision to try again ends one attempt and begins the next."""
    from shared.domain.facts import JobStatus

    land(world, "a.csv")
    world.go_on(5)
    first = running(world).job
    world.jobs.finish(first, JobStatus.FAILED, "node lost")
    world.go_on(2)
    second = running(world).job
    assert second != first
    (decision,) = world.decisions.about("flights", f"ended:job:{first}", 5)
    assert world.decisions.about("flights", f"begun:job:{second}", 5) == [decision]
