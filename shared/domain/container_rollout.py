"""How a promoted version gets the traffic of a scoring container: smoke, then switch.

The phases are those of every rollout. The version's folder and `challenger.json` are published
(pending), the container loads it beside the champion (provisioning) and answers recorded rows
with it by header (smoke); then `champion.json` names it (canary) until the container says that
it answers with it. The way back is the former `champion.json`.
"""

from __future__ import annotations

from dataclasses import replace

from shared.domain.actions import Action, PublishVersion, WithdrawVersion
from shared.domain.decision import Kind, Reason, Step
from shared.domain.endings import given_up, succeed
from shared.domain.facts import ContainerFacts, ContainerSays, Probe, Published
from shared.domain.moment import Moment
from shared.domain.rollout import registration
from shared.domain.state import Address, Champion, Phase, Rollout, Version


def advance(at: Moment) -> Step:
    """One step of the rollout in flight."""
    says = at.container.says
    if says is not None:
        # The image is the container's own affair: it says which one it runs, also in mid-rollout.
        at = at.having(replace(at.rollout, environment=says.environment))
    about = (f"version:{at.rollout.version.number}", f"deployment:{at.canary}")
    return replace(_step(at), about=about)


def _step(at: Moment) -> Step:
    if at.rollout.going_back:
        return _go_back(at)
    against = _against(at)
    if against is not None:
        return at.turn_back(against.code, against.text)
    if at.rollout.paused:
        return at.paused(f" in phase {at.rollout.phase.value}")
    match at.rollout.phase:
        case Phase.PENDING:
            return _pending(at)
        case Phase.PROVISIONING:
            return _provisioning(at)
        case Phase.SMOKE:
            return _smoke(at)
        case _:
            return _switch(at)


def _against(at: Moment) -> Reason | None:
    """What ends a rollout in any phase."""
    if at.state.order_refused:
        return Reason("order_refused", at.state.order_refused)
    refused = _refused(at.rollout.version, at.container)
    if refused:
        return Reason("load_failed", f"the container cannot serve {at.canary}: {refused}")
    # The switch has its own time: a container that never says so may not even have switched.
    switching = at.rollout.phase is Phase.CANARY
    since = at.rollout.entered_at if switching else at.rollout.started_at
    longest = at.policy.provisioning_max
    if at.now - since > longest and not at.rollout.paused:
        text = f"the container did not come to serve {at.canary} within {longest}"
        return Reason("timed_out", f"{text}: {_saying(at.container)}")
    return None


def _refused(version: Version, seen: ContainerFacts) -> str:
    """Why the container cannot serve what is published of the version; empty if it can."""
    refused = seen.says.refused if seen.says else {}
    ours = [each.digest for each in (seen.challenger, seen.champion) if each and _is(each, version)]
    return next((refused[digest] for digest in ours if digest in refused), "")


def _pending(at: Moment) -> Step:
    """Register, then publish as challenger."""
    champion, version = at.state.champion, at.rollout.version
    if champion is not None and _astray(champion, at.container):
        # A version that was superseded in mid-switch: callers go back to the champion first.
        text = f"champion.json is to name version {champion.version.number} again"
        return at.order("clear_the_way", text, _publish(champion.version))
    registering = registration(at)
    if registering is not None:
        return registering
    text = f"version {version.number} is published as challenger, without callers"
    return at.entering(Phase.PROVISIONING).order("provision", text, _challenge(version))


def _provisioning(at: Moment) -> Step:
    """Wait until the container has loaded the challenger beside the champion."""
    version, seen = at.rollout.version, at.container
    if not _is(seen.challenger, version):
        text = f"version {version.number} is not what challenger.json names: published again"
        return at.order("order_again", text, _challenge(version))
    if seen.says is None:
        return at.hold("container_silent", _saying(seen))
    if seen.says.challenger != seen.challenger:
        return at.hold("loading", f"version {version.number} is not loaded yet: {_saying(seen)}")
    seconds = (at.now - at.rollout.started_at).total_seconds()
    text = f"loaded after {seconds:.0f} s: {_saying(seen)}"
    return at.entering(Phase.SMOKE).go_on("provisioned", text)


def _smoke(at: Moment) -> Step:
    """Judge the answers to recorded rows; when they are good, order the switch."""
    smoke, version = at.facts.smoke, at.rollout.version
    if smoke is None or smoke.probe is Probe.NO_DATA:
        text = smoke.text if smoke else "not asked yet"
        return at.hold("smoke_no_data", f"smoke test of {at.canary}: {text}")
    if smoke.probe is Probe.FAILED:
        return at.turn_back("smoke_failed", smoke.text)
    text = f"{smoke.text}; champion.json is to name version {version.number}"
    return at.entering(Phase.CANARY).order("smoke_passed", text, _publish(version))


def _switch(at: Moment) -> Step:
    """The version rules once the container says that it answers with it."""
    version, seen = at.rollout.version, at.container
    if not _is(seen.champion, version):
        text = f"champion.json is to name version {version.number}"
        return at.order("switch", text, _publish(version))
    if seen.says is None or seen.says.champion != seen.champion:
        return at.hold(
            "switching", f"champion.json names version {version.number}: {_saying(seen)}"
        )
    step = succeed(at, _address(seen, version, at.canary))
    leftover: tuple[Action, ...] = (WithdrawVersion("challenger"),) if seen.challenger else ()
    return replace(step, actions=leftover)


def _go_back(at: Moment) -> Step:
    """Name the champion again and withdraw the challenger; end when that reads back."""
    champion, seen = at.state.champion, at.container
    orders: list[Action] = []
    if champion is not None and _astray(champion, seen):
        orders.append(_publish(champion.version))
    if champion is None and _is(seen.champion, at.rollout.version):
        orders.append(WithdrawVersion("champion"))
    if seen.challenger is not None:
        orders.append(WithdrawVersion("challenger"))
    if not orders:
        return given_up(at)
    named = f"version {champion.version.number}" if champion else "nothing"
    text = f"champion.json is to name {named}: {at.rollout.going_back}"
    return replace(at.order("go_back", text, *orders), kind=Kind.REFUSED)


def watch(at: Moment) -> list[Step]:
    """What is to do for a container while nothing rolls out."""
    warm, champion = at.state.warm, at.state.champion
    if warm is not None and warm.until <= at.now:
        at = replace(at, state=replace(at.state, warm=None))
        return [at.go_on("retired", f"{warm.deployment} has had its warm time")]
    if champion is not None and at.facts.container is not None:
        noticed = _noticed(at, champion)
        if noticed is not None:
            return [noticed]
        if at.container.challenger is not None:
            # The order that went out with the switch was lost.
            text = f"version {at.container.challenger.version} rolls out no more"
            return [at.order("clear_away", text, WithdrawVersion("challenger"))]
    if warm is not None:
        return [Step(at.state, Kind.HELD, (), due_at=warm.until)]
    return []


def _noticed(at: Moment, champion: Champion) -> Step | None:
    """Somebody changed the serving kind, the pointer, the container or its image."""
    address, seen = at.state.address, at.container
    if address is None or address.serving != "container":
        return _move_in(at, champion)
    if not _is(seen.champion, champion.version):
        return _renamed(at, champion)
    if seen.says is None or seen.says.champion != seen.champion:
        return None
    present = replace(champion, environment=seen.says.environment)
    deployment = present.deployment
    answers = _address(seen, champion.version, deployment)
    if answers == address and present == champion:
        return None
    at = replace(at, state=replace(at.state, champion=present, address=answers))
    step = at.go_on("new_image", f"{deployment} answers at {answers.scoring_uri} now")
    return replace(step, about=(f"deployment:{deployment}",))


def _renamed(at: Moment, champion: Champion) -> Step:
    """Somebody let the pointer name another version."""
    number, other = champion.version.number, at.container.champion
    named = f"version {other.version}" if other else "nothing"
    if at.policy.hand_changed == "adopt":
        held = at.hold("hand_changed", f"somebody let champion.json name {named}: left so")
        return replace(held, due_at=None)
    text = f"champion.json named {named}: set back to {number}"
    return at.order("hand_changed", text, _publish(champion.version))


def _move_in(at: Moment, champion: Champion) -> Step | None:
    """The champion of an endpoint comes to the container as any version does; once."""
    tried = at.state.rollout
    if (
        tried is not None
        and tried.phase is not Phase.SUCCEEDED
        and tried.version == champion.version
    ):
        return None
    rollout = Rollout(champion.version, champion.environment, Phase.PENDING, at.now, at.now)
    text = f"version {champion.version.number} is served elsewhere, the model file says container"
    return at.having(rollout).go_on("move_in", text)


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
