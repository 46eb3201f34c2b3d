"""When a training starts, as a table: who asks, what is there, what is decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.actions import PinData, SubmitJob
from shared.domain.comparison import anchor_of
from shared.domain.decision import Kind, Step
from shared.domain.events import Landing, Order
from shared.domain.facts import Facts, Slot, SlotFacts, Snapshot
from shared.domain.retraining import (
    data_due_at,
    first_state,
    pin,
    start,
    take_in,
    wants_listing,
)
from shared.domain.state import ModelState, Quarantined, Training
from tests.builders import (
    NOON,
    SLOT,
    TOMORROW,
    YESTERDAY,
    champion,
    facts,
    files,
    keys,
    minutes,
    spec,
    state,
    training,
    version,
)
from tests.domain.told import Told, step_in_full

TOLD = Told("retraining")
POLICY = spec().retraining
DUE = SlotFacts(SLOT, TOMORROW)
ORDER = Order("order-1", "1", "ada", "new labels", NOON)
LANDED = {"landing_first_at": NOON - minutes(5), "landing_last_at": NOON - minutes(3)}


def begun(step: Step) -> Training:
    """The training that the step begins, checked to be pinned and submitted."""
    wish = step.state.training
    assert wish is not None
    pinned, submitted = step.actions
    assert isinstance(pinned, PinData)
    assert isinstance(submitted, SubmitJob)
    assert submitted.training == wish
    assert pinned.ref == wish.manifest
    return wish


STARTS: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    ("slot", {}, {"slots": DUE}, "slot", "flights-slot-20261123t1200-a1"),
    ("order", {"waiting_order": ORDER}, {}, "order", "flights-order-20261123t120000-a1"),
    ("data", LANDED, {}, "data", "flights-data-20261123t120000-a1"),
    ("slot_before_all", {**LANDED, "waiting_order": ORDER}, {"slots": DUE}, "slot", ""),
    ("order_before_data", {**LANDED, "waiting_order": ORDER}, {}, "order", ""),
    (
        "caught_up",
        {"listed_at": YESTERDAY.due_at - minutes(10)},
        {"slots": SlotFacts(YESTERDAY, SLOT)},
        "slot",
        "flights-slot-20261122t1200-a1",
    ),
]


def test_slots_before_the_last_listing_are_not_owed() -> None:
    """A schedule that was changed does not make up for what it would have done in the past."""
    moved = SlotFacts(Slot("20261123t1000", NOON - minutes(30)), TOMORROW)
    before = state(listed_at=NOON - minutes(10))
    step = start(before, facts(before, listing=files("a"), slots=moved), POLICY, NOON)
    assert step.state.training is None


def test_a_slot_stays_owed_while_nothing_is_deployed() -> None:
    """What could not be trained for want of a component is trained when there is one."""
    before = state(listed_at=NOON - minutes(10))
    held = start(before, facts(before, listing=files("a"), slots=DUE, release=None), POLICY, NOON)
    assert held.state.training is None
    later = NOON + minutes(30)
    step = start(held.state, facts(held.state, listing=files("a"), slots=DUE), POLICY, later)
    assert begun(step).slot == SLOT.key


def test_same_local_time_in_another_zone_is_the_same_slot() -> None:
    """Who moves noon to a later zone on the day it was held gets no second job of that name."""
    done = begun(start(state(), facts(state(), listing=files("a"), slots=DUE), POLICY, NOON))
    assert done.slot == SLOT.key
    held = start(state(), facts(state(), listing=files("a"), slots=DUE), POLICY, NOON).state
    later = NOON + timedelta(hours=5)
    moved = SlotFacts(Slot(SLOT.key, later), None)
    rested = replace(held, training=None, listed_at=NOON)
    step = start(rested, facts(rested, listing=files("a"), slots=moved), POLICY, later)
    assert step.state.training is None


@pytest.mark.parametrize(("name", "of", "seen", "cause", "job"), STARTS, ids=[r[0] for r in STARTS])
def test_training_starts(
    name: str, of: dict[str, Any], seen: dict[str, Any], cause: str, job: str
) -> None:
    """A slot, an order or settled data starts one job, and all that asked share it."""
    owed = timedelta(days=1) if name == "caught_up" else timedelta(0)
    before = state(**of, last_slot_at=YESTERDAY.due_at - owed)
    step = start(before, facts(before, listing=files("a", "b"), **seen), POLICY, NOON)
    wish = begun(step)
    assert step.kind is Kind.ACTED
    assert wish.cause == cause
    assert wish.job == (job or wish.job)
    assert wish.manifest.files == 2
    assert (step.state.waiting_order, step.state.landing_first_at) == (None, None)
    assert f"job:{wish.job}" in step.about
    TOLD.check(name, step_in_full(before, step, NOON))
    assert start(step.state, facts(step.state, **seen), POLICY, NOON).state.training == wish


def test_slot_fired_twice_is_one_job() -> None:
    """A slot that was given its job is not owed again, however often the timer fires."""
    before = state()
    after = start(before, facts(before, listing=files("a"), slots=DUE), POLICY, NOON).state
    done = replace(after, training=None)
    again = start(done, facts(done, listing=files("a"), slots=DUE), POLICY, NOON + minutes(1))
    assert again.state.training is None
    assert again.kind is Kind.HELD


WAITS: list[tuple[str, dict[str, Any], dict[str, Any], datetime, Kind, str]] = [
    ("nothing", {}, {}, NOON, Kind.HELD, "nothing_due"),
    ("no_schedule_ahead", {}, {"slots": SlotFacts(None, None)}, NOON, Kind.HELD, "nothing_due"),
    (
        "settling",
        {"landing_first_at": NOON, "landing_last_at": NOON},
        {"listing": files("a")},
        NOON + minutes(1),
        Kind.HELD,
        "settling",
    ),
    (
        "too_soon_after_the_last",
        LANDED | {"trained_at": NOON - minutes(30)},
        {"listing": files("a")},
        NOON,
        Kind.HELD,
        "settling",
    ),
    (
        "not_deployed",
        LANDED,
        {"listing": files("a"), "release": None},
        NOON,
        Kind.HELD,
        "not_deployed",
    ),
    (
        "events_of_old_files",
        LANDED,
        {"listing": files("a"), "pinned": keys("a")},
        NOON,
        Kind.DUPLICATE,
        "nothing_new",
    ),
    ("found_by_listing", {}, {"listing": files("a")}, NOON, Kind.HELD, "found_by_listing"),
    (
        "missed_by_a_day",
        {
            "last_slot_at": YESTERDAY.due_at - timedelta(days=1),
            "listed_at": YESTERDAY.due_at - minutes(10),
        },
        {"listing": files("a"), "pinned": keys("a")},
        NOON + minutes(1),
        Kind.REFUSED,
        "slot_skipped",
    ),
    (
        "missed_by_weeks",
        {"last_slot_at": None, "listed_at": None},
        {"listing": files("a"), "pinned": keys("a")},
        YESTERDAY.due_at + timedelta(days=100),
        Kind.REFUSED,
        "slot_skipped",
    ),
    ("slot_without_data", {}, {"listing": (), "slots": DUE}, NOON, Kind.REFUSED, "slot_skipped"),
    (
        "order_without_data",
        {"waiting_order": ORDER},
        {"listing": ()},
        NOON,
        Kind.REFUSED,
        "no_data",
    ),
]


@pytest.mark.parametrize(
    ("name", "of", "seen", "now", "kind", "code"), WAITS, ids=[row[0] for row in WAITS]
)
def test_no_training(
    name: str, of: dict[str, Any], seen: dict[str, Any], now: datetime, kind: Kind, code: str
) -> None:
    """Not training has a reason and a time to look again."""
    before = state(**of)
    step = start(before, facts(before, **seen), POLICY, now)
    assert step.state.training is None
    assert step.actions == ()
    assert step.kind is kind
    assert code in [reason.code for reason in step.reasons]
    TOLD.check(name, step_in_full(before, step, now))


def test_every_row_is_told_in_full() -> None:
    """Nothing is told of rows that are gone."""
    TOLD.check_rows(row[0] for row in (*STARTS, *WAITS))


def test_quarantined_files_stay_out() -> None:
    """A refused file is left out until another one stands in its place."""
    bad = Quarantined("flights/b", "0xb", "truncated")
    before = state(waiting_order=ORDER, quarantine=(bad,))
    step = start(before, facts(before, listing=files("a", "b")), POLICY, NOON)
    assert begun(step).manifest.files == 1
    mended = (*files("a"), replace(files("b")[0], etag="0xnew"))
    again = start(before, facts(before, listing=mended), POLICY, NOON)
    assert begun(again).manifest.files == 2


def test_longest_wait_ends_the_quiet_period() -> None:
    """Data that never stops coming is trained after the longest wait."""
    late = state(landing_first_at=NOON - minutes(15), landing_last_at=NOON)
    early = state(landing_first_at=NOON - minutes(14), landing_last_at=NOON)
    assert data_due_at(late, POLICY) == NOON
    assert data_due_at(early, POLICY) == NOON + minutes(1)


def test_take_in_extends_the_quiet_period() -> None:
    """Rows of landings move the end, never the beginning, of the quiet period."""
    rows = (Landing("landing-2", NOON), Landing("landing-1", NOON - minutes(1)))
    step = take_in(state(), Snapshot(None, "", rows))
    again = take_in(step.state, Snapshot(None, "", (Landing("landing-3", NOON + minutes(1)),)))
    assert step.state.landing_first_at == NOON - minutes(1)
    assert again.state.landing_first_at == NOON - minutes(1)
    assert again.state.landing_last_at == NOON + minutes(1)
    assert "landing:landing-2" in step.about


def test_orders_that_wait_are_one() -> None:
    """A second order joins the one that waits; both are named."""
    other = replace(ORDER, row="order-2", order_id="2")
    step = take_in(state(), Snapshot(None, "", orders=(ORDER, other)))
    assert step.state.waiting_order == ORDER
    assert [reason.code for reason in step.reasons] == ["ordered", "order_joined"]
    assert step.about == ("order:1", "order:2")


LISTS: list[tuple[str, ModelState, Facts, bool]] = [
    ("idle", state(), facts(None), False),
    ("order", state(waiting_order=ORDER), facts(None), True),
    ("slot", state(), facts(None, slots=DUE), True),
    ("data", state(**LANDED), facts(None), True),
    ("never_listed", state(listed_at=None), facts(None), True),
    ("an_hour_ago", state(listed_at=NOON - minutes(60)), facts(None), True),
    ("training", state(listed_at=None, training=training()), facts(None, slots=DUE), False),
]


@pytest.mark.parametrize(("name", "of", "seen", "wished"), LISTS, ids=[row[0] for row in LISTS])
def test_listing_is_asked_for_when_needed(
    name: str, of: ModelState, seen: Facts, wished: bool
) -> None:
    """The container is listed when something may start, and hourly besides."""
    assert wants_listing(of, seen.slots, POLICY, NOON) is wished


def test_data_version_is_a_digest_of_the_list() -> None:
    """The same files have the same version in any order; any difference makes another."""
    one, ordered = pin("flights", files("a", "b"))
    two, _ = pin("flights", reversed(files("a", "b")))
    other, _ = pin("flights", (replace(files("a")[0], etag="0xz"), *files("b")))
    assert one == two
    assert one.data_version != other.data_version
    assert [file.path for file in ordered] == ["flights/a", "flights/b"]
    assert one.size == 200


def test_first_state_owes_no_slot() -> None:
    """A model that was just added is not trained for the noon before it came."""
    new = first_state("flights", DUE, NOON + minutes(5))
    assert (new.last_slot_at, new.next_due_at) == (NOON, NOON + minutes(5))
    assert first_state("flights", SlotFacts(None, None), NOON).last_slot_at is None


ANCHORS: list[tuple[str, ModelState, int | None]] = [
    ("none_yet", state(), None),
    ("only_one", state(champion=champion(1)), None),
    ("present_is_best", state(champion=champion(2, 0.8), former=(version(1, 0.7),)), None),
    ("former_is_best", state(champion=champion(2, 0.7), former=(version(1, 0.8),)), 1),
    (
        "too_long_ago",
        state(
            champion=champion(7, 0.7),
            former=(*(version(n, 0.6) for n in (6, 5, 4, 3, 2)), version(1, 0.9)),
        ),
        None,
    ),
]


@pytest.mark.parametrize(("name", "of", "number"), ANCHORS, ids=[row[0] for row in ANCHORS])
def test_anchor(name: str, of: ModelState, number: int | None) -> None:
    """The anchor is the best of the last champions, unless that one rules."""
    anchor = anchor_of(of)
    assert (anchor.number if anchor else None) == number
