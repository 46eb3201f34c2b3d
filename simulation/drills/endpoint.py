"""An online endpoint in memory that can be as awkward as the real service."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.adapters.memory.endpoint import MemoryOnlineEndpoint
from shared.domain.errors import BusyError
from shared.domain.facts import DeploymentFacts, EndpointFacts, ProvisioningState
from shared.domain.state import Subject
from shared.ports import Clock

DEPLOYMENTS_MAX = 2


class TroubledEndpoint(MemoryOnlineEndpoint):
    """The endpoint of memory behind a service that is late, busy or wrong about itself."""

    def __init__(self, clock: Clock, operation_seconds: float = 0.0) -> None:
        super().__init__(clock, operation_seconds)
        self._time = clock
        self._ordered_at: dict[str, datetime] = {}
        self._shown: list[tuple[datetime, dict[str, int]]] = []
        self._turn = 0
        self.never_ready: set[str] = set()
        """Deployments whose creation does not end."""
        self.hidden_for = timedelta(0)
        """So long after its creation a deployment is answered with 404."""
        self.stale_for = timedelta(0)
        """So long after a write the traffic reads back as it was before."""
        self.conflicts = 0
        """So many writes of each kind are answered 409 before one is taken."""
        self.orders: list[str] = []
        """Every deployment whose creation was ordered, repetitions included."""

    def real(self, model: str) -> EndpointFacts | None:
        """The endpoint as it truly is."""
        return super().get(model)

    def get(self, model: str) -> EndpointFacts | None:
        """The endpoint as the service shows it."""
        endpoint = super().get(model)
        if endpoint is None:
            return None
        now = self._time.now()
        shown: dict[str, DeploymentFacts] = {}
        for name, facts in endpoint.deployments.items():
            if now - self._ordered_at.get(name, now - self.hidden_for) < self.hidden_for:
                continue
            stuck = name in self.never_ready
            shown[name] = DeploymentFacts(name, ProvisioningState.UPDATING) if stuck else facts
        return replace(endpoint, deployments=shown, traffic=self._read_back(endpoint, now))

    def deploy(self, model: str, subject: Subject, instance_type: str, instance_count: int) -> None:
        """As the real one, noting when it was ordered."""
        self._conflict(f"deploy {subject.deployment}")
        self.orders.append(subject.deployment)
        super().deploy(model, subject, instance_type, instance_count)
        self._ordered_at.setdefault(subject.deployment, self._time.now())

    def set_traffic(self, model: str, traffic: dict[str, int]) -> None:
        """As the real one, keeping what was there for stale readers."""
        self._conflict(f"set traffic of {model}")
        before = self.real(model)
        super().set_traffic(model, traffic)
        if before is not None and dict(before.traffic) != _live(traffic):
            self._shown.append((self._time.now(), dict(before.traffic)))

    def delete_deployment(self, model: str, deployment: str) -> None:
        """As the real one."""
        self._conflict(f"delete {deployment}")
        super().delete_deployment(model, deployment)

    def broken_rules(self) -> str:
        """What no traffic map may ever be, if one was; empty if all were whole."""
        for shares, standing in self.written:
            if sum(shares.values()) != 100 or set(shares) != standing:
                return f"a traffic map that was not whole: {shares} on {sorted(standing)}"
            if len(standing) > DEPLOYMENTS_MAX:
                return f"{len(standing)} deployments at once: {sorted(standing)}"
        return ""

    def _read_back(self, endpoint: EndpointFacts, now: datetime) -> dict[str, int]:
        stale = [map_ for at, map_ in self._shown if now - at < self.stale_for]
        return stale[0] if stale else dict(endpoint.traffic)

    def _conflict(self, doing: str) -> None:
        self._turn += 1
        if self.conflicts and self._turn % (self.conflicts + 1):
            raise BusyError(f"{doing}: 409, another operation is in progress")


def _live(traffic: dict[str, int]) -> dict[str, int]:
    return {name: share for name, share in traffic.items() if share}
