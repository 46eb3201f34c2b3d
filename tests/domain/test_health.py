"""The health window's arithmetic: counts add up, quantiles are near, checks have three answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.health import (
    BOUNDS,
    GROWTH,
    Counts,
    Outcome,
    bucket_of,
    by_deployment,
    check_canary,
    usual_latency,
)
from tests.builders import spec
from tests.domain.told import Told

TOLD = Told("health")
POLICY = spec().rollout


def timed(*latencies_ms: float) -> Counts:
    """Answers with these latencies."""
    entries = [0] * BOUNDS
    for latency in latencies_ms:
        entries[bucket_of(latency)] += 1
    return Counts(len(latencies_ms), 0, 0, tuple(entries))


def mixed(asked: int, timed_ones: int) -> Counts:
    """Slow answers to callers, and recorded rows that are not timed."""
    return replace(timed(*[30.0] * timed_ones), requests=asked + timed_ones, topped_up=asked)


@given(st.floats(min_value=0.001, max_value=20_000))
def test_bucket_holds_its_latency(latency_ms: float) -> None:
    """An answer counts under the first bound that is not below its latency."""
    index = bucket_of(latency_ms)
    assert latency_ms <= GROWTH**index * (1 + 1e-6)
    assert index == 0 or latency_ms > GROWTH ** (index - 1) * (1 - 1e-6)


@given(st.lists(st.floats(min_value=1, max_value=20_000), min_size=1, max_size=200))
def test_quantile_is_at_most_a_quarter_too_high(latencies: list[float]) -> None:
    """What is read from the histogram is never below the truth and little above it."""
    truth = sorted(latencies)[max(0, -(-95 * len(latencies) // 100) - 1)]
    read = timed(*latencies).latency_ms()
    assert truth * (1 - 1e-6) <= read <= truth * GROWTH * (1 + 1e-6)


@given(st.lists(st.floats(min_value=1, max_value=30_000), max_size=30), st.integers(0, 30))
def test_counts_add_up(latencies: list[float], cut: int) -> None:
    """Two processes' counts together are those of one that saw everything."""
    parts = timed(*latencies[:cut]).plus(timed(*latencies[cut:]))
    assert parts == Counts().plus(timed(*latencies))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.floats(1, 30_000))))
def test_rows_of_a_deployment_are_one(rows: list[tuple[str, int, float]]) -> None:
    """Whoever counted, and in whatever order the rows are read, each deployment has its sum."""
    counted = [
        (name, Counts(failed + 1, failed, 1, timed(latency).latencies[: bucket_of(latency) + 1]))
        for name, failed, latency in rows
    ]
    expected: dict[str, Counts] = {}
    for name, counts in counted:
        expected[name] = expected.get(name, Counts()).plus(counts)
    assert by_deployment(counted) == expected


CHECKS: list[tuple[str, Counts, Counts, float | None, Outcome]] = [
    ("well", Counts(100), Counts(900), None, Outcome.PASSED),
    ("one_failure", Counts(100, 1), Counts(900), None, Outcome.PASSED),
    ("two_of_a_hundred", Counts(100, 2), Counts(900), None, Outcome.PASSED),
    ("three_of_a_hundred", Counts(100, 3), Counts(900), None, Outcome.FAILED),
    ("three_at_once", Counts(3, 3), Counts(20), None, Outcome.FAILED),
    ("many_but_rare", Counts(10_000, 100), Counts(900), None, Outcome.PASSED),
    ("just_the_rate", Counts(150, 3), Counts(900), None, Outcome.PASSED),
    ("topped_up_and_timed", mixed(50, 60), timed(*[1.0] * 900), None, Outcome.PASSED),
    ("two_of_fifty", Counts(50, 2), Counts(900), None, Outcome.NO_DATA),
    ("ninety_nine", Counts(99), Counts(900), None, Outcome.NO_DATA),
    ("nobody", Counts(), Counts(), None, Outcome.NO_DATA),
    ("champion_fails", Counts(100), Counts(900, 90), None, Outcome.HOLD),
    ("both_fail", Counts(100, 50), Counts(900, 450), None, Outcome.HOLD),
    ("slower", timed(*[30.0] * 100), timed(*[10.0] * 900), None, Outcome.FAILED),
    ("a_little_slower", timed(*[14.0] * 100), timed(*[10.0] * 900), None, Outcome.PASSED),
    ("slower_than_before", timed(*[30.0] * 100), Counts(), 10.0, Outcome.FAILED),
    ("nothing_to_compare_with", timed(*[30.0] * 100), Counts(), None, Outcome.PASSED),
    ("topped_up_only", Counts(100, 0, 100), timed(*[1.0] * 900), None, Outcome.PASSED),
]


@pytest.mark.parametrize(
    ("name", "mine", "theirs", "usual", "outcome"), CHECKS, ids=[row[0] for row in CHECKS]
)
def test_check(
    name: str, mine: Counts, theirs: Counts, usual: float | None, outcome: Outcome
) -> None:
    """A check passes, fails, or learns nothing; a sick champion is no measure."""
    check = check_canary({"v2": mine, "v1": theirs}, "v2", "v1", usual, POLICY)
    assert check.outcome is outcome
    TOLD.check(name, [f"{check.outcome.value}, {check.code}: {check.text}"])


LOST: list[tuple[str, dict[str, Counts]]] = [
    ("none", {"v2": Counts(100), "v1": Counts(900, 900)}),
    ("nobody_seen", {}),
    ("some", {"v2": Counts(100), "v1": Counts(900, 900), "-": Counts(50, 50)}),
    ("some_and_asked", {"v2": Counts(100, 0, 100), "v1": Counts(900), "-": Counts(50, 50)}),
    ("some_and_asked_too_little", {"v2": Counts(99, 0, 99), "-": Counts(50, 50)}),
    ("few", {"v2": Counts(100), "v1": Counts(900), "-": Counts(2, 2)}),
    ("sick_itself", {"v2": Counts(100, 50), "-": Counts(50, 50)}),
    ("slow", {"v2": timed(*[30.0] * 100), "-": Counts(1, 1)}),
]


@pytest.mark.parametrize(("name", "counts"), LOST, ids=[row[0] for row in LOST])
@pytest.mark.parametrize("alone", [False, True])
def test_lost_answers(name: str, counts: dict[str, Counts], alone: bool) -> None:
    """Beside a champion, and by itself, a canary answers for what it may have lost."""
    check = check_canary(counts, "v2", "v1", 10.0, POLICY, alone=alone)
    row = f"lost_{name}_alone" if alone else f"lost_{name}"
    TOLD.check(row, [f"{check.outcome.value}, {check.code}: {check.text}"])


def test_the_histogram_at_its_edges() -> None:
    """A bound holds itself, the last entry whatever is slower, and nothing has no latency."""
    assert [bucket_of(GROWTH**index) for index in range(BOUNDS)] == list(range(BOUNDS))
    assert bucket_of(1e9) == BOUNDS - 1
    assert Counts().latency_ms() == 0.0
    assert timed(*[1.0] * 19, 100.0).latency_ms() == 1.0


def test_the_limit_itself_is_allowed() -> None:
    """As slow as the champion is not slower, also where a policy allows nothing besides."""
    strict = replace(POLICY, latency_ratio_max=1.0, latency_slack_ms=0.0)
    counts = {"v2": timed(*[10.0] * 100), "v1": timed(*[10.0] * 900)}
    assert check_canary(counts, "v2", "v1", None, strict).outcome is Outcome.PASSED


def test_every_row_is_told_in_full() -> None:
    """Nothing is told of rows that are gone."""
    lost = [f"lost_{row[0]}{how}" for row in LOST for how in ("", "_alone")]
    TOLD.check_rows([*(row[0] for row in CHECKS), *lost])


def test_lost_answers_are_charged_to_the_smaller_share() -> None:
    """Answers that never came have no deployment: they speak against a canary that hangs."""
    counts = {"v2": Counts(0), "v1": Counts(900), "-": Counts(10, 10)}
    assert check_canary(counts, "v2", "v1", None, POLICY).outcome is Outcome.FAILED
    everywhere = {"v2": Counts(0), "v1": Counts(0), "-": Counts(100, 100)}
    assert check_canary(everywhere, "v2", "v1", None, POLICY).outcome is Outcome.HOLD


def test_limits_come_from_the_policy() -> None:
    """Another policy, another verdict."""
    strict = replace(POLICY, error_rate_max=0.001)
    counts = {"v2": Counts(100, 2), "v1": Counts(900)}
    assert check_canary(counts, "v2", "v1", None, strict).outcome is Outcome.FAILED
    assert check_canary(counts, "v2", "v1", None, POLICY).outcome is Outcome.PASSED


def test_usual_latency_needs_enough_answers() -> None:
    """Few answers are no measure for later steps."""
    assert usual_latency(timed(*[10.0] * 99), POLICY) is None
    assert usual_latency(timed(*[10.0] * 100), POLICY) == pytest.approx(GROWTH**11, rel=1e-9)


ALONE: list[tuple[str, dict[str, Counts], float | None, Outcome, str]] = [
    ("well", {"v2": Counts(100), "v1": Counts(900, 450)}, None, Outcome.PASSED, "passed"),
    ("fails", {"v2": Counts(100, 3), "v1": Counts(900, 450)}, None, Outcome.FAILED, "errors"),
    ("both fail", {"v2": Counts(100, 90), "v1": Counts(9, 9)}, None, Outcome.FAILED, "errors"),
    ("asked little", {"v2": Counts(99), "v1": Counts(9, 9)}, None, Outcome.NO_DATA, "no_data"),
    ("nobody", {}, None, Outcome.NO_DATA, "no_data"),
    ("slower than usual", {"v2": timed(*[30.0] * 100)}, 10.0, Outcome.FAILED, "slow"),
    # How quickly a sick champion answers now is no measure.
    (
        "quick errors beside it",
        {"v2": timed(*[30.0] * 100), "v1": timed(*[1.0] * 900)},
        None,
        Outcome.PASSED,
        "passed",
    ),
    ("lost", {"v2": Counts(100), "-": Counts(90, 90)}, None, Outcome.NO_DATA, "lost_answers"),
    ("few lost", {"v2": Counts(100), "-": Counts(2, 2)}, None, Outcome.PASSED, "passed"),
    (
        "lost, and asked by us",
        {"v2": Counts(200, 0, 100), "-": Counts(90, 90)},
        None,
        Outcome.PASSED,
        "passed",
    ),
    (
        "lost, and not asked enough by us",
        {"v2": Counts(199, 0, 99), "-": Counts(90, 90)},
        None,
        Outcome.NO_DATA,
        "lost_answers",
    ),
]


@pytest.mark.parametrize(
    ("counts", "usual_ms", "outcome", "code"), [row[1:] for row in ALONE], ids=[r[0] for r in ALONE]
)
def test_canary_by_itself_is_held_to_its_own_limits(
    counts: dict[str, Counts], usual_ms: float | None, outcome: Outcome, code: str
) -> None:
    """Beside a champion that is known to be sick only the canary's own counts decide."""
    check = check_canary(counts, "v2", "v1", usual_ms, POLICY, alone=True)
    assert (check.outcome, check.code) == (outcome, code)
    assert "by itself: v2 " in check.text
    assert "; v1 " in check.text
