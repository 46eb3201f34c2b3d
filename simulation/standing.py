"""Nothing stands for nothing, and nothing stands still for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.adapters.schedule import CronSlots
from shared.domain.chain_keys import missed_key, slot_key
from shared.domain.decision import Decision
from shared.domain.facts import EndpointFacts
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState
from simulation.truth import MOVES_WITHIN, REFERRED_WITHIN, SEEN_WITHIN, ViolationError


class Standing:
    """Since when something stands that should not."""

    def __init__(self) -> None:
        self._loose: dict[str, dict[str, datetime]] = {}
        self._astray: dict[str, datetime] = {}
        self._paused_at: dict[str, datetime] = {}

    def forget(self, model: str, deployment: str) -> None:
        """It was made anew."""
        self._loose.get(model, {}).pop(deployment, None)

    def check(
        self, state: ModelState, endpoint: EndpointFacts, now: datetime, *, adopts: bool
    ) -> None:
        """Every deployment has its reason, and the traffic is as it was wished."""
        self._check_loose(state, endpoint, now, adopts=adopts)
        rolling = state.rollout is not None and not state.rollout.phase.ended
        name = state.champion.deployment if state.champion else ""
        if adopts or rolling or endpoint.traffic == {name: 100} or name not in endpoint.deployments:
            self._astray.pop(state.model, None)
        elif now - self._astray.setdefault(state.model, now) > SEEN_WITHIN:
            raise ViolationError("set_back", f"{state.model}: {endpoint.traffic} since long")

    def check_moving(self, state: ModelState, now: datetime) -> None:
        """What is due is looked at, and what is under way ends."""
        rollout, training = state.rollout, state.training
        if training is not None and now - training.planned_at > MOVES_WITHIN:
            raise ViolationError("settles", f"{training.job} since {training.planned_at}")
        if rollout is not None and rollout.paused:
            self._paused_at[state.model] = now
            return
        if now - state.next_due_at > SEEN_WITHIN:
            raise ViolationError("due_is_seen", f"{state.model} was due at {state.next_due_at}")
        if rollout is None or rollout.phase.ended:
            return
        # An operator may pause it for as long as he likes.
        since = max(rollout.started_at, self._paused_at.get(state.model, rollout.started_at))
        if now - since > 3 * MOVES_WITHIN:
            raise ViolationError("settles", f"{rollout.subject} since {since}")

    def _check_loose(
        self, state: ModelState, endpoint: EndpointFacts, now: datetime, *, adopts: bool
    ) -> None:
        """A deployment belongs to the champion, to a rollout, or is kept warm for its time."""
        known = {state.champion.deployment} if state.champion else set()
        if state.rollout is not None and not state.rollout.phase.ended:
            known.add(state.rollout.deployment)
        if state.warm is not None and now < state.warm.until:
            known.add(state.warm.deployment)
        if adopts:
            known.update(endpoint.traffic)
        before = self._loose.pop(state.model, {})
        if known.issuperset(endpoint.deployments):
            return
        loose = [name for name in endpoint.deployments if name not in known]
        since = self._loose[state.model] = {name: before.get(name, now) for name in loose}
        for name, at in since.items():
            if now - at > REFERRED_WITHIN:
                raise ViolationError("nothing_orphaned", f"{state.model}: {name} for nothing")


def check_slots(
    old: ModelState, new: ModelState, said: Sequence[Decision], spec: ModelSpec
) -> None:
    """Every slot up to the one that was dealt with ends in the last decision that was saved."""
    policy, until = spec.retraining, new.last_slot_at
    # Only since the last listing, or since there is a model: what the present schedule would have
    # done before is not owed.
    at = max(filter(None, (old.created_at, old.last_slot_at, old.listed_at)))
    if not said:
        raise ViolationError("decided_recorded", f"{new.model}: a state was saved without a word")
    about = said[-1].about
    while until is not None and at < until:
        slot = CronSlots().around(policy.schedule, policy.time_zone, at).next
        if slot is None or slot.due_at > until:
            return
        # By the keys, under which `why` looks for it: one for each slot, or for days of very many.
        said_of = slot_key(slot.key) in about or missed_key(slot.key) in about
        # A name that had its turn in another time zone is no new slot in this one.
        if slot.key > old.last_slot and not said_of:
            raise ViolationError("slot_decided", f"{new.model}: {slot.key} ended in nothing")
        at = slot.due_at
