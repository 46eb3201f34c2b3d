"""What is done to deployments beside a rollout: make room, retire, and notice a new image."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.actions import DeleteDeployment, SetTraffic
from shared.domain.canary import FULL, all_to, live
from shared.domain.decision import Kind, Reason, Step
from shared.domain.facts import EndpointFacts, Facts, ProvisioningState, Release
from shared.domain.policy import RolloutPolicy
from shared.domain.state import ModelState, Phase, Rollout


def begin_for_new_image(state: ModelState, release: Release | None, now: datetime) -> Step | None:
    """The champion under a newer serving image is a rollout like any other."""
    champion = state.champion
    if (
        champion is None
        or release is None
        or (state.rollout is not None and not state.rollout.phase.ended)
    ):
        return None
    tried = state.rollout.environment if state.rollout else 0
    if release.environment <= max(champion.environment, tried):
        return None
    rollout = Rollout(champion.version, release.environment, Phase.PENDING, now, now)
    text = f"serving environment {release.environment} is new, champion has {champion.environment}"
    return Step(
        replace(state, rollout=rollout),
        Kind.ACTED,
        (Reason("new_image", text),),
        about=(f"deployment:{rollout.subject.deployment}",),
        due_at=now,
    )


def retire(state: ModelState, facts: Facts, policy: RolloutPolicy, now: datetime) -> Step:
    """Delete the former champion's deployment when its warm time is over."""
    warm, endpoint = state.warm, facts.endpoint
    assert warm is not None, "something is kept warm"
    name = warm.deployment
    if endpoint is None or name not in endpoint.deployments:
        text = f"{name} is gone"
        return Step(replace(state, warm=None), Kind.ACTED, (Reason("retired", text),), due_at=now)
    reason = busy(endpoint)
    if reason is not None:
        return Step(state, Kind.HELD, (reason,), due_at=now + policy.poll)
    if endpoint.traffic.get(name):
        # The service deletes nothing that has callers: somebody gave it a share by hand.
        changed = watch_traffic(state, facts, policy, now)
        if changed is not None:
            return replace(changed, due_at=now + policy.poll)
    reason = Reason("retire", f"the warm time of {name} is over")
    due = now + policy.poll
    return Step(
        state, Kind.ACTED, (reason,), (DeleteDeployment(name),), (f"deployment:{name}",), due_at=due
    )


def watch_traffic(
    state: ModelState, facts: Facts, policy: RolloutPolicy, now: datetime
) -> Step | None:
    """Notice that somebody took traffic from the champion while nothing rolls out."""
    if state.champion is None or facts.endpoint is None:
        return None
    endpoint, name = facts.endpoint, state.champion.subject.deployment
    shares = live(endpoint.traffic)
    if shares == {name: FULL} or name not in endpoint.deployments or busy(endpoint):
        return None
    if policy.hand_changed == "adopt":
        reason = Reason("hand_changed", f"somebody set the traffic to {shares}: left so")
        return Step(state, Kind.HELD, (reason,))
    reason = Reason("hand_changed", f"somebody set the traffic to {shares}: set back to {name}")
    order = (SetTraffic(all_to(name, endpoint)),)
    return Step(state, Kind.ACTED, (reason,), order, due_at=now + policy.poll)


def clear_away(
    state: ModelState, facts: Facts, policy: RolloutPolicy, now: datetime
) -> Step | None:
    """Delete what neither rules nor is kept warm and has no callers.

    Such as a first version that was given callers and superseded before it ruled.
    """
    if state.champion is None or facts.endpoint is None or busy(facts.endpoint):
        return None
    known = {state.champion.subject.deployment, state.warm.deployment if state.warm else ""}
    loose = sorted(set(facts.endpoint.deployments) - known - set(live(facts.endpoint.traffic)))
    if not loose:
        return None
    reason = Reason("clear_away", f"{loose[0]} serves nobody and nothing refers to it")
    order, about = (DeleteDeployment(loose[0]),), (f"deployment:{loose[0]}",)
    return Step(state, Kind.ACTED, (reason,), order, about, due_at=now + policy.poll)


def busy(endpoint: EndpointFacts) -> Reason | None:
    """Not an error: the service takes no write until its operation has ended."""
    if endpoint.accepts_writes:
        return None
    busy = [
        name
        for name, deployment in sorted(endpoint.deployments.items())
        if deployment.state is ProvisioningState.UPDATING
    ]
    return Reason("updating", f"{', '.join(busy) or 'endpoint ' + endpoint.name} is being updated")


def surplus(state: ModelState, rollout: Rollout, endpoint: EndpointFacts) -> str | None:
    """A deployment that is neither the champion's nor the new one and has no traffic."""
    keep = {rollout.subject.deployment}
    if state.champion is not None:
        keep.add(state.champion.subject.deployment)
    names = sorted(set(endpoint.deployments) - keep)
    return next((name for name in names if not endpoint.traffic.get(name)), None)
