"""How deployments are doing: counts from our own proxy, and what a check says about them.

A histogram of latencies has bounds that grow by a quarter each, so that a quantile read from it
is at most that much too high. The comparison is with the champion over the same window, as
canary analysis does it: the same hour, the same callers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest
from operator import add

from shared.domain.policy import RolloutPolicy

GROWTH = 1.25
LOG_GROWTH = math.log(GROWTH)
BOUNDS = 48
"""The last bound is 1.25^47 ms, above half a minute; whatever is slower counts there."""

QUANTILE = 0.95

UNKNOWN = "-"
"""Stands for the deployment of an answer that never came and so never said whose it was."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Answers of one deployment."""

    requests: int = 0
    """All of them, topped up ones included."""
    failures: int = 0
    """5xx, time-outs and lost connections; a 4xx is the caller's."""
    topped_up: int = 0
    """Recorded rows that we sent ourselves; they stay out of the latencies."""
    latencies: tuple[int, ...] = ()
    """Answers by latency: entry i counts those up to 1.25^i ms."""

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        longer, shorter = self.latencies, other.latencies
        if len(longer) < len(shorter):
            longer, shorter = shorter, longer
        return Counts(
            self.requests + other.requests,
            self.failures + other.failures,
            self.topped_up + other.topped_up,
            (*map(add, longer, shorter), *longer[len(shorter) :]),
        )

    @property
    def failure_rate(self) -> float:
        """Failures per request; 0 without any."""
        return self.failures / self.requests if self.requests else 0.0

    @property
    def timed(self) -> int:
        """Answers whose latency is known."""
        return sum(self.latencies)

    def latency_ms(self, quantile: float = QUANTILE) -> float:
        """The upper bound of the bucket that holds the quantile; 0 without any."""
        wanted, seen = quantile * self.timed, 0
        for index, count in enumerate(self.latencies):
            seen += count
            if count and seen >= wanted:
                return GROWTH**index
        return 0.0


@dataclass(frozen=True, slots=True)
class HealthRow:
    """What one process counted for one deployment in one bucket of time, up to now."""

    deployment: str
    process: str
    bucket_at: datetime
    counts: Counts


class Outcome(StrEnum):
    """What a check says."""

    PASSED = "passed"
    FAILED = "failed"
    NO_DATA = "no_data"
    """Neither good nor bad: too little was seen."""
    HOLD = "hold"
    """The canary cannot be judged, since what it is compared with is not well."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check's outcome, with the numbers that it saw."""

    outcome: Outcome
    code: str
    text: str


def bucket_of(latency_ms: float) -> int:
    """The histogram's entry for a latency."""
    if latency_ms <= 1:
        return 0
    return min(BOUNDS - 1, math.ceil(math.log(latency_ms) / LOG_GROWTH - 1e-9))


def by_deployment(rows: Iterable[tuple[str, Counts]]) -> dict[str, Counts]:
    """The rows of each deployment together."""
    found: dict[str, list[Counts]] = {}
    for deployment, counts in rows:
        found.setdefault(deployment, []).append(counts)
    return {
        deployment: Counts(
            sum([each.requests for each in counts]),
            sum([each.failures for each in counts]),
            sum([each.topped_up for each in counts]),
            tuple(map(sum, zip_longest(*(each.latencies for each in counts), fillvalue=0))),
        )
        for deployment, counts in found.items()
    }


def check_canary(
    counts: Mapping[str, Counts],
    canary: str,
    champion: str,
    usual_ms: float | None,
    policy: RolloutPolicy,
    *,
    alone: bool = False,
) -> Check:
    """Compare the canary with the champion over one window.

    `usual_ms` is the champion's latency from an earlier step, for when it has no traffic left.
    With `alone` the champion is known to be sick: the canary is held to its own limits.
    """
    if alone:
        return _check_alone(counts, canary, champion, usual_ms, policy)
    # Whose a lost answer was is not known. Charged to both it weighs most on the one with the
    # smaller share, so a canary that hangs is found out and a champion is not.
    lost = counts.get(UNKNOWN, Counts())
    mine = counts.get(canary, Counts()).plus(lost)
    theirs = counts.get(champion, Counts()).plus(lost)
    seen = f"{canary} {_said(mine)}, {champion} {_said(theirs)}"
    ill, champion_ill = sick(mine, policy), sick(theirs, policy)
    if ill and champion_ill:
        return Check(Outcome.HOLD, "both_sick", f"both fail, the canary is not the cause: {seen}")
    if champion_ill:
        words = "the champion itself fails (noon proceed judges the canary by itself)"
        return Check(Outcome.HOLD, "sick_champion", f"{words}: {seen}")
    if ill:
        return Check(Outcome.FAILED, "errors", f"the canary fails: {seen}")
    usual = usual_latency(theirs, policy)
    return _check_enough(mine, usual_ms if usual is None else usual, policy, seen)


def _check_enough(mine: Counts, usual_ms: float | None, policy: RolloutPolicy, seen: str) -> Check:
    """A canary that does not fail: was it asked often enough, and is it quick enough?"""
    if mine.requests < policy.requests_min:
        text = f"{mine.requests} of {policy.requests_min} requests: {seen}"
        return Check(Outcome.NO_DATA, "no_data", text)
    limit = _latency_limit(usual_ms, policy)
    if limit is not None and mine.timed >= policy.requests_min and mine.latency_ms() > limit:
        text = f"the canary is slow, {limit:.0f} ms are allowed: {seen}"
        return Check(Outcome.FAILED, "slow", text)
    return Check(Outcome.PASSED, "passed", seen)


def _check_alone(
    counts: Mapping[str, Counts],
    canary: str,
    champion: str,
    usual_ms: float | None,
    policy: RolloutPolicy,
) -> Check:
    """Hold the canary to its own limits, beside a champion that is no measure."""
    mine, theirs = counts.get(canary, Counts()), counts.get(champion, Counts())
    lost = counts.get(UNKNOWN, Counts())
    seen = f"by itself: {canary} {_said(mine)}; {champion} {_said(theirs)}"
    if sick(mine, policy):
        return Check(Outcome.FAILED, "errors", f"the canary fails: {seen}")
    if sick(mine.plus(lost), policy) and mine.topped_up < policy.requests_min:
        # A sick champion loses answers, and so may the canary: what we ask it ourselves tells.
        text = f"{lost.failures} answers were lost, nobody knows whose: {seen}"
        return Check(Outcome.NO_DATA, "lost_answers", text)
    return _check_enough(mine, usual_ms, policy, seen)


def usual_latency(counts: Counts, policy: RolloutPolicy) -> float | None:
    """The champion's latency, if enough was seen to remember it."""
    return counts.latency_ms() if counts.timed >= policy.requests_min else None


def sick(counts: Counts, policy: RolloutPolicy) -> bool:
    """More failures than a whole window may have; one alone is never enough."""
    allowed = max(1.0, policy.error_rate_max * policy.requests_min)
    return counts.failures > allowed and counts.failure_rate > policy.error_rate_max


def _latency_limit(usual_ms: float | None, policy: RolloutPolicy) -> float | None:
    if usual_ms is None:
        return None
    return usual_ms * policy.latency_ratio_max + policy.latency_slack_ms


def _said(counts: Counts) -> str:
    text = f"{counts.requests} requests, {counts.failures} failed"
    if counts.topped_up:
        text += f", {counts.topped_up} of them topped up"
    return f"{text}, p95 {counts.latency_ms():.0f} ms" if counts.timed else text
