"""The canary steps: give a share, let it soak, judge, go on or go back.

Each pass reads the traffic map back before it believes it, judges the window since then, and
takes one step. What cannot be judged is held and topped up with recorded rows, never passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.domain.actions import SetTraffic, TopUp
from shared.domain.decision import Json, Kind, Reason, Step
from shared.domain.deployments import FULL, all_to, in_words, live
from shared.domain.endings import given_up, succeed
from shared.domain.facts import ProvisioningState
from shared.domain.health import Check, Counts, Outcome, check_canary, usual_latency
from shared.domain.moment import Moment
from shared.domain.state import Address, Warm

TOP_UP_REQUESTS = 20
"""In one pass, so that a pass stays short."""


def advance_canary(at: Moment) -> Step:
    """One step of a rollout whose deployment stands and answers."""
    deployment = at.endpoint.deployments.get(at.canary)
    if deployment is None or deployment.state is ProvisioningState.FAILED:
        return at.turn_back("deployment_gone", f"{at.canary} is gone")
    wished = wished_traffic(at)
    if live(at.endpoint.traffic) != live(wished):
        return _write(at, wished)
    if at.state.champion is None or at.rollout.instant:
        # Nothing to compare with and nothing to return to, or proven before: no soak.
        return succeed(at, _address(at))
    since = at.rollout.soaking_since
    if since is None:
        text = f"{at.canary} has {_share(at)} % of the traffic since now"
        return _soak_from_now(at).order("step_begun", text)
    return _judge(at, since)


def wished_traffic(at: Moment) -> dict[str, int]:
    """The full map of the present step: a deployment left out would lose its traffic unsaid."""
    if at.rollout.instant or at.stable not in at.endpoint.deployments:
        return all_to(at.canary, at.endpoint)
    share, none = _share(at), dict.fromkeys(at.endpoint.deployments, 0)
    return {**none, at.stable: FULL - share, at.canary: share}


def _share(at: Moment) -> int:
    """Of the present step."""
    return _steps(at)[min(at.rollout.step, len(_steps(at)) - 1)]


def _steps(at: Moment) -> tuple[int, ...]:
    """Those that the rollout began with; other shares in mid-rollout would be given unjudged."""
    return at.rollout.steps or at.policy.steps


def go_back(at: Moment) -> Step:
    """Give the champion all traffic, and end when that reads back."""
    endpoint = at.facts.endpoint
    if endpoint is None:
        return given_up(at)
    wished = _without(at)
    if wished is not None and live(endpoint.traffic) != live(wished):
        text = f"all traffic back to {at.stable or 'nobody'}: {at.rollout.going_back}"
        back = at.order("go_back", text, SetTraffic(wished))
        return replace(back, kind=Kind.REFUSED)
    if at.canary in endpoint.deployments and at.canary != at.stable:
        at = replace(at, state=replace(at.state, warm=Warm(at.canary, at.now)))
    return given_up(at)


def _without(at: Moment) -> dict[str, int] | None:
    """The map that gives the champion everything; None when its deployment is gone."""
    if not at.stable:
        # Nobody is left to answer, but what has traffic could never be deleted.
        return dict.fromkeys(at.endpoint.deployments, 0)
    return all_to(at.stable, at.endpoint) if at.stable in at.endpoint.deployments else None


def _address(at: Moment) -> Address:
    return Address(at.endpoint.scoring_uri, at.rollout.version.number, at.canary)


def _soak_from_now(at: Moment) -> Moment:
    return at.having(replace(at.rollout, soaking_since=at.now))


def _write(at: Moment, wished: dict[str, int]) -> Step:
    """Order the step's traffic; after it had read back once, somebody else changed it."""
    shares = in_words(at.endpoint.traffic)
    if at.rollout.soaking_since is None:
        text = f"{at.canary} is to get {wished[at.canary]} %, traffic is {shares}"
        if at.rollout.paused:
            return at.paused(f"; {text}")
        return at.order("shift", text, SetTraffic(wished))
    if at.policy.hand_changed == "adopt":
        # Soaking anew, so that who resumes gets the share of the step, not the same pause again.
        at = at.having(replace(at.rollout, paused=True, soaking_since=None))
        return at.hold("hand_changed", f"somebody set the traffic to {shares}: left so, paused")
    at = at.having(replace(at.rollout, soaking_since=None))
    text = f"somebody set the traffic to {shares}: set back"
    return at.order("hand_changed", text, SetTraffic(wished))


def _judge(at: Moment, since: datetime) -> Step:
    """Check the window since the step's traffic read back, and do what follows from it."""
    health = at.facts.health or {}
    alone, usual = bool(at.rollout.alone), at.rollout.usual_ms
    check = check_canary(health, at.canary, at.stable, usual, at.policy, alone=alone)
    facts: dict[str, Json] = {
        "check": check.outcome.value,
        "step": _share(at),
        "counts": _numbers(health),
    }
    return replace(_follow(at, check, since), facts=facts)


def _follow(at: Moment, check: Check, since: datetime) -> Step:
    """What follows from the check's outcome."""
    soaked = at.now - at.policy.lag - since >= at.policy.soak
    if check.outcome is Outcome.FAILED:
        failed = at.rollout.failed_checks + 1
        at = at.having(replace(at.rollout, failed_checks=failed))
        if failed > at.policy.failed_checks_allowed:
            return at.turn_back(check.code, check.text)
        return at.hold(check.code, check.text)
    # Begun anew where a step stands still: in a window that only grows an illness would be spoken
    # of long after its end, and after a long pause too late.
    renewed = _soak_from_now(at) if soaked else at
    if at.rollout.paused:
        return renewed.paused(f"; {check.text}")
    if check.outcome is Outcome.HOLD:
        return renewed.hold(check.code, check.text)
    if not soaked:
        return at.hold("soaking", check.text)
    if check.outcome is Outcome.NO_DATA:
        return _top_up(at, check, since)
    return _next_step(at, check)


def _top_up(at: Moment, check: Check, since: datetime) -> Step:
    """Too few callers: ask with recorded rows, and in the end give up; never go on blindly."""
    policy = at.policy
    if at.now - since > policy.soak + policy.no_data_max:
        text = f"nothing could be learned within {policy.no_data_max}: {check.text}"
        return at.turn_back("no_data_for_long", text)
    requests = min(policy.requests_min, TOP_UP_REQUESTS)
    ask = TopUp(at.rollout.version.job, at.endpoint.scoring_uri, at.canary, requests)
    text = f"too few callers, recorded rows are sent; {check.text}"
    return at.hold("topped_up", text, ask)


def _next_step(at: Moment, check: Check) -> Step:
    rollout, steps = at.rollout, _steps(at)
    if rollout.step + 1 >= len(steps):
        step = succeed(at, _address(at))
        return replace(step, reasons=(Reason(check.code, check.text), *step.reasons))
    health = at.facts.health or {}
    theirs = health.get(at.stable, Counts())
    # A sick champion is no measure, of later steps neither.
    usual = None if rollout.alone else usual_latency(theirs, at.policy)
    following = replace(
        rollout,
        step=rollout.step + 1,
        soaking_since=None,
        failed_checks=0,
        usual_ms=rollout.usual_ms if usual is None else usual,
    )
    passed, share = steps[rollout.step], steps[following.step]
    text = f"{passed} % passed, {share} % follows: {check.text}"
    return at.having(following).go_on("step_passed", text)


def _numbers(health: Mapping[str, Counts]) -> dict[str, Json]:
    return {
        name: {
            "requests": counts.requests,
            "failures": counts.failures,
            "topped_up": counts.topped_up,
            "p95_ms": round(counts.latency_ms(), 1),
        }
        for name, counts in health.items()
    }
