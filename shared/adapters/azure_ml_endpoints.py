"""Managed online endpoints in Azure ML: every write starts an operation that nobody waits for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml import AzureMachineLearning, ml_errors, state_word
from shared.domain.errors import BusyError, ConflictError, NoonError, NotFoundError
from shared.domain.facts import DeploymentFacts, EndpointFacts, ProvisioningState
from shared.domain.state import Subject

if TYPE_CHECKING:
    from azure.ai.ml.entities import ManagedOnlineDeployment, OnlineDeployment, OnlineEndpoint

SERVING_ENVIRONMENT = "noon-serving"
NAME_MAX = 32
LOG_LINES = 20
MESSAGE_MAX = 2000
STATES = {
    "succeeded": ProvisioningState.SUCCEEDED,
    "failed": ProvisioningState.FAILED,
    "canceled": ProvisioningState.FAILED,
}
"""Every other state is an operation under way."""


class AzureOnlineEndpoint:
    """The endpoint of each model, called by Entra tokens."""

    def __init__(
        self,
        workspace: AzureMachineLearning,
        *,
        identity_id: str = "",
        request_timeout_ms: int = 10_000,
        concurrent_requests: int = 32,
    ) -> None:
        self._workspace = workspace
        self._identity_id = identity_id
        self._request_timeout_ms = request_timeout_ms
        self._concurrent_requests = concurrent_requests

    def get(self, model: str) -> EndpointFacts | None:
        """The endpoint with its traffic and deployments, or None."""
        found = self._find(model)
        return found and found[1]

    def create(self, model: str) -> None:
        """Begin to create it without traffic; one that exists is left as it is."""
        if self._find(model) is None:
            self._write(self._new_endpoint(model), f"create the endpoint of {model}")

    def deploy(self, model: str, subject: Subject, instance_type: str, instance_count: int) -> None:
        """Begin to create a deployment at 0 %; one that exists is left as it is."""
        doing = f"deploy {subject.deployment}"
        _, facts = self._existing(model, doing)
        if subject.deployment in facts.deployments:
            return
        _refuse_while_updating(facts, doing)
        deployment = self._new_deployment(model, subject, instance_type, instance_count)
        with _writing(doing):
            self._workspace.client().online_deployments.begin_create_or_update(deployment)

    def set_traffic(self, model: str, traffic: dict[str, int]) -> None:
        """Begin to write the full traffic map; the old one stays until the operation ends."""
        doing = f"set traffic of {model}"
        endpoint, facts = self._existing(model, doing)
        _refuse_while_updating(facts, doing)
        self._write(_rewritten(endpoint, traffic), doing)

    def delete_deployment(self, model: str, deployment: str) -> None:
        """Begin to delete it; one that is gone is success."""
        doing = f"delete {deployment}"
        facts = self.get(model)
        if facts is None or deployment not in facts.deployments:
            return
        _refuse_while_updating(facts, doing)
        with _writing(doing):
            self._workspace.client().online_deployments.begin_delete(
                name=deployment, endpoint_name=facts.name
            )

    def name_of(self, model: str) -> str:
        """The endpoint's name: unique in the region, the same whenever it is computed."""
        owner = f"{self._workspace.workspace_id}/{model}".lower()
        digest = hashlib.sha256(owner.encode()).hexdigest()[:8]
        room = NAME_MAX - len("noon--") - len(digest)
        return f"noon-{model[:room].rstrip('-')}-{digest}"

    def _find(self, model: str) -> tuple[OnlineEndpoint, EndpointFacts] | None:
        name = self.name_of(model)
        client = self._workspace.client()
        try:
            with ml_errors(f"read the endpoint of {model}"):
                endpoint = client.online_endpoints.get(name)
                deployments = list(client.online_deployments.list(name))
        except NotFoundError:
            return None
        facts = EndpointFacts(
            name=name,
            state=_state(endpoint),
            scoring_uri=str(endpoint.scoring_uri or ""),
            traffic={key: int(share) for key, share in (endpoint.traffic or {}).items() if share},
            deployments={str(each.name): self._facts(name, each) for each in deployments},
        )
        return endpoint, facts

    def _existing(self, model: str, doing: str) -> tuple[OnlineEndpoint, EndpointFacts]:
        found = self._find(model)
        if found is None:
            raise NotFoundError(f"{doing}: there is no endpoint")
        return found

    def _facts(self, endpoint: str, deployment: OnlineDeployment) -> DeploymentFacts:
        name, state = str(deployment.name), _state(deployment)
        failed = state is ProvisioningState.FAILED
        return DeploymentFacts(name, state, self._last_words(endpoint, name) if failed else "")

    def _last_words(self, endpoint: str, deployment: str) -> str:
        """The end of the container's log: the deployment itself does not say why it failed."""
        try:
            with ml_errors(f"read the log of {deployment}"):
                log = self._workspace.client().online_deployments.get_logs(
                    deployment, endpoint, LOG_LINES
                )
        except NoonError:
            return "the deployment failed, and its log cannot be read"
        return str(log)[-MESSAGE_MAX:].strip()

    def _write(self, endpoint: OnlineEndpoint, doing: str) -> None:
        with _writing(doing):
            self._workspace.client().online_endpoints.begin_create_or_update(endpoint)

    def _new_endpoint(self, model: str) -> OnlineEndpoint:
        from azure.ai.ml.entities import (
            IdentityConfiguration,
            ManagedIdentityConfiguration,
            ManagedOnlineEndpoint,
        )

        identity = None
        if self._identity_id:
            user = ManagedIdentityConfiguration(resource_id=self._identity_id)
            identity = IdentityConfiguration(type="user_assigned", user_assigned_identities=[user])
        return ManagedOnlineEndpoint(
            name=self.name_of(model),
            auth_mode="aad_token",
            identity=identity,
            tags={"noon_model": model},
        )

    def _new_deployment(
        self, model: str, subject: Subject, instance_type: str, instance_count: int
    ) -> ManagedOnlineDeployment:
        from azure.ai.ml.entities import (
            ManagedOnlineDeployment,
            OnlineRequestSettings,
            ProbeSettings,
        )

        workspace = self._workspace
        probe = {"initial_delay": 5, "period": 5, "timeout": 2, "failure_threshold": 60}
        return ManagedOnlineDeployment(
            name=subject.deployment,
            endpoint_name=self.name_of(model),
            model=workspace.asset_id("models", model, str(subject.version)),
            environment=workspace.asset_id(
                "environments", SERVING_ENVIRONMENT, str(subject.environment)
            ),
            instance_type=instance_type,
            instance_count=instance_count,
            request_settings=OnlineRequestSettings(
                request_timeout_ms=self._request_timeout_ms,
                # The default is one at a time: a third request in flight would be refused.
                max_concurrent_requests_per_instance=self._concurrent_requests,
            ),
            liveness_probe=ProbeSettings(**probe),
            readiness_probe=ProbeSettings(**probe),
            tags={"noon_model": model},
        )


@contextmanager
def _writing(doing: str) -> Iterator[None]:
    """Errors of a write: a conflict only says that an operation is under way."""
    try:
        with ml_errors(doing):
            yield
    except ConflictError as error:
        raise BusyError(str(error)) from error


def _rewritten(endpoint: OnlineEndpoint, traffic: dict[str, int]) -> OnlineEndpoint:
    """The endpoint as it is, with this traffic: a write replaces everything."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    # The client mixes what the service noted itself into the properties.
    noted = ("createdBy", "createdAt", "lastModifiedAt")
    properties = endpoint.properties or {}
    return ManagedOnlineEndpoint(
        name=endpoint.name,
        auth_mode=endpoint.auth_mode or "aad_token",
        description=endpoint.description,
        identity=endpoint.identity,
        location=endpoint.location,
        tags=endpoint.tags,
        properties={key: value for key, value in properties.items() if key not in noted},
        traffic={name: share for name, share in traffic.items() if share},
        public_network_access=getattr(endpoint, "public_network_access", None),
    )


def _state(resource: Any) -> ProvisioningState:
    return STATES.get(state_word(resource.provisioning_state), ProvisioningState.UPDATING)


def _refuse_while_updating(facts: EndpointFacts, doing: str) -> None:
    if not facts.accepts_writes:
        raise BusyError(f"{doing}: the endpoint is updating")
