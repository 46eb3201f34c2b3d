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
from shared.domain.facts import EndpointFacts, Facts, ProvisioningState
from shared.domain.health import Check, Counts, Outcome, check_canary, usual_latency
from shared.domain.policy import RolloutPolicy
from shared.domain.state import Address, Champion, ModelState, Phase, Rollout, Warm

FULL = 100
"""All traffic, in per cent."""

FORMER_MAX = 20
"""Former champions that are remembered; the anchor looks at fewer."""

TOP_UP_REQUESTS = 20
"""In one pass, so that a pass stays short."""


def advance_canary(
    state: ModelState,
    rollout: Rollout,
    facts: Facts,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """One step of a rollout whose deployment stands and answers."""
    name = rollout.subject.deployment
    deployment = endpoint.deployments.get(name)
    if deployment is None or deployment.state is ProvisioningState.FAILED:
        return turn_back(state, rollout, Reason("deployment_gone", f"{name} is gone"), now)
    wished = wished_traffic(state, rollout, endpoint, policy)
    if live(endpoint.traffic) != live(wished):
        return _write(state, rollout, endpoint, wished, policy, now)
    if state.champion is None or rollout.instant:
        # Nothing to compare with and nothing to return to, or proven before: no soak.
        return succeed(state, rollout, _address(rollout, endpoint), policy, now)
    if rollout.soaking_since is None:
        rollout = replace(rollout, soaking_since=now)
        text = f"{name} has {policy.steps[rollout.step]} % of the traffic since now"
        return Step(
            replace(state, rollout=rollout),
            Kind.ACTED,
            (Reason("step_begun", text),),
            due_at=now + policy.poll,
        )
    return _judge(state, rollout, facts.health or {}, endpoint, policy, now)


def wished_traffic(
    state: ModelState, rollout: Rollout, endpoint: EndpointFacts, policy: RolloutPolicy
) -> dict[str, int]:
    """The full map of the present step: a deployment left out would lose its traffic unsaid."""
    name = rollout.subject.deployment
    champion = state.champion.subject.deployment if state.champion else ""
    if rollout.instant or champion not in endpoint.deployments:
        return all_to(name, endpoint)
    share = policy.steps[min(rollout.step, len(policy.steps) - 1)]
    none = dict.fromkeys(endpoint.deployments, 0)
    return {**none, champion: FULL - share, name: share}


def all_to(name: str, endpoint: EndpointFacts) -> dict[str, int]:
    """The full map that gives one deployment everything."""
    return {**dict.fromkeys(endpoint.deployments, 0), name: FULL}


def live(traffic: Mapping[str, int]) -> dict[str, int]:
    """The shares that are not zero."""
    return {name: share for name, share in traffic.items() if share}


def turn_back(
    state: ModelState,
    rollout: Rollout,
    reason: Reason,
    now: datetime,
    ending: Phase = Phase.ROLLED_BACK,
) -> Step:
    """Begin to give the version up; the order goes out in the next pass that may write."""
    rollout = replace(rollout, going_back=reason.text, ending=ending, paused=False)
    state = replace(state, rollout=rollout, last_refusal=f"going back: {reason.text}")
    return Step(state, Kind.REFUSED, (reason,), due_at=now)


def go_back(
    state: ModelState,
    rollout: Rollout,
    endpoint: EndpointFacts | None,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """Give the champion all traffic, and end when that reads back."""
    champion = state.champion.subject.deployment if state.champion else ""
    name = rollout.subject.deployment
    wished = _without(champion, endpoint) if endpoint else {}
    if endpoint is not None and wished is not None and live(endpoint.traffic) != live(wished):
        text = f"all traffic back to {champion or 'nobody'}: {rollout.going_back}"
        reason = Reason("go_back", text)
        return Step(state, Kind.REFUSED, (reason,), (SetTraffic(wished),), due_at=now + policy.poll)
    if endpoint is not None and name in endpoint.deployments and name != champion:
        state = replace(state, warm=Warm(name, now))
    return given_up(state, rollout, now)


def _without(champion: str, endpoint: EndpointFacts) -> dict[str, int] | None:
    """The map that gives the champion everything; None when its deployment is gone."""
    if not champion:
        # Nobody is left to answer, but what has traffic could never be deleted.
        return dict.fromkeys(endpoint.deployments, 0)
    return all_to(champion, endpoint) if champion in endpoint.deployments else None


def given_up(state: ModelState, rollout: Rollout, now: datetime) -> Step:
    """The end of a rollout that went back."""
    ended = replace(rollout, phase=rollout.ending, entered_at=now, reason=rollout.going_back)
    words = ended.phase.value.replace("_", " ")
    state = replace(
        state, rollout=ended, order_refused="", last_refusal=f"{words}: {rollout.going_back}"
    )
    return Step(state, Kind.REFUSED, (Reason(ended.phase.value, rollout.going_back),), due_at=now)


def succeed(
    state: ModelState,
    rollout: Rollout,
    address: Address,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """The version rules; the former champion stays warm for a while."""
    former, warm, history = state.champion, state.warm, state.former
    if former is not None and former.subject != rollout.subject:
        until = now + policy.keep_warm
        warm = Warm(former.subject.deployment, until, former.version, former.environment)
        # A version that was taken back is no example: the anchor must not look at it.
        if former.version.number < rollout.version.number:
            history = (former.version, *history)
    others = [version for version in history if version.number != rollout.version.number]
    name = rollout.subject.deployment
    state = replace(
        state,
        rollout=replace(rollout, phase=Phase.SUCCEEDED, entered_at=now),
        champion=Champion(rollout.version, rollout.environment, since=now),
        former=tuple(others)[:FORMER_MAX],
        warm=warm,
        address=address,
    )
    reason = Reason("succeeded", f"{name} has all traffic, version {rollout.version.number} rules")
    return Step(state, Kind.ACTED, (reason,), due_at=now)


def _address(rollout: Rollout, endpoint: EndpointFacts) -> Address:
    return Address(endpoint.scoring_uri, rollout.version.number, rollout.subject.deployment)


def _write(
    state: ModelState,
    rollout: Rollout,
    endpoint: EndpointFacts,
    wished: dict[str, int],
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """Order the step's traffic; after it had read back once, somebody else changed it."""
    name, shares = rollout.subject.deployment, _words(endpoint.traffic)
    reason = Reason("shift", f"{name} is to get {wished[name]} %, traffic is {shares}")
    if rollout.soaking_since is not None:
        if policy.hand_changed == "adopt":
            rollout = replace(rollout, paused=True)
            reason = Reason(
                "hand_changed", f"somebody set the traffic to {shares}: left so, paused"
            )
            state = replace(state, rollout=rollout)
            return Step(state, Kind.HELD, (reason,), due_at=now + policy.poll)
        reason = Reason("hand_changed", f"somebody set the traffic to {shares}: set back")
        state = replace(state, rollout=replace(rollout, soaking_since=None))
    return Step(state, Kind.ACTED, (reason,), (SetTraffic(wished),), due_at=now + policy.poll)


def _judge(
    state: ModelState,
    rollout: Rollout,
    health: Mapping[str, Counts],
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    champion = state.champion.subject.deployment if state.champion else ""
    name = rollout.subject.deployment
    check = check_canary(health, name, champion, rollout.usual_ms, policy)
    numbers = {"check": check.outcome.value, "step": policy.steps[rollout.step]}
    step = _follow(state, rollout, check, health.get(champion, Counts()), endpoint, policy, now)
    facts: dict[str, Json] = {**numbers, "counts": _numbers(health)}
    return replace(step, facts=facts)


def _follow(
    state: ModelState,
    rollout: Rollout,
    check: Check,
    theirs: Counts,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """What follows from the check's outcome."""
    reason = Reason(check.code, check.text)
    assert rollout.soaking_since is not None, "the step soaks"
    soaked = now - policy.lag - rollout.soaking_since >= policy.soak
    wait = now + policy.poll
    if check.outcome is Outcome.FAILED:
        failed = replace(rollout, failed_checks=rollout.failed_checks + 1)
        if failed.failed_checks > policy.failed_checks_allowed:
            return turn_back(state, failed, reason, now)
        return Step(replace(state, rollout=failed), Kind.HELD, (reason,), due_at=wait)
    if rollout.paused:
        paused = Reason("paused", f"paused by an operator; {check.text}")
        return Step(state, Kind.HELD, (paused,), due_at=wait)
    if check.outcome is Outcome.HOLD and soaked:
        # Begun anew, since a window that only grows would speak of the illness long after its end.
        state = replace(state, rollout=replace(rollout, soaking_since=now))
    if check.outcome is Outcome.HOLD or not soaked:
        held = reason if check.outcome is Outcome.HOLD else Reason("soaking", check.text)
        return Step(state, Kind.HELD, (held,), due_at=wait)
    if check.outcome is Outcome.NO_DATA:
        return _top_up(state, rollout, reason, endpoint, policy, now)
    return _next_step(state, rollout, reason, theirs, endpoint, policy, now)


def _top_up(
    state: ModelState,
    rollout: Rollout,
    reason: Reason,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """Too few callers: ask with recorded rows, and in the end give up; never go on blindly."""
    assert rollout.soaking_since is not None, "the step soaks"
    if now - rollout.soaking_since > policy.soak + policy.no_data_max:
        text = f"nothing could be learned within {policy.no_data_max}: {reason.text}"
        return turn_back(state, rollout, Reason("no_data_for_long", text), now)
    requests = min(policy.requests_min, TOP_UP_REQUESTS)
    ask = TopUp(rollout.version.job, endpoint.scoring_uri, rollout.subject.deployment, requests)
    topped = Reason("topped_up", f"too few callers, recorded rows are sent; {reason.text}")
    return Step(state, Kind.HELD, (topped,), (ask,), due_at=now + policy.poll)


def _next_step(
    state: ModelState,
    rollout: Rollout,
    reason: Reason,
    theirs: Counts,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    if rollout.step + 1 >= len(policy.steps):
        step = succeed(state, rollout, _address(rollout, endpoint), policy, now)
        return replace(step, reasons=(reason, *step.reasons))
    usual = usual_latency(theirs, policy)
    following = replace(
        rollout,
        step=rollout.step + 1,
        soaking_since=None,
        failed_checks=0,
        usual_ms=rollout.usual_ms if usual is None else usual,
    )
    share = policy.steps[following.step]
    text = f"{policy.steps[rollout.step]} % passed, {share} % follows: {reason.text}"
    state = replace(state, rollout=following)
    return Step(state, Kind.ACTED, (Reason("step_passed", text),), due_at=now)


def _words(traffic: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {share} %" for name, share in sorted(live(traffic).items())) or "0 %"


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
