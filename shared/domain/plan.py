"""One pass for one model: take in what came, then training, then rollout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain import (
    container_rollout,
    deployments,
    retraining,
    rollout,
    rollout_orders,
    training_job,
)
from shared.domain.actions import Action, describe
from shared.domain.chain_keys import facts_of_change, keys_of_change
from shared.domain.decision import Json, Kind, Reason, Step, strongest
from shared.domain.facts import Facts, SlotFacts, Snapshot, Wanted
from shared.domain.moment import Moment
from shared.domain.policy import ModelSpec
from shared.domain.slots import owed_slot
from shared.domain.state import Asker, ModelState


@dataclass(frozen=True, slots=True)
class Plan:
    """The result of a pass: one new state, everything to do and why."""

    state: ModelState
    kind: Kind
    reasons: tuple[Reason, ...]
    actions: tuple[Action, ...]
    about: tuple[str, ...]
    facts: Mapping[str, Json] = field(default_factory=dict, hash=False)

    @property
    def orders(self) -> tuple[str, ...]:
        """The actions in words, for the decision log."""
        return tuple(describe(action) for action in self.actions)


def idle(snapshot: Snapshot, slots: SlotFacts, now: datetime) -> bool:
    """Nothing waits, nothing is under way and nothing is due: a pass would find nothing to do."""
    state = snapshot.state
    return (
        state is not None
        and not snapshot.waits
        and state.training is None
        and not rollout.in_flight(state)
        and state.next_due_at > now
        and owed_slot(state, slots) is None
    )


def soaking(snapshot: Snapshot) -> bool:
    """A canary step is being watched, and nothing else waits to be taken in."""
    state = snapshot.state
    return state is not None and not snapshot.waits and rollout.health_since(state) is not None


def wanted(snapshot: Snapshot, slots: SlotFacts, spec: ModelSpec, now: datetime) -> Wanted:
    """What is worth observing for the decision; the less, the cheaper the pass."""
    state = snapshot.state or retraining.first_state(spec.name, slots, now)
    state = retraining.take_in(state, snapshot).state if snapshot.waits else state
    job = state.training is not None
    listing = retraining.wants_listing(state, slots, spec.retraining, now)
    rolling = rollout.in_flight(state)
    # With the hourly listing what serves is looked at too: somebody may have changed it.
    serving = rollout.wants_endpoint(state, now) or (listing and state.champion is not None)
    return Wanted(
        job=job,
        listing=listing,
        endpoint=serving and spec.serving == "managed_endpoint",
        container=serving and spec.serving == "container",
        smoke=rollout.smoke_subject(state),
        health_since=rollout.health_since(state),
        release=job or listing or not rolling,
    )


def decide(facts: Facts, spec: ModelSpec, now: datetime) -> Plan:
    """The desired state after this pass and the orders that lead to it."""
    state = facts.snapshot.state or retraining.first_state(spec.name, facts.slots, now)
    steps = [retraining.take_in(state, facts.snapshot)]
    steps += rollout_orders.obey(steps[-1].state, facts.snapshot.orders, now)
    if state.training is not None:
        heard = _heard(steps[-1].state, facts, "training")
        steps.append(training_job.follow(heard, facts, spec, now))
    else:
        steps.append(retraining.start(steps[-1].state, facts, spec.retraining, now))
    steps += _rolling(steps[-1].state, facts, spec, now)
    return _combine(state, steps, facts, now)


def _heard(state: ModelState, facts: Facts, asker: Asker) -> ModelState:
    """The state with what the outside refused, if it was refused to this asker."""
    known = facts.snapshot.state
    theirs = known is not None and known.refused_to == asker
    refused = known.order_refused if known and theirs else ""
    return state if state.order_refused == refused else replace(state, order_refused=refused)


def _rolling(state: ModelState, facts: Facts, spec: ModelSpec, now: datetime) -> list[Step]:
    known, contained = facts.snapshot.state, spec.serving == "container"
    if rollout.in_flight(state):
        # A rollout that began in this very pass was not observed: it starts with the next one.
        if known is None or known.rollout != state.rollout:
            return []
        at = Moment(_heard(state, facts, "rollout"), facts, spec.rollout, now)
        return [container_rollout.advance(at) if contained else rollout.advance(at)]
    at = Moment(state, facts, spec.rollout, now)
    if contained:
        return container_rollout.watch(at)
    if state.warm is not None and state.warm.until <= now:
        return [deployments.retire(at)]
    begun = deployments.begin_for_new_image(at)
    if begun is not None:
        return [begun]
    changed = deployments.watch_traffic(at)
    if changed is not None:
        return [changed]
    cleared = deployments.clear_away(at)
    if cleared is not None:
        return [cleared]
    if state.warm is not None:
        return [Step(state, Kind.HELD, (), due_at=state.warm.until)]
    return []


def _combine(before: ModelState, steps: list[Step], facts: Facts, now: datetime) -> Plan:
    """One decision of all steps; the next look is the earliest that any of them asks for."""
    times = [step.due_at for step in steps if step.due_at is not None]
    # What was refused speaks to one pass: kept, it would be held against the next wish.
    due_at = min(times, default=now)
    state = replace(steps[-1].state, next_due_at=due_at, order_refused="", refused_to="")
    said = [step for step in steps if step.reasons]
    actions = tuple(action for step in steps for action in step.actions)
    keys = [key for step in steps for key in step.about]
    keys += keys_of_change(before, state, facts, actions)
    numbers = {key: value for step in said for key, value in step.facts.items()}
    return Plan(
        state=state,
        kind=strongest([step.kind for step in said]),
        reasons=tuple(reason for step in said for reason in step.reasons),
        actions=actions,
        about=tuple(dict.fromkeys(keys)),
        facts=numbers | facts_of_change(before, steps[0].state, state, actions),
    )
