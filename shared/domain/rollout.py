"""How a promoted version gets the traffic, and how it is taken back.

pending → provisioning → smoke → canary → succeeded, or rolled_back from any of them. Each pass
compares the wish with the endpoint as it is and takes one step; an endpoint that is updating is
left alone, and nothing else is written until the traffic map reads back as it was written.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.actions import (
    CreateDeployment,
    CreateEndpoint,
    DeleteDeployment,
    RegisterModel,
    SetTraffic,
)
from shared.domain.canary import advance_canary, go_back
from shared.domain.decision import Reason, Step
from shared.domain.deployments import FULL, all_to, busy, live, surplus
from shared.domain.facts import Probe, ProvisioningState
from shared.domain.moment import Moment
from shared.domain.state import ModelState, Phase, Rollout, Subject

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
    rollout = state.rollout
    if rollout is None or rollout.phase is not Phase.CANARY or rollout.going_back:
        return None
    return rollout.soaking_since


def smoke_subject(state: ModelState) -> Subject | None:
    """The deployment that waits for its smoke test."""
    rollout = state.rollout
    if rollout is None or rollout.phase is not Phase.SMOKE or rollout.going_back:
        return None
    return rollout.subject


def advance(at: Moment) -> Step:
    """One step of the rollout in flight."""
    about = (f"version:{at.rollout.version.number}", f"deployment:{at.canary}")
    return replace(_step(at), about=about)


def _step(at: Moment) -> Step:
    against = None if at.rollout.going_back else _against(at)
    if against is not None:
        return at.turn_back(against.code, against.text)
    updating = busy(at.facts.endpoint)
    if updating is not None:
        return at.hold(updating.code, updating.text)
    if at.rollout.going_back:
        return go_back(at)
    if at.facts.endpoint is None:
        return _no_endpoint(at)
    if at.rollout.phase is Phase.CANARY:
        return advance_canary(at)
    if at.rollout.paused:
        return at.paused(f" in phase {at.rollout.phase.value}")
    match at.rollout.phase:
        case Phase.PENDING:
            return _pending(at)
        case Phase.PROVISIONING:
            return _provisioning(at)
        case _:
            return _smoke(at)


def _against(at: Moment) -> Reason | None:
    """What ends a rollout whose deployment has no traffic yet."""
    if at.rollout.phase is Phase.CANARY:
        return None
    if at.state.order_refused:
        return Reason("order_refused", at.state.order_refused)
    longest = at.policy.provisioning_max
    if at.now - at.rollout.started_at > longest and not at.rollout.paused:
        return Reason("timed_out", f"{at.canary} was not ready within {longest}")
    return None


def _no_endpoint(at: Moment) -> Step:
    """The first rollout of a model makes the endpoint; the model is registered meanwhile."""
    orders: tuple[CreateEndpoint | RegisterModel, ...] = (CreateEndpoint(),)
    if at.facts.registered_job is None:
        orders = (*orders, _register(at.rollout))
    if at.rollout.phase is not Phase.PENDING:
        at = at.entering(Phase.PENDING)
    return at.order("no_endpoint", "the model has no endpoint yet", *orders)


def _pending(at: Moment) -> Step:
    """Make room, register, then order the deployment."""
    endpoint = at.endpoint
    if endpoint.state is ProvisioningState.FAILED:
        return at.turn_back("endpoint_failed", f"endpoint {endpoint.name} could not be created")
    if at.stable in endpoint.deployments and live(endpoint.traffic) != {at.stable: FULL}:
        # A canary that was superseded has a share still: it goes at zero, never with callers.
        text = f"all traffic to {at.stable} before the next one comes"
        return at.order("clear_the_way", text, SetTraffic(all_to(at.stable, endpoint)))
    in_the_way = surplus(at)
    if in_the_way:
        # At most two deployments: whatever is in the way goes before a new one comes.
        text = f"{in_the_way} makes room for {at.canary}"
        at = replace(at, state=replace(at.state, warm=None))
        return at.order("make_room", text, DeleteDeployment(in_the_way))
    registering = registration(at)
    if registering is not None:
        return registering
    text = f"{at.canary} is ordered, at 0 % traffic"
    return at.entering(Phase.PROVISIONING).order("provision", text, _create(at))


def registration(at: Moment) -> Step | None:
    """What is left to do until the version is registered under its number."""
    version = at.rollout.version
    if at.facts.registered_job is None:
        text = f"version {version.number} comes from {version.job}"
        return at.go_on("register", text, _register(at.rollout))
    if at.facts.registered_job != version.job:
        return _next_number(at)
    return None


def _next_number(at: Moment) -> Step:
    """Somebody registered a model by hand under the number that was given out."""
    number, taken = at.state.last_version + 1, at.rollout.version
    rollout = replace(at.rollout, version=replace(taken, number=number))
    at = replace(at, state=replace(at.state, rollout=rollout, last_version=number))
    text = f"version {taken.number} is {at.facts.registered_job}'s; this one becomes {number}"
    return at.go_on("number_taken", text)


def _register(rollout: Rollout) -> RegisterModel:
    score = rollout.version.score
    tags = {
        "noon_job": rollout.version.job,
        "noon_metric": f"{score.metric}={score.value:.6f}",
        "noon_compared_with": score.compared_with,
    }
    return RegisterModel(rollout.version, tags)


def _create(at: Moment) -> CreateDeployment:
    return CreateDeployment(at.rollout.subject, at.policy.instance_type, at.policy.instance_count)


def _provisioning(at: Moment) -> Step:
    """Wait until the deployment stands; what never came is ordered again."""
    deployment = at.endpoint.deployments.get(at.canary)
    if deployment is None:
        if at.now - at.rollout.entered_at < INVISIBLE:
            return at.hold("not_there_yet", f"{at.canary} was ordered and does not show yet")
        text = f"{at.canary} was ordered and never came"
        return at.entering(Phase.PROVISIONING).order("order_again", text, _create(at))
    if deployment.state is ProvisioningState.FAILED:
        why = deployment.message or "no reason was given"
        return at.turn_back("provisioning_failed", f"{at.canary} failed to provision: {why}")
    seconds = (at.now - at.rollout.started_at).total_seconds()
    return at.entering(Phase.SMOKE).go_on(
        "provisioned", f"{at.canary} stands after {seconds:.0f} s"
    )


def _smoke(at: Moment) -> Step:
    """Judge the answers to recorded rows, sent by header: nobody else has seen it yet."""
    smoke = at.facts.smoke
    if smoke is None or smoke.probe is Probe.NO_DATA:
        text = smoke.text if smoke else "not asked yet"
        return at.hold("smoke_no_data", f"smoke test of {at.canary}: {text}")
    if smoke.probe is Probe.FAILED:
        return at.turn_back("smoke_failed", smoke.text)
    at = at.entering(Phase.CANARY)
    at = at.having(replace(at.rollout, steps=at.policy.steps))
    return at.go_on("smoke_passed", smoke.text)
