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
from shared.domain.canary import FULL, advance_canary, all_to, go_back, live, turn_back
from shared.domain.decision import Kind, Reason, Step
from shared.domain.deployments import busy, surplus
from shared.domain.facts import EndpointFacts, Facts, Probe, ProvisioningState
from shared.domain.policy import RolloutPolicy
from shared.domain.state import (
    ModelState,
    Phase,
    Rollout,
    Subject,
)

INVISIBLE = timedelta(seconds=60)
"""A deployment just ordered can answer 404 for most of a minute."""


def in_flight(state: ModelState) -> bool:
    """A rollout has begun and not ended."""
    return state.rollout is not None and not state.rollout.phase.ended


def wants_endpoint(state: ModelState, now: datetime) -> bool:
    """The endpoint is worth looking at: a rollout, or something to clear away."""
    return in_flight(state) or (state.warm is not None and state.warm.until <= now)


def health_since(state: ModelState) -> datetime | None:
    """From when the health window is to be read; None while no step soaks."""
    if not in_flight(state) or state.rollout is None or state.rollout.phase is not Phase.CANARY:
        return None
    return None if state.rollout.going_back else state.rollout.soaking_since


def smoke_subject(state: ModelState) -> Subject | None:
    """The deployment that waits for its smoke test."""
    rollout = state.rollout
    if rollout is None or rollout.phase is not Phase.SMOKE or rollout.going_back:
        return None
    return rollout.subject


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
    against = None if rollout.going_back else _against(state, rollout, policy, now)
    if against is not None:
        return turn_back(state, rollout, against, now)
    held = busy(endpoint) if endpoint else None
    if held is not None:
        return Step(state, Kind.HELD, (held,), due_at=now + policy.poll)
    if rollout.going_back:
        return go_back(state, rollout, endpoint, policy, now)
    if endpoint is None:
        return _no_endpoint(state, rollout, facts, policy, now)
    if rollout.phase is Phase.CANARY:
        return advance_canary(state, rollout, facts, endpoint, policy, now)
    if rollout.paused:
        text = f"paused by an operator in phase {rollout.phase.value}"
        return Step(state, Kind.HELD, (Reason("paused", text),), due_at=now + policy.poll)
    return _before_traffic(state, rollout, facts, endpoint, policy, now)


def _against(
    state: ModelState, rollout: Rollout, policy: RolloutPolicy, now: datetime
) -> Reason | None:
    """What ends a rollout whose deployment has no traffic yet."""
    if rollout.phase is Phase.CANARY:
        return None
    if state.order_refused:
        return Reason("order_refused", state.order_refused)
    if now - rollout.started_at > policy.provisioning_max and not rollout.paused:
        text = f"{rollout.subject.deployment} was not ready within {policy.provisioning_max}"
        return Reason("timed_out", text)
    return None


def _before_traffic(
    state: ModelState,
    rollout: Rollout,
    facts: Facts,
    endpoint: EndpointFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    match rollout.phase:
        case Phase.PENDING:
            return _pending(state, rollout, facts, endpoint, policy, now)
        case Phase.PROVISIONING:
            return _provisioning(state, rollout, endpoint, policy, now)
        case _:
            return _smoke(state, rollout, facts, policy, now)


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
        return turn_back(state, rollout, reason, now)
    champion = state.champion.subject.deployment if state.champion else ""
    if champion in endpoint.deployments and live(endpoint.traffic) != {champion: FULL}:
        # A canary that was superseded has a share still: it goes at zero, never with callers.
        clear = (SetTraffic(all_to(champion, endpoint)),)
        reason = Reason("clear_the_way", f"all traffic to {champion} before the next one comes")
        return Step(state, Kind.ACTED, (reason,), clear, due_at=now + policy.poll)
    in_the_way = surplus(state, rollout, endpoint)
    if in_the_way:
        # At most two deployments: whatever is in the way goes before a new one comes.
        reason = Reason("make_room", f"{in_the_way} makes room for {rollout.subject.deployment}")
        delete = (DeleteDeployment(in_the_way),)
        state = replace(state, warm=None)
        return Step(state, Kind.ACTED, (reason,), delete, due_at=now + policy.poll)
    registering = registration(state, rollout, facts, now)
    if registering is not None:
        return registering
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


def registration(state: ModelState, rollout: Rollout, facts: Facts, now: datetime) -> Step | None:
    """What is left to do until the version is registered under its number."""
    if facts.registered_job is None:
        text = f"version {rollout.version.number} comes from {rollout.version.job}"
        register = (_register(rollout),)
        return Step(state, Kind.ACTED, (Reason("register", text),), register, due_at=now)
    if facts.registered_job != rollout.version.job:
        return _next_number(state, rollout, facts, now)
    return None


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
        return turn_back(state, rollout, Reason("provisioning_failed", text), now)
    rollout = replace(rollout, phase=Phase.SMOKE, entered_at=now)
    text = f"{name} stands after {(now - rollout.started_at).total_seconds():.0f} s"
    state = replace(state, rollout=rollout)
    return Step(state, Kind.ACTED, (Reason("provisioned", text),), due_at=now)


def _smoke(
    state: ModelState,
    rollout: Rollout,
    facts: Facts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    smoke = facts.smoke
    if smoke is None or smoke.probe is Probe.NO_DATA:
        text = smoke.text if smoke else "not asked yet"
        reason = Reason("smoke_no_data", f"smoke test of {rollout.subject.deployment}: {text}")
        return Step(state, Kind.HELD, (reason,), due_at=now + policy.poll)
    if smoke.probe is Probe.FAILED:
        return turn_back(state, rollout, Reason("smoke_failed", smoke.text), now)
    rollout = replace(rollout, phase=Phase.CANARY, entered_at=now)
    reason = Reason("smoke_passed", smoke.text)
    return Step(replace(state, rollout=rollout), Kind.ACTED, (reason,), due_at=now)
