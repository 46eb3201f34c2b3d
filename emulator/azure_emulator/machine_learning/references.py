"""What bodies of requests refer to: found by id, or refused by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..arm import user_error

if TYPE_CHECKING:
    from ..resource import Resource
    from ..store import Store

ASSET_ID = re.compile(
    r"(?:azureml:)?/*(?P<above>subscriptions/.+)/(?P<how>versions|labels)/(?P<which>[^/]+)",
    re.IGNORECASE,
)
REGISTRY_ENVIRONMENT = re.compile(
    r"(?:azureml:)?/*registries/(?P<registry>[^/]+)/environments/[^/]+/(?:versions|labels)/[^/]+",
    re.IGNORECASE,
)
CURATED_REGISTRY = "azureml"
CURATED_PREFIX = "azureml:azureml-"
LATEST = ("latest", "default", "azureml_default")
LOCAL_COMPUTES = ("local", "serverless")


class References:
    """Looks up what a job or a component needs."""

    def __init__(self, store: Store, workspace_id: str) -> None:
        self._store = store
        self._workspace = workspace_id

    def find(self, asset: str) -> Resource | None:
        """Give the asset behind an ARM id that ends in a version or a label, or None."""
        match = ASSET_ID.fullmatch(asset)
        if match is None:
            return None
        above, which = "/" + match["above"], match["which"]
        if match["how"].lower() == "versions" and which.lower() not in LATEST:
            return self._store.get(f"{above}/versions/{which}")
        if which.lower() not in LATEST:
            return None
        kind = above.rstrip("/").split("/")[-2]
        return next(self._store.walk(f"{kind}/versions", above, newest_first=True), None)

    def require(self, asset: Any) -> None:
        """Refuse the id of an asset that is not there; what is no id is not looked at."""
        if isinstance(asset, str) and ASSET_ID.fullmatch(asset) and self.find(asset) is None:
            raise user_error(f"The asset {asset} does not exist.", "AssetNotFound")

    def require_environment(self, environment: Any) -> None:
        """Refuse an environment that is neither here nor a curated one."""
        text = str(environment or "")
        if match := REGISTRY_ENVIRONMENT.fullmatch(text):
            if match["registry"].lower() != CURATED_REGISTRY:
                message = f"The registry '{match['registry']}' of {text} was not found."
                raise user_error(message, "RegistryNotFound")
        elif not text.lower().startswith(CURATED_PREFIX):
            self.require(environment)

    def require_compute(self, name: str) -> None:
        """Refuse the name of a compute target that is not there."""
        known = self._store.get(f"{self._workspace}/computes/{name}")
        if known is None and name.lower() not in LOCAL_COMPUTES:
            raise user_error(f"The compute target '{name}' was not found.", "ComputeNotFound")

    def require_datastore(self, name: str) -> None:
        """Refuse the name of a datastore that is not there."""
        if self._store.get(f"{self._workspace}/datastores/{name}") is None:
            raise user_error(f"The datastore '{name}' was not found.", "DatastoreNotFound")
