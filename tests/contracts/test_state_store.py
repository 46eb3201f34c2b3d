"""What every StateStore keeps to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.azure_state import AzureTableStateStore, state_row
from shared.adapters.azure_tables import AzureTable
from shared.domain.decision import Decision, Kind, Reason
from shared.domain.errors import ConflictError, MalformedError
from shared.domain.events import Order, Verb
from shared.domain.state import (
    Acceptance,
    Address,
    Champion,
    ManifestRef,
    ModelState,
    Phase,
    Quarantined,
    Rollout,
    Score,
    Training,
    Version,
    Warm,
)
from shared.ports import StateStore

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLAIN = ModelState("flights", NOON, NOON)


def order(name: str, at: datetime = NOON) -> Order:
    """An order with characters that keys cannot hold."""
    return Order("", name, "ann@example.org", 'new "labels" / schöner # ?', at)


def full_state() -> ModelState:
    """A state in which every field says something."""
    manifest = ManifestRef("ab12", "noon/manifests/flights/ab12.json", 31, 123_456)
    score = Score("roc_auc", True, 0.75, 0.01, None, "champion 3", 1000, 1200, 200)
    version = Version(4, "flights-slot-20261123t1200-a1", NOON, score)
    return ModelState(
        model="flights",
        created_at=NOON,
        next_due_at=NOON + MINUTE + timedelta(microseconds=7),
        last_slot_at=NOON,
        waiting_order=order("o1"),
        training=Training(
            "flights-data-x-a1",
            "data",
            "31 files",
            "x",
            1,
            NOON,
            manifest,
            None,
            "s",
            "c:1",
            accepted=Acceptance("o2", 3, "ann: columns"),
        ),
        accepting=Acceptance("o2", 3, "ann: columns"),
        manifest=manifest,
        last_version=4,
        champion=Champion(replace(version, number=3), 1, NOON),
        former=(replace(version, number=2, accepted="ann: x"), replace(version, number=1)),
        rollout=Rollout(
            version,
            2,
            Phase.CANARY,
            NOON,
            NOON,
            "because",
            1,
            soaking_since=NOON + MINUTE,
            paused=True,
            instant=True,
            failed_checks=1,
            usual_ms=9.5,
            going_back="errors",
            alone="ann: the champion is sick",
            ending=Phase.ABORTED,
        ),
        warm=Warm("v2-e1", NOON, replace(version, number=2), 1),
        address=Address("https://somewhere/score", 3, "v3-e1"),
        quarantine=(Quarantined("flights/ä.csv", "0x1", "truncated"),),
    )


def test_unknown_model_has_no_state(state_store: StateStore) -> None:
    """A model never seen has no state and nothing waits for it."""
    seen = state_store.load("flights")
    assert (seen.state, seen.etag, seen.rows) == (None, "", ())
    assert state_store.next_due() == {}


def test_state_comes_back_as_it_was(state_store: StateStore) -> None:
    """Every field survives, with its type."""
    etag = state_store.save(full_state(), "")
    seen = state_store.load("flights")
    assert (seen.state, seen.etag) == (full_state(), etag)


def test_large_state_comes_back(state_store: StateStore) -> None:
    """A state may be larger than one property of a table takes."""
    files = tuple(Quarantined(f"flights/{n}.csv", "0x1", "ü" * 100) for n in range(1000))
    state = replace(PLAIN, quarantine=files)
    state_store.save(state, "")
    assert state_store.load("flights").state == state


def test_a_smaller_state_replaces_a_larger_one(state_store: StateStore) -> None:
    """Nothing of a former state is left behind."""
    large = replace(PLAIN, last_refusal="x" * 100_000)
    etag = state_store.save(large, "")
    state_store.save(PLAIN, etag)
    assert state_store.load("flights").state == PLAIN


def test_only_the_newest_may_write(state_store: StateStore) -> None:
    """A state that was read before somebody else's write is refused, and changes nothing."""
    first = state_store.save(PLAIN, "")
    second = state_store.save(replace(PLAIN, last_version=1), first)
    assert second != first
    for stale in (first, ""):
        with pytest.raises(ConflictError):
            state_store.save(replace(PLAIN, last_version=9), stale)
    assert state_store.load("flights").state == replace(PLAIN, last_version=1)


def test_state_that_is_not_there_cannot_be_replaced(state_store: StateStore) -> None:
    """An etag without a state is out of date."""
    etag = state_store.save(PLAIN, "")
    with pytest.raises(ConflictError):
        state_store.save(replace(PLAIN, model="diabetes"), etag)


def test_first_landing_of_a_bucket_wins(state_store: StateStore) -> None:
    """Of all landings of a bucket only the first one is told that it is the first."""
    ends = NOON + MINUTE
    answers = [state_store.add_landing("flights", NOON, ends) for _ in range(3)]
    assert answers == [True, False, False]
    assert state_store.add_landing("flights", NOON, ends + MINUTE)
    assert state_store.add_landing("diabetes", NOON, ends)
    received = [landing.received_at for landing in state_store.load("flights").landings]
    assert received == [ends, ends + MINUTE]


def test_order_waits_once(state_store: StateStore) -> None:
    """An order is kept as it was given, under any id, and once."""
    strange = order("a/b\\c#d?e=%41 ü")
    assert state_store.add_order("flights", strange)
    assert not state_store.add_order("flights", strange)
    (kept,) = state_store.load("flights").orders
    assert replace(kept, row="") == strange


@pytest.mark.parametrize("verb", Verb)
def test_order_comes_back_with_its_verb(state_store: StateStore, verb: Verb) -> None:
    """Whatever an operator asked for is what the pass gets to see, from the table and the state."""
    asked = replace(order("o1"), verb=verb)
    state_store.add_order("flights", asked)
    seen = state_store.load("flights")
    assert [replace(kept, row="") for kept in seen.orders] == [asked]
    state_store.save(replace(PLAIN, waiting_order=seen.orders[0]), "", seen.rows)
    after = state_store.load("flights")
    assert after.state is not None
    assert after.state.waiting_order == seen.orders[0]
    assert after.orders == ()


def test_rows_go_with_the_save_that_takes_them(state_store: StateStore) -> None:
    """Taken rows are dropped together with the write; others stay."""
    state_store.add_landing("flights", NOON, NOON + MINUTE)
    state_store.add_order("flights", order("o1"))
    taken = state_store.load("flights").rows
    state_store.add_order("flights", order("o2"))
    etag = state_store.save(PLAIN, "", taken)
    assert [kept.order_id for kept in state_store.load("flights").orders] == ["o2"]
    assert state_store.load("flights").landings == ()
    state_store.save(PLAIN, etag, state_store.load("flights").rows)
    assert state_store.load("flights").rows == ()


def test_refused_save_keeps_the_rows(state_store: StateStore) -> None:
    """Rows are not lost when the state could not be written."""
    state_store.save(PLAIN, "")
    state_store.add_order("flights", order("o1"))
    with pytest.raises(ConflictError):
        state_store.save(PLAIN, "", state_store.load("flights").rows)
    assert len(state_store.load("flights").orders) == 1


def test_row_that_is_gone_refuses_the_save(state_store: StateStore) -> None:
    """A row that somebody else took in is not taken in twice."""
    state_store.add_order("flights", order("o1"))
    taken = state_store.load("flights").rows
    etag = state_store.save(PLAIN, "", taken)
    with pytest.raises(ConflictError):
        state_store.save(replace(PLAIN, last_version=5), etag, taken)
    assert state_store.load("flights").state == PLAIN


def test_many_rows_are_shown_in_portions(state_store: StateStore) -> None:
    """However many rows wait, what is shown at once can be taken at once, orders first."""
    for minute in range(120):
        state_store.add_landing("flights", NOON, NOON + minute * MINUTE)
    state_store.add_order("flights", order("o1"))
    first = state_store.load("flights")
    assert [kept.order_id for kept in first.orders] == ["o1"]
    assert first.landings[-1].received_at == NOON + 119 * MINUTE
    assert list(first.landings) == sorted(first.landings, key=lambda row: row.received_at)
    etag = state_store.save(PLAIN, "", first.rows)
    second = state_store.load("flights")
    assert len(first.rows) + len(second.rows) == 121
    state_store.save(PLAIN, etag, second.rows)
    assert state_store.load("flights").rows == ()


def test_next_due_tells_of_all_models(state_store: StateStore) -> None:
    """One question tells when every known model is due; rows that wait make none known."""
    later = NOON + timedelta(hours=1, microseconds=3)
    state_store.save(PLAIN, "")
    state_store.save(replace(PLAIN, model="diabetes", next_due_at=later), "")
    state_store.add_order("third", order("o1"))
    assert state_store.next_due() == {"flights": NOON, "diabetes": later}


def test_what_waits_makes_a_model_due(state_store: StateStore) -> None:
    """A row whose message was lost counts: a landing when its bucket ends, an order at once."""
    later = NOON + timedelta(hours=1)
    etag = state_store.save(replace(PLAIN, next_due_at=later), "")
    state_store.add_landing("flights", NOON, NOON + MINUTE)
    assert state_store.next_due() == {"flights": NOON + MINUTE}
    state_store.add_order("flights", order("o1", NOON))
    assert state_store.next_due() == {"flights": NOON}
    state_store.save(PLAIN, etag, state_store.load("flights").rows)
    assert state_store.next_due() == {"flights": NOON}


def test_model_that_is_due_before_what_waits_is_due(state_store: StateStore) -> None:
    """What waits makes nothing later."""
    state_store.save(PLAIN, "")
    state_store.add_landing("flights", NOON, NOON + MINUTE)
    assert state_store.next_due() == {"flights": NOON}


def said(name: str, *about: str) -> Decision:
    """A decision with something in every field."""
    reasons = (Reason("slot_due", "a\nb"), Reason("x", "ü"))
    return Decision(
        name, "flights", NOON, "tick", Kind.ACTED, reasons, ("submit",), "?", about, {"a": [1]}
    )


def test_decisions_are_saved_with_the_state(state_store: StateStore) -> None:
    """What a pass decided stands beside its state until the next one saves."""
    etag = state_store.save(PLAIN, "", (), [said("d1"), said("d2", "order:o1")])
    assert state_store.load("flights").unsaid == (said("d1"), said("d2", "order:o1"))
    etag = state_store.save(PLAIN, etag, (), [said("d3")])
    assert state_store.load("flights").unsaid == (said("d3"),)
    with pytest.raises(ConflictError):
        state_store.save(PLAIN, "", (), [said("d4")])
    assert state_store.load("flights").unsaid == (said("d3"),)
    state_store.save(PLAIN, etag)
    assert state_store.load("flights").unsaid == ()


def test_decisions_of_any_size_are_saved(state_store: StateStore) -> None:
    """However much four decisions say, the state can be written, and their keys are whole."""
    keys = tuple(f"missed:{number}" for number in range(420))
    long = replace(
        said("d1", *keys),
        reasons=tuple(Reason(f"r{number}", "ü" * 9000) for number in range(50)),
        actions=("a" * 9000,) * 50,
        facts={"text": "x" * 90_000},
    )
    huge = tuple(replace(long, id=f"d{number}") for number in range(4))
    state_store.save(PLAIN, "", (), huge)
    kept = state_store.load("flights").unsaid
    assert [(each.id, each.about) for each in kept] == [(each.id, keys) for each in huge]
    assert kept[0].reasons[0].code == "r0"


def test_unknown_schema_is_refused_by_name(azure_table: AzureTable) -> None:
    """A state that a newer version wrote is refused instead of misread."""
    azure_table.upsert({**state_row(PLAIN), "schema": 99})
    with pytest.raises(MalformedError, match=r"flights: schema 99 .* reads schema 1"):
        AzureTableStateStore(azure_table).load("flights")
