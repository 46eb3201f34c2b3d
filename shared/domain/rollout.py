"""How a promoted version gets the traffic, and how it is taken back.

pending → provisioning → smoke → canary → succeeded, or rolled_back from any of them. Each pass
compares the wish with the endpoint as it is and takes one step; an endpoint that is updating is
left alone, and nothing else is written until the traffic map reads back as it was written.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.actions import (
    Action,
    CreateDeployment,
    CreateEndpoint,
    DeleteDeployment,
    RegisterModel,
    SetTraffic,
)
from shared.domain.decision import Kind, Reason, Step
from shared.domain.deployments import busy, surplus
from shared.domain.facts import EndpointFacts, Facts, Probe, ProvisioningState
from shared.domain.policy import RolloutPolicy
from shared.domain.state import (
    Address,
    Champion,
    ModelState,
    Phase,
    Rollout,
    Subject,
    Warm,
)

FORMER_MAX = 20
"""Former champions that are remembered; the anchor looks at fewer."""

FULL = 100
"""All traffic, in per cent."""

INVISIBLE = timedelta(seconds=60)
"""A deployment just ordered can answer 404 for most of a minute."""


def in_flight(state: ModelState) -> bool:
    """A rollout has begun and not ended."""
    return state.rollout is not None and not state.rollout.phase.ended


def wants_endpoint(state: ModelState, now: datetime) -> bool:
    """The endpoint is worth looking at: a rollout, or something to clear away."""
    return in_flight(state) or (state.warm is not None and state.warm.until <= now)


def smoke_subject(state: ModelState) -> Subject | None:
    """The deployment that waits for its smoke test."""
    if state.rollout is None or state.rollout.phase is not Phase.SMOKE:
        return None
    return state.rollout.subject


def advance(state: ModelState, facts: Facts, policy: RolloutPolicy, now: datetime) -> Step:
    """One step of the rollout in flight."""
    rollout = state.rollout
    assert rollout is not None, "a rollout is in flight"
    step = _phase(state, rollout, facts, policy, now)
    about = (f"version:{rollout.version.number}", f"deployment:{rollout.subject.deployment}")
    return replace(step, about=about)


def _phase(
    state: ModelState, rollout: Rollout, facts: Facts, policy: RolloutPolicy, now: datetime
) -> Step:
    endpoint = facts.endpoint
    if now - rollout.started_at > policy.provisioning_max and rollout.phase is not Phase.CANARY:
        text = f"{rollout.subject.deployment} was not ready within {policy.provisioning_max}"
        return _roll_back(state, rollout, endpoint, Reason("timed_out", text), now)
    if endpoint is None:
        return _no_endpoint(state, rollout, facts, policy, now)
    reason = busy(endpoint)
    if reason is not None:
        return Step(state, Kind.HELD, (reason,), due_at=now + policy.poll)
    match rollout.phase:
        case Phase.PENDING:
            return _pending(state, rollout, facts, endpoint, policy, now)
        case Phase.PROVISIONING:
            return _provisioning(state, rollout, endpoint, policy, now)
        case Phase.SMOKE:
            return _smoke(state, rollout, facts, endpoint, policy, now)
        case _:
            return _shift(state, rollout, endpoint, policy, now)


def _no_endpoint(
    state: ModelState, rollout: Rollout, facts: Facts, policy: RolloutPolicy, now: datetime
) -> Step:
    """The first rollout of a model makes the endpoint; the model is registered meanwhile."""
    actions: list[Action] = [CreateEndpoint()]
    if facts.registered_job is None:
        actions.append(_register(rollout))
    if rollout.phase is not Phase.PENDING:
        rollout = replace(rollout, phase=Phase.PENDING, entered_at=now)
    reason = Reason("no_endpoint", "the model has no endpoint yet")
    return Step(
        replace(state, rollout=rollout),
        Kind.ACTED,
        (reason,),
        tuple(actions),
        due_at=now + policy.poll,
    )


def _register(rollout: Rollout) -> RegisterModel:
    score = rollout.version.score
    tags = {
        "noon_job": rollout.version.job,
        "noon_metric": f"{score.metric}={score.value:.6f}",
        "noon_compared_with": score.compared_with,
    }
    return RegisterModel(rollout.version, tags)


def _pending(
    state: ModelState,
    rollout: Rollout,
    facts: Facts,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """Make room, register, then order the deployment."""
    if endpoint.state is ProvisioningState.FAILED:
        reason = Reason("endpoint_failed", f"endpoint {endpoint.name} could not be created")
        return _roll_back(state, rollout, endpoint, reason, now)
    in_the_way = surplus(state, rollout, endpoint)
    if in_the_way:
        # At most two deployments: whatever is in the way goes before a new one comes.
        reason = Reason("make_room", f"{in_the_way} makes room for {rollout.subject.deployment}")
        delete = (DeleteDeployment(in_the_way),)
        state = replace(state, warm=None)
        return Step(state, Kind.ACTED, (reason,), delete, due_at=now + policy.poll)
    if facts.registered_job not in (None, rollout.version.job):
        return _next_number(state, rollout, facts, now)
    if facts.registered_job is None:
        text = f"version {rollout.version.number} comes from {rollout.version.job}"
        register = (_register(rollout),)
        return Step(state, Kind.ACTED, (Reason("register", text),), register, due_at=now)
    rollout = replace(rollout, phase=Phase.PROVISIONING, entered_at=now)
    text = f"{rollout.subject.deployment} is ordered, at 0 % traffic"
    order = CreateDeployment(rollout.subject, policy.instance_type, policy.instance_count)
    return Step(
        replace(state, rollout=rollout),
        Kind.ACTED,
        (Reason("provision", text),),
        (order,),
        due_at=now + policy.poll,
    )


def _next_number(state: ModelState, rollout: Rollout, facts: Facts, now: datetime) -> Step:
    """Somebody registered a model by hand under the number that was given out."""
    number = state.last_version + 1
    taken = rollout.version.number
    rollout = replace(rollout, version=replace(rollout.version, number=number))
    text = f"version {taken} is {facts.registered_job}'s; this one becomes {number}"
    state = replace(state, rollout=rollout, last_version=number)
    return Step(state, Kind.ACTED, (Reason("number_taken", text),), due_at=now)


def _provisioning(
    state: ModelState,
    rollout: Rollout,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    name = rollout.subject.deployment
    deployment = endpoint.deployments.get(name)
    if deployment is None:
        if now - rollout.entered_at < INVISIBLE:
            reason = Reason("not_there_yet", f"{name} was ordered and does not show yet")
            return Step(state, Kind.HELD, (reason,), due_at=now + policy.poll)
        rollout = replace(rollout, entered_at=now)
        state = replace(state, rollout=rollout)
        order = CreateDeployment(rollout.subject, policy.instance_type, policy.instance_count)
        reason = Reason("order_again", f"{name} was ordered and never came")
        return Step(state, Kind.ACTED, (reason,), (order,), due_at=now + policy.poll)
    if deployment.state is ProvisioningState.FAILED:
        text = f"{name} failed to provision: {deployment.message or 'no reason was given'}"
        return _roll_back(state, rollout, endpoint, Reason("provisioning_failed", text), now)
    rollout = replace(rollout, phase=Phase.SMOKE, entered_at=now)
    text = f"{name} stands after {(now - rollout.started_at).total_seconds():.0f} s"
    state = replace(state, rollout=rollout)
    return Step(state, Kind.ACTED, (Reason("provisioned", text),), due_at=now)


def _smoke(
    state: ModelState,
    rollout: Rollout,
    facts: Facts,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    smoke = facts.smoke
    if smoke is None or smoke.probe is Probe.NO_DATA:
        text = smoke.text if smoke else "not asked yet"
        reason = Reason("smoke_no_data", f"smoke test of {rollout.subject.deployment}: {text}")
        return Step(state, Kind.HELD, (reason,), due_at=now + policy.poll)
    if smoke.probe is Probe.FAILED:
        return _roll_back(state, rollout, endpoint, Reason("smoke_failed", smoke.text), now)
    rollout = replace(rollout, phase=Phase.CANARY, entered_at=now)
    reason = Reason("smoke_passed", smoke.text)
    return Step(replace(state, rollout=rollout), Kind.ACTED, (reason,), due_at=now)


def _shift(
    state: ModelState,
    rollout: Rollout,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """Write the full map and believe it only when it reads back."""
    name = rollout.subject.deployment
    if name not in endpoint.deployments:
        reason = Reason("deployment_gone", f"{name} is gone")
        return _roll_back(state, rollout, endpoint, reason, now)
    wished = _all_to(name, endpoint)
    if {key: share for key, share in endpoint.traffic.items() if share} != {name: FULL}:
        reason = Reason("shift", f"{name} gets all traffic")
        due = now + policy.poll
        return Step(state, Kind.ACTED, (reason,), (SetTraffic(wished),), due_at=due)
    return _succeed(state, rollout, endpoint, policy, now)


def _succeed(
    state: ModelState,
    rollout: Rollout,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    former = state.champion
    warm = state.warm
    history = state.former
    if former is not None and former.subject != rollout.subject:
        warm = Warm(former.subject.deployment, now + policy.keep_warm)
        if former.version.number != rollout.version.number:
            history = (former.version, *history)[:FORMER_MAX]
    name = rollout.subject.deployment
    state = replace(
        state,
        rollout=replace(rollout, phase=Phase.SUCCEEDED, entered_at=now),
        champion=Champion(rollout.version, rollout.environment, since=now),
        former=history,
        warm=warm,
        address=Address(endpoint.scoring_uri, rollout.version.number, name),
    )
    reason = Reason("succeeded", f"{name} has all traffic, version {rollout.version.number} rules")
    return Step(state, Kind.ACTED, (reason,), due_at=now)


def _roll_back(
    state: ModelState,
    rollout: Rollout,
    endpoint: EndpointFacts | None,
    reason: Reason,
    now: datetime,
) -> Step:
    """Give the deployment up: the champion keeps or gets back all traffic."""
    name = rollout.subject.deployment
    rollout = replace(rollout, phase=Phase.ROLLED_BACK, entered_at=now, reason=reason.text)
    state = replace(state, rollout=rollout, last_refusal=f"rolled back: {reason.text}")
    if endpoint is None:
        return Step(state, Kind.REFUSED, (reason,), due_at=now)
    actions: tuple[Action, ...] = ()
    champion = state.champion.subject.deployment if state.champion else ""
    if champion in endpoint.deployments and endpoint.traffic.get(champion) != FULL:
        actions = (SetTraffic(_all_to(champion, endpoint)),)
    if name in endpoint.deployments and name != champion:
        # Deleted as a warm one is, on a pass in which the endpoint takes the order.
        state = replace(state, warm=Warm(name, now))
    return Step(state, Kind.REFUSED, (reason,), actions, due_at=now)


def _all_to(name: str, endpoint: EndpointFacts) -> dict[str, int]:
    """The full map: a deployment that is left out would lose its traffic unsaid."""
    return {**dict.fromkeys(endpoint.deployments, 0), name: FULL}
