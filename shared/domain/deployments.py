"""What is done to deployments beside a rollout: make room, retire, and notice a new image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.domain.actions import DeleteDeployment, SetTraffic
from shared.domain.decision import Reason, Step
from shared.domain.facts import EndpointFacts, ProvisioningState
from shared.domain.moment import Moment
from shared.domain.state import Phase, Rollout

FULL = 100
"""All traffic, in per cent."""


def all_to(name: str, endpoint: EndpointFacts) -> dict[str, int]:
    """The full map that gives one deployment everything."""
    return {**dict.fromkeys(endpoint.deployments, 0), name: FULL}


def live(traffic: Mapping[str, int]) -> dict[str, int]:
    """The shares that are not zero."""
    return {name: share for name, share in traffic.items() if share}


def in_words(traffic: Mapping[str, int]) -> str:
    """The shares that are not zero, for people."""
    return ", ".join(f"{name} {share} %" for name, share in sorted(live(traffic).items())) or "0 %"


def busy(endpoint: EndpointFacts | None) -> Reason | None:
    """Not an error: the service takes no write until its operation has ended."""
    if endpoint is None or endpoint.accepts_writes:
        return None
    busy = [
        name
        for name, deployment in sorted(endpoint.deployments.items())
        if deployment.state is ProvisioningState.UPDATING
    ]
    return Reason("updating", f"{', '.join(busy) or 'endpoint ' + endpoint.name} is being updated")


def surplus(at: Moment) -> str | None:
    """A deployment that is neither the champion's nor the new one and has no traffic."""
    names = sorted(set(at.endpoint.deployments) - {at.canary, at.stable})
    return next((name for name in names if not at.endpoint.traffic.get(name)), None)


def begin_for_new_image(at: Moment) -> Step | None:
    """The champion under a newer serving image is a rollout like any other."""
    champion, release = at.state.champion, at.facts.release
    tried = [each.environment for each in (champion, at.state.rollout) if each is not None]
    if champion is None or release is None or release.environment <= max(tried):
        return None
    rollout = Rollout(champion.version, release.environment, Phase.PENDING, at.now, at.now)
    text = f"serving environment {release.environment} is new, champion has {champion.environment}"
    at = at.having(rollout)
    return replace(at.go_on("new_image", text), about=(f"deployment:{at.canary}",))


def retire(at: Moment) -> Step:
    """Delete the former champion's deployment when its warm time is over."""
    assert at.state.warm is not None, "something is kept warm"
    name, endpoint = at.state.warm.deployment, at.facts.endpoint
    if endpoint is None or name not in endpoint.deployments:
        at = replace(at, state=replace(at.state, warm=None))
        return at.go_on("retired", f"{name} is gone")
    updating = busy(endpoint)
    if updating is not None:
        return at.hold(updating.code, updating.text)
    if endpoint.traffic.get(name):
        # The service deletes nothing that has callers: somebody gave it a share by hand.
        changed = watch_traffic(at)
        if changed is not None and changed.actions:
            return replace(changed, due_at=at.now + at.policy.poll)
        if changed is not None:
            # Adopted: whoever gave it callers decides how long it stays.
            return replace(changed, state=replace(changed.state, warm=None))
    step = at.order("retire", f"the warm time of {name} is over", DeleteDeployment(name))
    return replace(step, about=(f"deployment:{name}",))


def watch_traffic(at: Moment) -> Step | None:
    """Notice that somebody took traffic from the champion while nothing rolls out."""
    endpoint = at.facts.endpoint
    if endpoint is None or at.stable not in endpoint.deployments or busy(endpoint):
        return None
    if live(endpoint.traffic) == {at.stable: FULL}:
        return None
    seen = f"somebody set the traffic to {in_words(endpoint.traffic)}"
    if at.policy.hand_changed == "adopt":
        return replace(at.hold("hand_changed", f"{seen}: left so"), due_at=None)
    order = SetTraffic(all_to(at.stable, endpoint))
    return at.order("hand_changed", f"{seen}: set back to {at.stable}", order)


def clear_away(at: Moment) -> Step | None:
    """Delete what neither rules nor is kept warm and has no callers.

    Such as a first version that was given callers and superseded before it ruled.
    """
    endpoint, warm = at.facts.endpoint, at.state.warm
    if endpoint is None or not at.stable or busy(endpoint):
        return None
    known = {at.stable, warm.deployment if warm else "", *live(endpoint.traffic)}
    loose = min(set(endpoint.deployments) - known, default=None)
    if loose is None:
        return None
    text = f"{loose} serves nobody and nothing refers to it"
    step = at.order("clear_away", text, DeleteDeployment(loose))
    return replace(step, about=(f"deployment:{loose}",))
