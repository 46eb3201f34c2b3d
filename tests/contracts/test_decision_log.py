"""What every DecisionLog keeps to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.adapters.azure_decisions import AzureTableDecisionLog
from shared.adapters.azure_tables import AzureTable
from shared.domain.decision import Decision, Kind, Mark, Reason
from shared.ports import DecisionLog
from tests.contracts.conftest import Requests

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def decision(name: str, minutes: float = 0, *about: str) -> Decision:
    """A decision that many minutes after noon, with something in every field."""
    return Decision(
        id=name,
        model="flights",
        at=NOON + timedelta(minutes=minutes),
        cause="tick",
        kind=Kind.ACTED,
        reasons=(Reason("slot_due", "the slot of 12:00 is due\nand has no job"), Reason("x", "")),
        actions=("submit job flights-slot-20261123t1200-a1",),
        outcome="could not submit: quota",
        about=about,
        facts={"rows": 3, "share": 0.5, "none": None, "list": [1, "zwölf", {"a": True}]},
    )


def ids(decisions: list[Decision]) -> list[str]:
    """What tells the decisions apart."""
    return [row.id for row in decisions]


def test_decision_comes_back_as_it_was(decision_log: DecisionLog) -> None:
    """Every field survives, with its type."""
    kept = decision("d/1#?", 0, "job:flights-slot-20261123t1200-a1", "blob:flights/ä b#.csv")
    decision_log.append(kept)
    assert decision_log.since("flights", NOON, 10) == [kept]
    for key in kept.about:
        assert decision_log.about("flights", key, 10) == [kept]


def test_same_decision_twice_is_one_row(decision_log: DecisionLog) -> None:
    """To append again changes nothing."""
    for _ in range(2):
        decision_log.append(decision("d1", 0, "slot:20261123t1200"))
    assert ids(decision_log.since("flights", LONG_AGO, 10)) == ["d1"]
    assert ids(decision_log.about("flights", "slot:20261123t1200", 10)) == ["d1"]


def test_what_was_left_unsaid_is_kept_beside(decision_log: DecisionLog) -> None:
    """A decision whose pass died is kept with a later one's, and found like any other."""
    left = [decision(f"d{number}", number, "order:o1", "job:j") for number in (1, 2)]
    decision_log.append(decision("d3", 3, "job:j"), left)
    assert decision_log.since("flights", LONG_AGO, 10) == [*left, decision("d3", 3, "job:j")]
    assert ids(decision_log.about("flights", "order:o1", 10)) == ["d1", "d2"]
    assert ids(decision_log.about("flights", "job:j", 10)) == ["d1", "d2", "d3"]


def test_what_was_said_is_not_changed_by_a_later_one(decision_log: DecisionLog) -> None:
    """How a pass ended stays, though a later one only knows how it was planned."""
    said = replace(decision("d1", 0, "order:o1"), kind=Kind.FAILED, outcome="could not: quota")
    planned = replace(said, kind=Kind.ACTED, outcome="not known")
    decision_log.append(said)
    decision_log.append(decision("d2", 1), [planned])
    assert decision_log.about("flights", "order:o1", 10) == [said]
    decision_log.append(decision("d3", 2), [planned, decision("d2", 1)])
    assert decision_log.since("flights", LONG_AGO, 1 + 2)[0] == said


def test_what_is_said_late_takes_the_place_of_the_plan(decision_log: DecisionLog) -> None:
    """A pass that was only slow says in the end how it went, and is one row."""
    said = replace(decision("d1", 0, "order:o1"), outcome="done")
    decision_log.append(decision("d2", 1), [replace(said, kind=Kind.FAILED, outcome="not known")])
    decision_log.append(said)
    assert decision_log.about("flights", "order:o1", 10) == [said]
    assert ids(decision_log.since("flights", LONG_AGO, 10)) == ["d1", "d2"]


def test_a_long_ending_is_not_hidden_by_a_short_plan(decision_log: DecisionLog) -> None:
    """Also when only the plan is small enough to be copied beside its keys."""
    said = replace(decision("d1", 0, "order:o1"), outcome="could not: " + "x" * 12_000)
    decision_log.append(said)
    decision_log.append(decision("d2", 1), [replace(said, outcome="not known")])
    assert decision_log.about("flights", "order:o1", 10) == [said]


def test_hundreds_of_things_are_kept_for_another(decision_log: DecisionLog) -> None:
    """There is no limit to what a decision that was left unsaid is about."""
    keys = [f"missed:{number}" for number in range(250)]
    decision_log.append(decision("d2", 1), [decision("d1", 0, *keys)])
    for key in (keys[0], keys[99], keys[249]):
        assert ids(decision_log.about("flights", key, 10)) == ["d1"]


def test_newest_are_given_oldest_first(decision_log: DecisionLog) -> None:
    """Of many decisions the newest are given, in the order in which they were taken."""
    for number in (3, 1, 4, 0, 2):
        decision_log.append(decision(f"d{number}", number, "version:3"))
    assert ids(decision_log.since("flights", LONG_AGO, 3)) == ["d2", "d3", "d4"]
    assert ids(decision_log.about("flights", "version:3", 2)) == ["d3", "d4"]


def test_since_includes_its_instant(decision_log: DecisionLog) -> None:
    """A decision at the very instant is among those since then; earlier ones are not."""
    decision_log.append(decision("early", -0.0001))
    decision_log.append(decision("exactly"))
    assert ids(decision_log.since("flights", NOON, 10)) == ["exactly"]


def test_about_gives_what_was_known_at_a_time(decision_log: DecisionLog) -> None:
    """Up to an instant, which is included, the newest are given; later ones are not seen."""
    for number in range(5):
        decision_log.append(decision(f"d{number}", number, "traffic"))
    until = NOON + timedelta(minutes=2)
    assert ids(decision_log.about("flights", "traffic", 2, until)) == ["d1", "d2"]
    assert decision_log.about("flights", "traffic", 2, NOON - timedelta(seconds=1)) == []


def test_old_decisions_go_with_all_that_leads_to_them(decision_log: DecisionLog) -> None:
    """What is older than an instant goes, so many at a time; the rest stays and is found."""
    for number in range(6):
        keys = [f"blob:{number}-{key}" for key in range(60)]
        decision_log.append(decision(f"d{number}", number, "version:3", *keys))
    decision_log.append(replace(decision("theirs", 0, "version:3"), model="diabetes"))
    before = NOON + timedelta(minutes=4)
    assert [decision_log.expire("flights", before, 3) for _ in range(3)] == [3, 1, 0]
    assert ids(decision_log.since("flights", LONG_AGO, 10)) == ["d4", "d5"]
    assert ids(decision_log.about("flights", "version:3", 10)) == ["d4", "d5"]
    assert decision_log.about("flights", "blob:0-59", 10) == []
    assert ids(decision_log.about("flights", "blob:4-59", 10)) == ["d4"]
    assert ids(decision_log.since("diabetes", LONG_AGO, 10)) == ["theirs"]


def test_nothing_is_left_of_what_went(azure_table: AzureTable) -> None:
    """The rows that led to a decision go too, and one that is gone already does no harm."""
    log = AzureTableDecisionLog(azure_table)
    log.append(decision("d1", 0, "version:3", "job:a"))
    (index, *_) = azure_table.query("RowKey lt @high", {"high": "j"}, most=3)
    azure_table.client().delete_entity("flights", "i-job:a!" + index["RowKey"][2:])
    assert log.expire("flights", NOON + timedelta(minutes=1), 10) == 1
    assert azure_table.query("PartitionKey eq @model", {"model": "flights"}) == []


def test_one_process_a_day_lets_decisions_go(decision_log: DecisionLog) -> None:
    """Of all that ask for a day the first one has it."""
    asked = [decision_log.claim_expiry(day) for day in ("20261123", "20261123", "20261124")]
    assert asked == [True, False, True]


def test_models_are_apart(decision_log: DecisionLog) -> None:
    """One model's decisions are not shown for another."""
    decision_log.append(decision("d1", 0, "version:3"))
    decision_log.append(replace(decision("d2", 0, "version:3"), model="diabetes"))
    assert ids(decision_log.since("flights", LONG_AGO, 10)) == ["d1"]
    assert ids(decision_log.about("diabetes", "version:3", 10)) == ["d2"]


def test_key_is_matched_whole(decision_log: DecisionLog) -> None:
    """A key is not found by its beginning or by another case."""
    decision_log.append(decision("d1", 0, "version:1"))
    decision_log.append(decision("d2", 0, "version:10", "version:1-x", "version:1!", "Version:1"))
    assert ids(decision_log.about("flights", "version:1", 10)) == ["d1"]
    assert decision_log.about("flights", "version", 10) == []


def test_long_keys_are_found(decision_log: DecisionLog) -> None:
    """A key of any length is found, and not mixed up with one that begins like it."""
    one, two = ("blob:" + "ä" * 900 + end for end in "12")
    decision_log.append(decision("d1", 0, one))
    decision_log.append(decision("d2", 0, two))
    assert ids(decision_log.about("flights", one, 10)) == ["d1"]


def test_decision_about_hundreds_of_things_is_found_by_each(decision_log: DecisionLog) -> None:
    """There is no limit to what a decision is about."""
    keys = [f"blob:flights/{number}.csv" for number in range(250)]
    decision_log.append(decision("d1", 0, *keys))
    for key in (keys[0], keys[99], keys[249]):
        assert ids(decision_log.about("flights", key, 10)) == ["d1"]


def test_many_decisions_about_a_thing_are_one_request(
    azure_table: AzureTable, requests_sent: Requests
) -> None:
    """What is asked about a thing costs one query, unless a decision is very large."""
    log = AzureTableDecisionLog(azure_table)
    for number in range(10):
        log.append(decision(f"d{number}", number, "version:3"))
    with requests_sent() as requests:
        assert len(log.about("flights", "version:3", 10)) == 10
    assert requests == ["GET table"]
    large = replace(decision("large", 20, "version:3"), facts={"text": "x" * 20_000})
    log.append(large)
    with requests_sent() as requests:
        assert log.about("flights", "version:3", 1) == [large]
    assert requests == ["GET table"] * 2


def test_what_is_too_long_is_cut_with_a_mark(azure_table: AzureTable) -> None:
    """A decision too large for a table is kept, with a mark where it was cut."""
    log = AzureTableDecisionLog(azure_table)
    huge = replace(
        decision("d1"),
        cause="c" * 50_000,
        outcome="😀" * 50_000,
        reasons=tuple(Reason(f"r{number}", '"😀' * 9000) for number in range(150)),
        actions=("a" * 40_000,),
        facts={"text": '\\"' * 50_000},
    )
    log.append(huge)
    (kept,) = log.since("flights", LONG_AGO, 10)
    assert (kept.id, kept.at, kept.kind) == (huge.id, huge.at, huge.kind)
    assert kept.cause.startswith("ccc")
    assert kept.reasons[0].code == "r0"
    for text in (kept.cause, kept.outcome, kept.reasons[0].text, *kept.actions):
        assert text.endswith("[cut]")
    assert kept.reasons[-1].code.endswith("more [cut]")
    assert str(kept.facts["cut"]).endswith("[cut]")


def test_log_is_read_in_parts_between_marks(decision_log: DecisionLog) -> None:
    """What comes before a mark and what comes after it, never the marked one, give the whole."""
    instants = (0, 1, 1, 1, 2, 3)
    for number, minutes in enumerate(instants):
        decision_log.append(decision(f"d{number}", minutes))
    whole = decision_log.since("flights", LONG_AGO, 10)
    assert len(whole) == len(instants)
    for place, row in enumerate(whole):
        mark = Mark(row.at, row.id)
        assert decision_log.since("flights", mark, 10) == whole[place + 1 :]
        assert decision_log.since("flights", LONG_AGO, 10, mark) == whole[:place]
        assert decision_log.since("flights", LONG_AGO, 1, mark) == whole[max(0, place - 1) : place]
        both = decision_log.since("flights", Mark(whole[0].at, whole[0].id), 10, mark)
        assert both == whole[1:place]
