"""The registry `azureml` with Microsoft's curated environments, as far as their names go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from ..arm import PROVIDER, Json, not_found
from ..resource import now
from ..router import Call, Operation
from .references import CURATED_REGISTRY

if TYPE_CHECKING:
    from ..context import Context

DISCOVERY = "/registrymanagement/v1.0/registries/{registry}/discovery"
PREFIX = "mferp/managementfrontend"
REGISTRY = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.MachineLearningServices/registries/{registry}"
)
CURATED = (
    "acpt-pytorch-2.2-cuda12.1",
    "lightgbm-3.3",
    "minimal-py311-inference",
    "responsibleai-tabular",
    "sklearn-1.1",
    "sklearn-1.5",
    "tensorflow-2.16-cuda12",
)
LATEST = "1"


class Registries:
    """Answers `MLClient(registry_name="azureml")`: environments are read, nothing is written."""

    def __init__(self, context: Context) -> None:
        self._settings = context.settings
        self._since = now()

    def operations(self) -> list[Operation]:
        """Give the operations."""
        names = f"/{PREFIX}{REGISTRY}/environments"
        versions = names + "/{name}/versions"
        kind = "RegistryEnvironment"
        return [
            Operation("RegistryManagement.Get", "GET", DISCOVERY, self.discover),
            Operation(f"{kind}Containers.List", "GET", names, self.list_names),
            Operation(f"{kind}Containers.Get", "GET", names + "/{name}", self.get_name),
            Operation(f"{kind}Versions.List", "GET", versions, self.list_versions),
            Operation(f"{kind}Versions.Get", "GET", versions + "/{version}", self.get_version),
        ]

    async def discover(self, call: Call) -> Response:
        """Say where a registry is: here."""
        self._require(call)
        return JSONResponse(
            {
                "registryName": CURATED_REGISTRY,
                "primaryRegion": self._settings.location,
                "primaryRegionResourceProviderUri": f"{call.base_url}/",
                "resourceGroup": self._settings.resource_group,
                "subscriptionId": self._settings.subscription,
            }
        )

    async def list_names(self, call: Call) -> Response:
        """Give the names that are known."""
        self._require(call)
        return call.page([self._name(name) for name in CURATED])

    async def get_name(self, call: Call) -> Response:
        """Describe one name."""
        return JSONResponse(self._name(self._known(call)))

    async def list_versions(self, call: Call) -> Response:
        """Give the versions of a name: one, which stands for the latest."""
        return call.page([self._version(self._known(call), LATEST)])

    async def get_version(self, call: Call) -> Response:
        """Describe a version; every number is there, since none is looked at."""
        return JSONResponse(self._version(self._known(call), call.params["version"]))

    def _require(self, call: Call) -> None:
        if call.params["registry"].lower() != CURATED_REGISTRY:
            raise not_found(f"Registry {call.params['registry']}")

    def _known(self, call: Call) -> str:
        self._require(call)
        for name in CURATED:
            if name.lower() == call.params["name"].lower():
                return name
        raise not_found(f"Environment {call.params['name']} of the registry {CURATED_REGISTRY}")

    def _name(self, name: str) -> Json:
        properties: Json = {
            "description": None,
            "tags": {},
            "properties": {},
            "isArchived": False,
            "latestVersion": LATEST,
            "nextVersion": str(int(LATEST) + 1),
            "provisioningState": "Succeeded",
        }
        return self._envelope(f"environments/{name}", "environments", properties)

    def _version(self, name: str, version: str) -> Json:
        properties: Json = {
            "description": "A curated environment: locally it is the chosen Python.",
            "tags": {},
            "properties": {},
            "isArchived": False,
            "isAnonymous": False,
            "environmentType": "Curated",
            "osType": "Linux",
            "image": f"mcr.microsoft.com/azureml/curated/{name}:{version}",
            "provisioningState": "Succeeded",
        }
        path = f"environments/{name}/versions/{version}"
        return self._envelope(path, "environments/versions", properties)

    def _envelope(self, path: str, kind: str, properties: Json) -> Json:
        return {
            "id": f"azureml://registries/{CURATED_REGISTRY}/{path}",
            "name": path.rpartition("/")[2],
            "type": f"{PROVIDER}/registries/{kind}",
            "properties": properties,
            "systemData": {"createdAt": self._since, "lastModifiedAt": self._since},
        }
