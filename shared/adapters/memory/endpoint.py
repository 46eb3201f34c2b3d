"""Online endpoints in memory; the test says which deployments fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.errors import BusyError, NotFoundError, RefusedError
from shared.domain.facts import DeploymentFacts, EndpointFacts, ProvisioningState
from shared.domain.state import Subject
from shared.ports import Clock


@dataclass(frozen=True, slots=True)
class _Operation:
    """What runs, on the endpoint itself or on a deployment, and what it does in the end."""

    ends_at: datetime
    deployment: str | None
    finish: Callable[[], object]


@dataclass
class _Endpoint:
    traffic: dict[str, int] = field(default_factory=dict)
    deployments: dict[str, DeploymentFacts] = field(default_factory=dict)
    operation: _Operation | None = None
    facts: EndpointFacts | None = None
    """As they were told last, until something changes."""


class MemoryOnlineEndpoint:
    """Endpoints whose operations take their time and accept no other write meanwhile."""

    def __init__(self, clock: Clock, operation_seconds: float = 0.0) -> None:
        self._clock = clock
        self.operation_seconds = operation_seconds
        """How long the next operation will take."""
        self._endpoints: dict[str, _Endpoint] = {}
        self.failures: dict[str, str] = {}
        """Deployments that will not come up, with what the service will say."""
        self.refusals: dict[str, str] = {}
        """Deployments that the service will not even begin, with what it will say."""
        self.written: list[tuple[dict[str, int], set[str]]] = []
        """Every traffic map that was written, with the deployments that stood then."""

    def get(self, model: str) -> EndpointFacts | None:
        """The endpoint with its traffic and deployments, or None."""
        endpoint = self._settled(model)
        if endpoint is None:
            return None
        endpoint.facts = endpoint.facts or self._told(model, endpoint)
        return endpoint.facts

    def _told(self, model: str, endpoint: _Endpoint) -> EndpointFacts:
        state, deployments = ProvisioningState.SUCCEEDED, dict(endpoint.deployments)
        if operation := endpoint.operation:
            if operation.deployment is None:
                state = ProvisioningState.UPDATING
            else:
                deployments[operation.deployment] = DeploymentFacts(
                    operation.deployment, ProvisioningState.UPDATING
                )
        return EndpointFacts(
            name=f"noon-{model}",
            state=state,
            scoring_uri=f"https://noon-{model}.invalid/score",
            traffic=dict(endpoint.traffic),
            deployments=deployments,
        )

    def create(self, model: str) -> None:
        """Begin to create it without traffic; one that exists is left as it is."""
        if model not in self._endpoints:
            self._endpoints[model] = _Endpoint()
            self._begin(self._endpoints[model], None, lambda: None)

    def deploy(
        self,
        model: str,
        subject: Subject,
        instance_type: str,  # noqa: ARG002 - the port's; there are no machines in memory
        instance_count: int,  # noqa: ARG002 - likewise
    ) -> None:
        """Begin to create a deployment at 0 %; one that exists is left as it is."""
        name = subject.deployment
        endpoint = self._existing(model, f"deploy {name}")
        if name in endpoint.deployments:
            return
        _refuse_while_updating(endpoint, f"deploy {name}")
        if name in self.refusals:
            raise RefusedError(f"deploy {name}: {self.refusals[name]}")
        failure = self.failures.get(name, "")
        state = ProvisioningState.FAILED if failure else ProvisioningState.SUCCEEDED
        endpoint.deployments[name] = DeploymentFacts(name, state, failure)
        self._begin(endpoint, name, lambda: None)

    def set_traffic(self, model: str, traffic: dict[str, int]) -> None:
        """Begin to write the full traffic map; the old one stays until the operation ends."""
        doing = f"set traffic of {model}"
        endpoint = self._existing(model, doing)
        _refuse_while_updating(endpoint, doing)
        shares = {name: share for name, share in traffic.items() if share}
        if shares and sum(shares.values()) != 100:
            raise RefusedError(f"{doing}: the shares add up to {sum(shares.values())}, not 100")
        for name in shares:
            deployment = endpoint.deployments.get(name)
            if deployment is None or deployment.state is not ProvisioningState.SUCCEEDED:
                raise RefusedError(f"{doing}: deployment {name} does not stand")
        self.written.append((dict(traffic), set(endpoint.deployments)))
        self._begin(endpoint, None, lambda: setattr(endpoint, "traffic", shares))

    def delete_deployment(self, model: str, deployment: str) -> None:
        """Begin to delete it; one that is gone is success."""
        doing = f"delete {deployment}"
        endpoint = self._settled(model)
        if endpoint is None or deployment not in endpoint.deployments:
            return
        _refuse_while_updating(endpoint, doing)
        if endpoint.traffic.get(deployment):
            raise RefusedError(f"{doing}: it has {endpoint.traffic[deployment]} % of the traffic")
        self._begin(endpoint, deployment, lambda: endpoint.deployments.pop(deployment))

    def _existing(self, model: str, doing: str) -> _Endpoint:
        endpoint = self._settled(model)
        if endpoint is None:
            raise NotFoundError(f"{doing}: there is no endpoint")
        return endpoint

    def _settled(self, model: str) -> _Endpoint | None:
        """The endpoint after the operation that is over by now."""
        endpoint = self._endpoints.get(model)
        if endpoint and endpoint.operation and endpoint.operation.ends_at <= self._clock.now():
            endpoint.operation.finish()
            endpoint.operation = endpoint.facts = None
        return endpoint

    def _begin(
        self, endpoint: _Endpoint, deployment: str | None, finish: Callable[[], object]
    ) -> None:
        ends_at = self._clock.now() + timedelta(seconds=self.operation_seconds)
        endpoint.operation, endpoint.facts = _Operation(ends_at, deployment, finish), None


def _refuse_while_updating(endpoint: _Endpoint, doing: str) -> None:
    if endpoint.operation:
        raise BusyError(f"{doing}: the endpoint is updating")
