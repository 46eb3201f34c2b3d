"""The gate as a table: planted evidence and the verdict that it must give."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.metrics import read_metrics
from shared.domain.promotion import Halt, Promote, Retain, Verdict, judge, score_of
from shared.domain.state import Champion
from tests.builders import (
    NOON,
    against,
    champion,
    gate,
    interval,
    metrics,
    metrics_text,
    training,
)
from tests.domain.told import Told, reasons_in_full

TOLD = Told("gate")
OLD = NOON - timedelta(days=15)
YOUNG = NOON - timedelta(days=1)
BETTER = against(3, 0.70, 0.05, 0.03, 0.07)
TIE = against(3, 0.749, 0.001, -0.004, 0.006)
ANCHOR_WORSE = {
    "anchor": {"version": "2", "value": 0.8},
    "versus_anchor": interval(-0.05, -0.07, -0.03),
}
ANCHOR_EQUAL = {
    "anchor": {"version": "2", "value": 0.8},
    "versus_anchor": interval(0.0, -0.02, 0.02),
}


def slice_(mean: float, low: float, high: float, rows: int = 500) -> list[dict[str, Any]]:
    """One slice of that many rows with that difference."""
    part = {"column": "origin", "value": "JFK", "rows": rows, "challenger": 0.6, "champion": 0.7}
    return [part | {"difference": interval(mean, low, high)}]


FIRST: list[tuple[str, dict[str, Any], type[Verdict], str]] = [
    ("first_over_baseline", {}, Promote, "first"),
    (
        "equal_to_baseline",
        {"versus_baseline": interval(0.0, -0.01, 0.01)},
        Retain,
        "not_above_baseline",
    ),
    ("few_rows", {"holdout": metrics()["holdout"] | {"rows": 999}}, Retain, "too_few_rows"),
    (
        "class_flipped",
        {"parity": {"rows": 2000, "max_difference": 0.0, "flipped": 1}},
        Retain,
        "export_differs",
    ),
    (
        "export_off",
        {"parity": {"rows": 2000, "max_difference": 0.1, "flipped": 0}},
        Retain,
        "export_differs",
    ),
    (
        "parity_not_measured",
        {"parity": {"rows": 0, "max_difference": 0.0, "flipped": 0}},
        Retain,
        "no_parity",
    ),
    ("slow", {"latency": {"rows": 9, "p50_ms": 1.0, "p95_ms": 21.0}}, Retain, "too_slow"),
    ("no_sample_answered", {"sample_rows": 0}, Retain, "no_sample"),
    ("other_job", {"job_name": "flights-slot-20261122t1200-a1"}, Halt, "wrong_job"),
    ("other_data", {"data_version": "d2"}, Halt, "wrong_data"),
    ("champion_out_of_nowhere", BETTER, Halt, "wrong_champion"),
    ("anchor_out_of_nowhere", ANCHOR_EQUAL, Halt, "wrong_anchor"),
]


@pytest.mark.parametrize(("name", "changes", "kind", "code"), FIRST, ids=[row[0] for row in FIRST])
def test_first_challenger(
    name: str, changes: dict[str, Any], kind: type[Verdict], code: str
) -> None:
    """A first version must be surely above the baseline, and its export must be sound."""
    verdict = judge(metrics_text(**changes), training(), None, gate(), NOON)
    assert isinstance(verdict, kind)
    assert code in [reason.code for reason in verdict.reasons]
    TOLD.check(name, reasons_in_full(verdict.reasons))


AGAINST: list[tuple[str, dict[str, Any], Any, type[Verdict], str]] = [
    ("better", BETTER, YOUNG, Promote, "better"),
    ("worse", against(3, 0.8, -0.05, -0.07, -0.03), YOUNG, Retain, "worse"),
    ("worse_and_old", against(3, 0.8, -0.05, -0.07, -0.03), OLD, Retain, "worse"),
    ("tie_young", TIE, YOUNG, Retain, "tie"),
    ("tie_old", TIE, OLD, Promote, "refresh"),
    ("wide_old", against(3, 0.75, 0.0, -0.05, 0.05), OLD, Retain, "maybe_worse"),
    ("slice_ruined", BETTER | {"slices": slice_(-0.1, -0.15, -0.05)}, YOUNG, Retain, "slice_worse"),
    ("slice_by_chance", BETTER | {"slices": slice_(-0.1, -0.25, 0.05)}, YOUNG, Promote, "better"),
    (
        "slice_too_small",
        BETTER | {"slices": slice_(-0.1, -0.15, -0.05, 99)},
        YOUNG,
        Promote,
        "better",
    ),
    (
        "slice_inside_margin",
        BETTER | {"slices": slice_(-0.01, -0.015, -0.005)},
        YOUNG,
        Promote,
        "better",
    ),
    ("holdout_spoilt", against(3, 0.54, 0.2, 0.15, 0.25), YOUNG, Halt, "suspect_holdout"),
    ("champion_not_scored", {}, YOUNG, Halt, "wrong_champion"),
    ("compared_with_itself", against(4, 0.75, 0.0, 0.0, 0.0), OLD, Halt, "wrong_champion"),
]


@pytest.mark.parametrize(
    ("name", "changes", "since", "kind", "code"), AGAINST, ids=[row[0] for row in AGAINST]
)
def test_challenger_against_champion(
    name: str, changes: dict[str, Any], since: Any, kind: type[Verdict], code: str
) -> None:
    """A challenger wins by being surely better, or as good as an old champion."""
    ruler = champion(3, at=since)
    verdict = judge(metrics_text(**changes), training(champion=3), ruler, gate(), NOON)
    assert isinstance(verdict, kind)
    assert code in [reason.code for reason in verdict.reasons]
    TOLD.check(name, reasons_in_full(verdict.reasons))


def test_anchor_stops_the_ratchet() -> None:
    """A tie with the champion does not pass when the best of the last versions was better."""
    asked = training(champion=3, anchor=2)
    ruler = champion(3, at=OLD)
    kept = judge(metrics_text(**TIE, **ANCHOR_WORSE), asked, ruler, gate(), NOON)
    passed = judge(metrics_text(**TIE, **ANCHOR_EQUAL), asked, ruler, gate(), NOON)
    assert isinstance(kept, Retain)
    assert [reason.code for reason in kept.reasons] == ["worse_than_anchor"]
    assert isinstance(passed, Promote)


ALONE = [("another_holdout",), ("below_floor",)]
CHANGED: list[tuple[str, dict[str, Any], int | None, Champion | None]] = [
    ("another_champion", BETTER, 3, champion(4)),
    ("the_first_champion", {}, None, champion(4)),
    ("no_champion_any_more", BETTER, 3, None),
]


@pytest.mark.parametrize(
    ("name", "changes", "asked", "ruler"), CHANGED, ids=[row[0] for row in CHANGED]
)
def test_champion_changed_meanwhile(
    name: str, changes: dict[str, Any], asked: int | None, ruler: Champion | None
) -> None:
    """A comparison with a former champion promotes nothing."""
    verdict = judge(metrics_text(**changes), training(champion=asked), ruler, gate(), NOON)
    assert isinstance(verdict, Retain)
    assert [reason.code for reason in verdict.reasons] == ["champion_changed"]
    assert verdict.metrics == read_metrics(metrics_text(**changes))
    TOLD.check(name, reasons_in_full(verdict.reasons))


def test_versions_are_numbers() -> None:
    """Version 10 is not version 9, and 09 is."""
    ten = judge(
        metrics_text(**against(10, 0.7, 0.05, 0.03, 0.07)),
        training(champion=9),
        champion(9),
        gate(),
        NOON,
    )
    assert isinstance(ten, Halt)


def test_holdout_is_the_one_that_was_held_out() -> None:
    """Metrics over other rows than the job's own first step held out say nothing."""
    same = judge(metrics_text(), training(), None, gate(), NOON, holdout="h1")
    other = judge(metrics_text(), training(), None, gate(), NOON, holdout="h2")
    assert isinstance(same, Promote)
    assert isinstance(other, Halt)
    assert [reason.code for reason in other.reasons] == ["wrong_holdout"]
    TOLD.check("another_holdout", reasons_in_full(other.reasons))


TURNED: list[tuple[str, dict[str, Any]]] = [
    (
        "difference turned",
        against(3, 0.8, -0.05, -0.07, -0.03) | {"versus_champion": interval(0.05, 0.03, 0.07)},
    ),
    ("baseline turned", BETTER | {"versus_baseline": interval(-0.25, -0.28, -0.22)}),
    ("values exchanged", BETTER | {"champion": {"version": "3", "value": 0.8}}),
    ("anchor turned", BETTER | ANCHOR_WORSE | {"anchor": {"version": "2", "value": 0.7}}),
]


@pytest.mark.parametrize(("name", "changes"), TURNED, ids=[row[0] for row in TURNED])
def test_difference_agrees_with_its_values(name: str, changes: dict[str, Any]) -> None:
    """A difference with the wrong sign, as of exchanged arguments, stops the gate."""
    asked = training(champion=3, anchor=2 if "anchor" in changes else None)
    verdict = judge(metrics_text(**changes), asked, champion(3), gate(), NOON)
    assert isinstance(verdict, Halt)
    assert {reason.code for reason in verdict.reasons} == {"contradiction"}
    TOLD.check(name, reasons_in_full(verdict.reasons))


def test_small_values_may_differ_in_sign_from_their_interval() -> None:
    """The mean over resamples is not the value itself: around zero they may disagree."""
    close = against(3, 0.75, 0.001, -0.004, 0.006) | {"challenger": {"value": 0.749}}
    verdict = judge(metrics_text(**close), training(champion=3), champion(3, at=OLD), gate(), NOON)
    assert isinstance(verdict, Promote)


def test_first_version_is_held_to_the_floor_of_champions() -> None:
    """A champion below its floor would make every later holdout suspect, and rule for ever."""
    weak = {"challenger": {"value": 0.549}, "versus_baseline": interval(0.049, 0.04, 0.06)}
    verdict = judge(metrics_text(**weak), training(), None, gate(champion_floor=0.05), NOON)
    assert isinstance(verdict, Retain)
    assert [reason.code for reason in verdict.reasons] == ["below_floor"]
    TOLD.check("below_floor", reasons_in_full(verdict.reasons))


AT_0_25: dict[str, Any] = {
    "champion_floor": 0.25,
    "margin": 0.25,
    "slice_margin": 0.25,
    "parity_flips_per_million_max": 500.0,
    "parity_difference_max": 0.5,
}
"""A policy in numbers that are exact in binary, so that the edge is the edge."""
UP: dict[str, Any] = against(3, 0.75, 0.25, 0.125, 0.5)
EVEN: dict[str, Any] = against(3, 0.75, 0.0, -0.125, 0.125)
RANKED = {"anchor": {"version": "2", "value": 0.75}}
EDGES: list[tuple[str, dict[str, Any], datetime, type[Verdict]]] = [
    ("just enough rows", UP | {"holdout": metrics()["holdout"] | {"rows": 1000}}, YOUNG, Promote),
    ("champion at its floor", UP | {"baseline": {"name": "prior", "value": 0.5}}, YOUNG, Promote),
    ("baseline not surely below", UP | {"versus_baseline": interval(0.5, 0.0, 1.0)}, YOUNG, Retain),
    ("surely not worse", against(3, 0.75, 0.25, 0.0, 0.5), YOUNG, Retain),
    ("perhaps as good", against(3, 0.875, -0.125, -0.1875, 0.0), OLD, Promote),
    ("worse by the margin at most", against(3, 0.75, 0.0, -0.25, 0.125), OLD, Retain),
    ("old enough to the second", EVEN, NOON - timedelta(days=14), Promote),
    ("a second too young", EVEN, NOON - timedelta(days=14) + timedelta(seconds=1), Retain),
    ("slice worse by the margin", UP | {"slices": slice_(-0.25, -0.5, -0.125)}, YOUNG, Promote),
    ("slice not surely worse", UP | {"slices": slice_(-0.5, -0.75, 0.0)}, YOUNG, Promote),
    ("slice just large enough", UP | {"slices": slice_(-0.5, -0.75, -0.25, 100)}, YOUNG, Retain),
    (
        "not below the anchor",
        UP | RANKED | {"versus_anchor": interval(0.0, -0.5, 0.5)},
        YOUNG,
        Promote,
    ),
    (
        "below it by the margin",
        UP | RANKED | {"versus_anchor": interval(-0.1, -0.25, 0.25)},
        YOUNG,
        Retain,
    ),
    (
        "below it by less",
        UP | RANKED | {"versus_anchor": interval(-0.1, -0.2, 0.25)},
        YOUNG,
        Promote,
    ),
    (
        "one flip too many",
        UP | {"parity": {"rows": 2000, "max_difference": 0.5, "flipped": 2}},
        YOUNG,
        Retain,
    ),
    (
        "as many flips as may be",
        UP | {"parity": {"rows": 2000, "max_difference": 0.5, "flipped": 1}},
        YOUNG,
        Promote,
    ),
    (
        "as slow as may be",
        UP | {"latency": {"rows": 1, "p50_ms": 1.0, "p95_ms": 20.0}},
        YOUNG,
        Promote,
    ),
    ("one sample row is one", UP | {"sample_rows": 1}, YOUNG, Promote),
    (
        "one row of parity is some",
        UP | {"parity": {"rows": 1, "max_difference": 0.0, "flipped": 0}},
        YOUNG,
        Promote,
    ),
    (
        "no difference speaks against none",
        UP | {"versus_champion": interval(0.0, -0.125, 0.125)},
        OLD,
        Promote,
    ),
    (
        "the values say the upper end",
        against(3, 0.75, 0.125, 0.0, 0.0) | {"versus_champion": interval(-0.1, -0.2, 0.125)},
        OLD,
        Promote,
    ),
    (
        "the values say the lower end",
        against(3, 0.875, -0.125, 0.0, 0.0) | {"versus_champion": interval(0.1, -0.125, 0.2)},
        OLD,
        Promote,
    ),
]


@pytest.mark.parametrize(("name", "changes", "since", "kind"), EDGES, ids=[row[0] for row in EDGES])
def test_the_edge_belongs_to_one_side(
    name: str, changes: dict[str, Any], since: datetime, kind: type[Verdict]
) -> None:
    """What a policy's figure says of the figure itself is decided, and stays so."""
    evidence = {"challenger": {"value": 1.0}, "baseline": {"name": "prior", "value": 0.5}} | changes
    asked = training(champion=3, anchor=2 if "anchor" in evidence else None)
    verdict = judge(metrics_text(**evidence), asked, champion(3, at=since), gate(**AT_0_25), NOON)
    assert isinstance(verdict, kind), verdict.reasons
    TOLD.check(name, reasons_in_full(verdict.reasons))


def test_every_broken_rule_is_named() -> None:
    """The reasons of a refusal are all of them, not the first."""
    text = metrics_text(
        **against(3, 0.8, -0.05, -0.07, -0.03),
        sample_rows=0,
        latency={"rows": 9, "p50_ms": 1.0, "p95_ms": 21.0},
    )
    verdict = judge(text, training(champion=3), champion(3), gate(), NOON)
    assert isinstance(verdict, Retain)
    codes = [reason.code for reason in verdict.reasons]
    assert codes == ["worse", "no_sample", "too_slow"]


def test_lower_is_better() -> None:
    """The floor of the champion follows the metric's direction."""
    changes = against(3, 55.0, 2.0, 1.0, 3.0) | {
        "metric": {"name": "mean_absolute_error", "higher_is_better": False},
        "challenger": {"value": 53.0},
        "baseline": {"name": "mean", "value": 65.0},
    }
    good = judge(metrics_text(**changes), training(champion=3), champion(3), gate(), NOON)
    spoilt = metrics_text(**(changes | {"baseline": {"name": "mean", "value": 50.0}}))
    bad = judge(spoilt, training(champion=3), champion(3), gate(), NOON)
    assert isinstance(good, Promote)
    assert isinstance(bad, Halt)


MALFORMED: list[tuple[str, str | None, str]] = [
    ("missing_file", None, "missing"),
    ("truncated", metrics_text()[:200], "cannot be read"),
    ("a_list", "[]", "not an object"),
    ("nan", metrics_text().replace("0.75", "NaN"), "NaN"),
    ("infinite", metrics_text().replace("0.75", "1e999"), "finite"),
    ("null_metric", metrics_text(challenger={"value": None}), "challenger.value"),
    ("metric_gone", metrics_text(challenger={}), "challenger.value is missing"),
    ("extra_field", metrics_text(bonus=1), "bonus is not known"),
    ("extra_inside", metrics_text(challenger={"value": 0.7, "x": 1}), "challenger.x is not known"),
    ("text_for_number", metrics_text(challenger={"value": "0.7"}), "not a number"),
    ("true_for_number", metrics_text(challenger={"value": True}), "not a number"),
    ("negative_rows", metrics_text(trained_rows=-1), "count"),
    ("empty_model", metrics_text(model=""), "model"),
    ("flag", metrics_text(metric={"name": "x", "higher_is_better": "yes"}), "true or false"),
    ("schema_2", metrics_text(schema=2), "schema 2"),
    ("ends_swapped", metrics_text(versus_baseline=interval(0.1, 0.2, 0.0)), "wrong way"),
    ("half_a_champion", metrics_text(champion={"version": "1", "value": 0.7}), "together"),
    ("odd_version", metrics_text(champion={"version": "v1", "value": 0.7}), "not a number"),
    ("slices_no_list", metrics_text(slices={}), "list"),
]


@pytest.mark.parametrize(("name", "text", "word"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_malformed_metrics_halt(name: str, text: str | None, word: str) -> None:
    """What cannot be understood stops the gate by name; it is never taken for a number."""
    verdict = judge(text, training(), None, gate(), NOON)
    assert isinstance(verdict, Halt)
    assert [reason.code for reason in verdict.reasons] == ["malformed"]
    assert word in verdict.reasons[0].text
    TOLD.check(name, reasons_in_full(verdict.reasons))


def test_every_row_is_told_in_full() -> None:
    """Nothing is told of rows that are gone."""
    TOLD.check_rows(
        row[0] for row in (*FIRST, *AGAINST, *CHANGED, *TURNED, *EDGES, *MALFORMED, *ALONE)
    )


def test_score_remembers_what_was_compared() -> None:
    """The remembered score names what it was measured against."""
    first = score_of(read_metrics(metrics_text()))
    later = score_of(read_metrics(metrics_text(**BETTER)))
    assert (first.compared_with, first.low) == ("baseline prior", 0.22)
    assert (later.compared_with, later.low) == ("champion 3", 0.03)
