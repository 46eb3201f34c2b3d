"""How a promoted version gets the traffic of a scoring container: smoke, then switch.

The phases are those of every rollout. The version's folder and `challenger.json` are published
(pending), the container loads it beside the champion (provisioning) and answers recorded rows
with it by header (smoke); then `champion.json` names it (canary) until the container says that
it answers with it. The way back is the former `champion.json`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.domain.actions import Action, PublishVersion, WithdrawVersion
from shared.domain.canary import given_up, succeed, turn_back
from shared.domain.decision import Kind, Reason, Step
from shared.domain.facts import ContainerFacts, ContainerSays, Facts, Probe, Published
from shared.domain.policy import RolloutPolicy
from shared.domain.rollout import registration
from shared.domain.state import Address, Champion, ModelState, Phase, Rollout, Version


def advance(state: ModelState, facts: Facts, policy: RolloutPolicy, now: datetime) -> Step:
    """One step of the rollout in flight."""
    rollout, seen = state.rollout, facts.container
    assert rollout is not None, "a rollout is in flight"
    assert seen is not None, "what is published was looked at"
    if seen.says is not None:
        # The image is the container's own affair: it says which one it runs, also in mid-rollout.
        rollout = replace(rollout, environment=seen.says.environment)
        state = replace(state, rollout=rollout)
    step = _phase(state, rollout, facts, seen, policy, now)
    about = (f"version:{rollout.version.number}", f"deployment:{rollout.subject.deployment}")
    return replace(step, about=about)


def _phase(
    state: ModelState,
    rollout: Rollout,
    facts: Facts,
    seen: ContainerFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    if rollout.going_back:
        return _go_back(state, rollout, seen, policy, now)
    against = _against(state, rollout, seen, policy, now)
    if against is not None:
        return turn_back(state, rollout, against, now)
    if rollout.paused:
        text = f"paused by an operator in phase {rollout.phase.value}"
        return _held(state, Reason("paused", text), policy, now)
    match rollout.phase:
        case Phase.PENDING:
            return _pending(state, rollout, facts, seen, policy, now)
        case Phase.PROVISIONING:
            return _provisioning(state, rollout, seen, policy, now)
        case Phase.SMOKE:
            return _smoke(state, rollout, facts, policy, now)
        case _:
            return _switch(state, rollout, seen, policy, now)


def _against(
    state: ModelState, rollout: Rollout, seen: ContainerFacts, policy: RolloutPolicy, now: datetime
) -> Reason | None:
    """What ends a rollout in any phase."""
    name = rollout.subject.deployment
    if state.order_refused:
        return Reason("order_refused", state.order_refused)
    refused = _refused(rollout.version, seen)
    if refused:
        return Reason("load_failed", f"the container cannot serve {name}: {refused}")
    # The switch has its own time: a container that never says so may not even have switched.
    since = rollout.entered_at if rollout.phase is Phase.CANARY else rollout.started_at
    if now - since > policy.provisioning_max and not rollout.paused:
        text = f"the container did not come to serve {name} within {policy.provisioning_max}"
        return Reason("timed_out", f"{text}: {_saying(seen)}")
    return None


def _refused(version: Version, seen: ContainerFacts) -> str:
    """Why the container cannot serve what is published of the version; empty if it can."""
    refused = seen.says.refused if seen.says else {}
    ours = [each.digest for each in (seen.challenger, seen.champion) if each and _is(each, version)]
    return next((refused[digest] for digest in ours if digest in refused), "")


def _pending(
    state: ModelState,
    rollout: Rollout,
    facts: Facts,
    seen: ContainerFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """Register, then publish as challenger."""
    if state.champion is not None and _astray(state.champion, seen):
        # A version that was superseded in mid-switch: callers go back to the champion first.
        text = f"champion.json is to name version {state.champion.version.number} again"
        order = (_publish(state.champion.version),)
        return _acted(state, Reason("clear_the_way", text), order, policy, now)
    registering = registration(state, rollout, facts, now)
    if registering is not None:
        return registering
    rollout = replace(rollout, phase=Phase.PROVISIONING, entered_at=now)
    text = f"version {rollout.version.number} is published as challenger, without callers"
    state = replace(state, rollout=rollout)
    return _acted(state, Reason("provision", text), (_challenge(rollout.version),), policy, now)


def _provisioning(
    state: ModelState,
    rollout: Rollout,
    seen: ContainerFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """Wait until the container has loaded the challenger beside the champion."""
    number = rollout.version.number
    if not _is(seen.challenger, rollout.version):
        text = f"version {number} is not what challenger.json names: published again"
        return _acted(
            state, Reason("order_again", text), (_challenge(rollout.version),), policy, now
        )
    if seen.says is None:
        return _held(state, Reason("container_silent", _saying(seen)), policy, now)
    if seen.says.challenger != seen.challenger:
        text = f"version {number} is not loaded yet: {_saying(seen)}"
        return _held(state, Reason("loading", text), policy, now)
    rollout = replace(rollout, phase=Phase.SMOKE, entered_at=now)
    text = f"loaded after {(now - rollout.started_at).total_seconds():.0f} s: {_saying(seen)}"
    state = replace(state, rollout=rollout)
    return Step(state, Kind.ACTED, (Reason("provisioned", text),), due_at=now)


def _smoke(
    state: ModelState, rollout: Rollout, facts: Facts, policy: RolloutPolicy, now: datetime
) -> Step:
    """Judge the answers to recorded rows; when they are good, order the switch."""
    smoke = facts.smoke
    if smoke is None or smoke.probe is Probe.NO_DATA:
        text = smoke.text if smoke else "not asked yet"
        reason = Reason("smoke_no_data", f"smoke test of {rollout.subject.deployment}: {text}")
        return _held(state, reason, policy, now)
    if smoke.probe is Probe.FAILED:
        return turn_back(state, rollout, Reason("smoke_failed", smoke.text), now)
    rollout = replace(rollout, phase=Phase.CANARY, entered_at=now)
    state = replace(state, rollout=rollout)
    text = f"{smoke.text}; champion.json is to name version {rollout.version.number}"
    return _acted(state, Reason("smoke_passed", text), (_publish(rollout.version),), policy, now)


def _switch(
    state: ModelState,
    rollout: Rollout,
    seen: ContainerFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """The version rules once the container says that it answers with it."""
    number, says = rollout.version.number, seen.says
    if not _is(seen.champion, rollout.version):
        reason = Reason("switch", f"champion.json is to name version {number}")
        return _acted(state, reason, (_publish(rollout.version),), policy, now)
    if says is None or says.champion != seen.champion:
        text = f"champion.json names version {number}: {_saying(seen)}"
        return _held(state, Reason("switching", text), policy, now)
    address = _address(seen, rollout.version, rollout.subject.deployment)
    step = succeed(state, rollout, address, policy, now)
    leftover: tuple[Action, ...] = (WithdrawVersion("challenger"),) if seen.challenger else ()
    return replace(step, actions=leftover)


def _go_back(
    state: ModelState,
    rollout: Rollout,
    seen: ContainerFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    """Name the champion again and withdraw the challenger; end when that reads back."""
    orders: list[Action] = []
    if state.champion is not None and _astray(state.champion, seen):
        orders.append(_publish(state.champion.version))
    if state.champion is None and _is(seen.champion, rollout.version):
        orders.append(WithdrawVersion("champion"))
    if seen.challenger is not None:
        orders.append(WithdrawVersion("challenger"))
    if not orders:
        return given_up(state, rollout, now)
    champion = f"version {state.champion.version.number}" if state.champion else "nothing"
    reason = Reason("go_back", f"champion.json is to name {champion}: {rollout.going_back}")
    return Step(state, Kind.REFUSED, (reason,), tuple(orders), due_at=now + policy.poll)


def watch(state: ModelState, facts: Facts, policy: RolloutPolicy, now: datetime) -> list[Step]:
    """What is to do for a container while nothing rolls out."""
    if state.warm is not None and state.warm.until <= now:
        reason = Reason("retired", f"{state.warm.deployment} has had its warm time")
        return [Step(replace(state, warm=None), Kind.ACTED, (reason,), due_at=now)]
    if state.champion is not None and facts.container is not None:
        noticed = _noticed(state, state.champion, facts.container, policy, now)
        if noticed is not None:
            return [noticed]
    if state.warm is not None:
        return [Step(state, Kind.HELD, (), due_at=state.warm.until)]
    return []


def _noticed(
    state: ModelState,
    champion: Champion,
    seen: ContainerFacts,
    policy: RolloutPolicy,
    now: datetime,
) -> Step | None:
    """Somebody changed the serving kind, the pointer, the container or its image."""
    number = champion.version.number
    if state.address is None or state.address.serving != "container":
        return _move_in(state, champion, now)
    if not _is(seen.champion, champion.version):
        named = f"version {seen.champion.version}" if seen.champion else "nothing"
        if policy.hand_changed == "adopt":
            reason = Reason("hand_changed", f"somebody let champion.json name {named}: left so")
            return Step(state, Kind.HELD, (reason,))
        reason = Reason("hand_changed", f"champion.json named {named}: set back to {number}")
        return _acted(state, reason, (_publish(champion.version),), policy, now)
    if seen.says is None or seen.says.champion != seen.champion:
        return None
    named_anew = replace(champion, environment=seen.says.environment)
    address = _address(seen, champion.version, named_anew.subject.deployment)
    if address == state.address and named_anew == champion:
        return None
    state = replace(state, champion=named_anew, address=address)
    text = f"{named_anew.subject.deployment} answers at {address.scoring_uri} now"
    about = (f"deployment:{named_anew.subject.deployment}",)
    return Step(state, Kind.ACTED, (Reason("new_image", text),), about=about, due_at=now)


def _move_in(state: ModelState, champion: Champion, now: datetime) -> Step | None:
    """The champion of an endpoint comes to the container as any version does; once."""
    tried = state.rollout
    if (
        tried is not None
        and tried.phase is not Phase.SUCCEEDED
        and tried.version == champion.version
    ):
        return None
    rollout = Rollout(champion.version, champion.environment, Phase.PENDING, now, now)
    text = f"version {champion.version.number} is served elsewhere, the model file says container"
    state = replace(state, rollout=rollout)
    return Step(state, Kind.ACTED, (Reason("move_in", text),), due_at=now)


def _astray(champion: Champion, seen: ContainerFacts) -> bool:
    """The pointer names another version than the champion."""
    return seen.champion is not None and not _is(seen.champion, champion.version)


def _is(published: Published | None, version: Version) -> bool:
    return published is not None and published.version == version.number


def _publish(version: Version) -> PublishVersion:
    return PublishVersion("champion", version.number, version.job)


def _challenge(version: Version) -> PublishVersion:
    return PublishVersion("challenger", version.number, version.job)


def _address(seen: ContainerFacts, version: Version, deployment: str) -> Address:
    return Address(seen.scoring_uri, version.number, deployment, "container")


def _saying(seen: ContainerFacts) -> str:
    return f"no answer: {seen.silence}" if seen.says is None else f"it has {_held_by(seen.says)}"


def _held_by(says: ContainerSays) -> str:
    named = {"champion": says.champion, "challenger": says.challenger}
    words = [f"{role} {each.version}" for role, each in named.items() if each]
    return ", ".join(words) or "no version"


def _held(state: ModelState, reason: Reason, policy: RolloutPolicy, now: datetime) -> Step:
    return Step(state, Kind.HELD, (reason,), due_at=now + policy.poll)


def _acted(
    state: ModelState,
    reason: Reason,
    orders: tuple[Action, ...],
    policy: RolloutPolicy,
    now: datetime,
) -> Step:
    return Step(state, Kind.ACTED, (reason,), orders, due_at=now + policy.poll)
