"""How a rollout ends: the version rules, or it was given up."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.decision import Kind, Reason, Step
from shared.domain.moment import Moment
from shared.domain.state import Address, Champion, Phase, Warm

FORMER_MAX = 20
"""Former champions that are remembered; the anchor looks at fewer."""


def succeed(at: Moment, address: Address) -> Step:
    """The version rules; the former champion stays warm for a while."""
    state, version = at.state, at.rollout.version
    former, warm, history = state.champion, state.warm, state.former
    if former is not None and former.subject != at.rollout.subject:
        until = at.now + at.policy.keep_warm
        warm = Warm(former.deployment, until, former.version, former.environment)
        # A version that was taken back is no example: the anchor must not look at it.
        if former.version.number < version.number:
            history = (former.version, *history)
    others = [each for each in history if each.number != version.number]
    state = replace(
        at.entering(Phase.SUCCEEDED).state,
        champion=Champion(version, at.rollout.environment, since=at.now),
        former=tuple(others)[:FORMER_MAX],
        warm=warm,
        address=address,
        champion_seen=None,
    )
    reason = Reason("succeeded", f"{at.canary} has all traffic, version {version.number} rules")
    return Step(state, Kind.ACTED, (reason,), due_at=at.now)


def given_up(at: Moment) -> Step:
    """The end of a rollout that went back."""
    ending, why = at.rollout.ending, at.rollout.going_back
    ended = replace(at.entering(ending).rollout, reason=why)
    words = ending.value.replace("_", " ")
    state = replace(at.state, rollout=ended, last_refusal=f"{words}: {why}")
    return Step(state, Kind.REFUSED, (Reason(ending.value, why),), due_at=at.now)
