"""Who is to get callers, by what is saved."""

from __future__ import annotations

from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Phase, Rollout

FULL = 100


def step_of(rollout: Rollout, spec: ModelSpec) -> int | None:
    """Index of the canary step; None where there is none: a container is switched at once."""
    stepwise = spec.serving == "managed_endpoint" and not rollout.instant
    if rollout.phase is not Phase.CANARY or not stepwise:
        return None
    return min(rollout.step, len(steps_of(rollout, spec)) - 1)


def steps_of(rollout: Rollout, spec: ModelSpec) -> tuple[int, ...]:
    """The shares of its steps: those that it began with, else those of the policy."""
    if spec.serving != "managed_endpoint" or rollout.instant:
        return ()
    return rollout.steps or spec.rollout.steps


def wished_shares(state: ModelState, spec: ModelSpec) -> dict[str, int]:
    """The shares by deployment that are wished; what answers callers may lag behind."""
    rollout = state.rollout
    champion = state.champion.deployment if state.champion else ""
    alone = {champion: FULL} if champion else {}
    if rollout is None or rollout.phase is not Phase.CANARY or rollout.going_back:
        return alone
    step, name = step_of(rollout, spec), rollout.deployment
    share = FULL if step is None or not champion else steps_of(rollout, spec)[step]
    shares = {champion: FULL - share, name: share} if champion != name else {name: FULL}
    return {deployment: percent for deployment, percent in shares.items() if percent}
