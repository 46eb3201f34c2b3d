"""What a service says that does not know yet what it was just told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.domain.facts import EndpointFacts
from shared.ports import Clock

UNSEEN = timedelta(seconds=60)
"""What was just made can be answered with 404 for so long."""
OLD = timedelta(minutes=5)
"""Traffic that was just written can read back as it was before for so long."""


class StaleReads:
    """Remembers what was written lately, to answer as if it had not been."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: dict[tuple[str, str], datetime] = {}
        self._replaced: dict[str, tuple[Mapping[str, int], datetime]] = {}

    def made(self, port: str, name: str) -> None:
        """A job, a version or a deployment is new."""
        self._made[port, name] = self._clock.now()

    def rerouted(self, endpoint: EndpointFacts) -> None:
        """The endpoint's traffic is about to be written; this is how it was."""
        self._replaced[endpoint.name] = (endpoint.traffic, self._clock.now())

    def older(self, port: str, given: tuple[Any, ...], answer: Any) -> Any:
        """The answer of a moment ago."""
        if isinstance(answer, EndpointFacts):
            return self._endpoint(answer)
        name = "/".join(map(str, given))
        return None if self._is_new(port, name) else answer

    def _endpoint(self, facts: EndpointFacts) -> EndpointFacts:
        traffic, at = self._replaced.get(facts.name, (facts.traffic, self._clock.now()))
        seen = {
            name: each
            for name, each in facts.deployments.items()
            if not self._is_new(facts.name, name)
        }
        if self._clock.now() - at > OLD:
            traffic = facts.traffic
        return replace(facts, traffic=traffic, deployments=seen)

    def _is_new(self, port: str, name: str) -> bool:
        made_at = self._made.get((port, name))
        return made_at is not None and self._clock.now() - made_at < UNSEEN
