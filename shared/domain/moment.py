"""One model's serving at one moment: what a step of a rollout is decided from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.actions import Action
from shared.domain.decision import Kind, Reason, Step
from shared.domain.facts import ContainerFacts, EndpointFacts, Facts
from shared.domain.policy import RolloutPolicy, next_look_in
from shared.domain.state import ModelState, Phase, Rollout


@dataclass(frozen=True, slots=True)
class Moment:
    """What is wished, what was seen outside, what is allowed, and when."""

    state: ModelState
    facts: Facts
    policy: RolloutPolicy
    now: datetime

    @property
    def rollout(self) -> Rollout:
        """The rollout in flight."""
        assert self.state.rollout is not None, "a rollout is in flight"
        return self.state.rollout

    @property
    def endpoint(self) -> EndpointFacts:
        """The endpoint as it is."""
        assert self.facts.endpoint is not None, "there is an endpoint"
        return self.facts.endpoint

    @property
    def container(self) -> ContainerFacts:
        """What is published for the container, and what the container says."""
        assert self.facts.container is not None, "what is published was looked at"
        return self.facts.container

    @property
    def canary(self) -> str:
        """The deployment that is rolled out, such as `v12-e3`."""
        return self.rollout.deployment

    @property
    def stable(self) -> str:
        """The champion's deployment; empty without a champion."""
        return self.state.champion.deployment if self.state.champion else ""

    def having(self, rollout: Rollout) -> Moment:
        """The same with the rollout changed."""
        return replace(self, state=replace(self.state, rollout=rollout))

    def entering(self, phase: Phase) -> Moment:
        """The same with the rollout in the next phase."""
        return self.having(replace(self.rollout, phase=phase, entered_at=self.now))

    def hold(self, code: str, text: str, *orders: Action) -> Step:
        """Nothing can be decided yet: look again after a while."""
        due = self.now + self.policy.poll
        return Step(self.state, Kind.HELD, (Reason(code, text),), orders, due_at=due)

    def paused(self, text: str) -> Step:
        """An operator holds the rollout: look more and more rarely, but once in every soak."""
        age = self.now - self.rollout.entered_at
        wait = next_look_in(age, self.policy.poll, self.policy.soak)
        held = self.hold("paused", f"paused by an operator{text}")
        return replace(held, due_at=self.now + wait)

    def order(self, code: str, text: str, *orders: Action) -> Step:
        """Orders that take their time: look again after a while."""
        due = self.now + self.policy.poll
        return Step(self.state, Kind.ACTED, (Reason(code, text),), orders, due_at=due)

    def go_on(self, code: str, text: str, *orders: Action) -> Step:
        """A step that is done: the next one can follow at once."""
        return Step(self.state, Kind.ACTED, (Reason(code, text),), orders, due_at=self.now)

    def turn_back(self, code: str, text: str) -> Step:
        """Begin to give the version up."""
        return turn_back(self.state, Reason(code, text), self.now)


def turn_back(
    state: ModelState, reason: Reason, now: datetime, ending: Phase = Phase.ROLLED_BACK
) -> Step:
    """Begin to give the version up; the order goes out in the next pass that may write."""
    assert state.rollout is not None, "a rollout is in flight"
    rollout = replace(state.rollout, going_back=reason.text, ending=ending, paused=False)
    state = replace(state, rollout=rollout, last_refusal=f"going back: {reason.text}")
    return Step(state, Kind.REFUSED, (reason,), due_at=now)
