"""The workspace, its discovery document and its datastores."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from ..arm import PROVIDER, Json, envelope, not_found, not_implemented, properties_of, user_error
from ..router import WORKSPACE, Call, Operation
from ..settings import BUILT_IN_DATASTORES, DEFAULT_DATASTORE

if TYPE_CHECKING:
    from ..context import Context
    from ..resource import Resource
    from ..storage import StorageAccess

SAS_DAYS = 7
NO_CREDENTIALS = "None"


def workspace_guid(workspace_id: str) -> str:
    """Give the GUID by which data planes know the workspace: always the same for one id."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, workspace_id.lower()))


class Workspaces:
    """Answers for the one workspace."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def operations(self) -> list[Operation]:
        """Give the operations."""
        group = WORKSPACE.rpartition("/")[0]
        return [
            Operation("Workspaces.Get", "GET", WORKSPACE, self.get),
            Operation("Workspaces.ListByResourceGroup", "GET", group, self.list),
            Operation("Discovery.Get", "GET", "/discovery/workspaces/{guid}", self.discovery),
        ]

    async def get(self, call: Call) -> Response:
        """Describe the workspace."""
        return JSONResponse(self._workspace(call.base_url))

    async def list(self, call: Call) -> Response:
        """Give the workspaces of the resource group: one."""
        return call.page([self._workspace(call.base_url)])

    async def discovery(self, call: Call) -> Response:
        """Say where the data planes are: all of them here."""
        names = ("api", "history", "experimentation", "hyperdrive", "modelmanagement", "pipelines")
        return JSONResponse(dict.fromkeys((*names, "studio", "catalog"), call.base_url))

    def _workspace(self, base_url: str) -> Json:
        settings = self._context.settings
        group = f"/subscriptions/{settings.subscription}/resourceGroups/{settings.resource_group}"
        account = self._context.storage.account
        guid = workspace_guid(settings.workspace_id)
        return {
            "id": settings.workspace_id,
            "name": settings.workspace,
            "type": f"{PROVIDER}/workspaces",
            "location": settings.location,
            "tags": {},
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "friendlyName": settings.workspace,
                "workspaceId": guid,
                "discoveryUrl": f"{base_url}/discovery/workspaces/{guid}",
                "mlFlowTrackingUri": f"azureml://local/mlflow/v1.0{settings.workspace_id}",
                "provisioningState": "Succeeded",
                "publicNetworkAccess": "Enabled",
                "storageAccount": f"{group}/providers/Microsoft.Storage/storageAccounts/{account}",
            },
        }


class Datastores:
    """Blob containers of the one storage account, by the names that jobs use."""

    def __init__(self, context: Context) -> None:
        self._context = context
        for name, container in {**BUILT_IN_DATASTORES, **context.settings.datastores}.items():
            self._put(name, container)

    def operations(self) -> list[Operation]:
        """Give the operations."""
        one = WORKSPACE + "/datastores/{name}"
        return [
            Operation("Datastores.Get", "GET", one, self.get),
            Operation("Datastores.List", "GET", WORKSPACE + "/datastores", self.list),
            Operation("Datastores.CreateOrUpdate", "PUT", one, self.put),
            Operation("Datastores.Delete", "DELETE", one, self.delete),
            Operation("Datastores.ListSecrets", "POST", one + "/listSecrets", self.secrets),
        ]

    async def get(self, call: Call) -> Response:
        """Describe one datastore."""
        return JSONResponse(envelope(self._read(call)))

    async def list(self, call: Call) -> Response:
        """Give the datastores, or only the default one."""
        stores = self._context.store.list("datastores")
        if call.query("isDefault").lower() == "true":
            stores = [store for store in stores if store.properties["isDefault"]]
        return call.page([envelope(store) for store in stores])

    async def put(self, call: Call) -> Response:
        """Register a container of our storage account."""
        properties = properties_of(call.body)
        if properties.get("datastoreType") != "AzureBlob":
            raise not_implemented(f"A datastore of type {properties.get('datastoreType')}")
        container = str(properties.get("containerName"))
        await asyncio.to_thread(self._context.storage.ensure_container, container)
        resource, created = self._put(call.params["name"], container, properties)
        return JSONResponse(envelope(resource), 201 if created else 200)

    async def delete(self, call: Call) -> Response:
        """Forget a datastore; its container stays."""
        found = self._context.store.delete(self._id(call.params["name"]))
        return Response(status_code=200 if found else 204)

    async def secrets(self, call: Call) -> Response:
        """Give a SAS token of the container."""
        datastore = self._read(call)
        if datastore.properties["credentials"]["credentialsType"] == NO_CREDENTIALS:
            raise user_error(f"The datastore '{datastore.name}' has no credentials.", "NoSecrets")
        container = datastore.properties["containerName"]
        token = await asyncio.to_thread(container_sas, self._context.storage, container)
        return JSONResponse({"secretsType": "Sas", "sasToken": token})

    def _read(self, call: Call) -> Resource:
        resource = self._context.store.get(self._id(call.params["name"]))
        if resource is None:
            raise not_found(f"Datastore {call.params['name']}")
        return resource

    def _id(self, name: str) -> str:
        return f"{self._context.workspace}/datastores/{name}"

    def _put(self, name: str, container: str, given: Json | None = None) -> tuple[Resource, bool]:
        url = urlsplit(self._context.storage.blob_url)
        credentials = (given or {}).get("credentials") or {}
        bare = credentials.get("credentialsType") == NO_CREDENTIALS
        properties = {
            "description": None,
            "tags": {},
            "properties": None,
            **(given or {}),
            "isDefault": name == DEFAULT_DATASTORE,
            "datastoreType": "AzureBlob",
            # The SDK builds https://{accountName}.blob.{suffix}; the # cuts off what follows.
            "accountName": f"{url.netloc}{url.path}#",
            "containerName": container,
            "endpoint": url.netloc,
            "protocol": "https",
            "serviceDataAccessAuthIdentity": "None",
            "credentials": {"credentialsType": NO_CREDENTIALS if bare else "Sas"},
        }
        return self._context.store.put(self._id(name), "datastores", {"properties": properties})


def container_sas(storage: StorageAccess, container: str) -> str:
    """Give a token that may read, write, list and delete in one container."""
    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    return generate_container_sas(
        storage.account,
        container,
        storage.account_key,
        permission=ContainerSasPermissions(
            read=True, add=True, create=True, write=True, delete=True, list=True
        ),
        expiry=datetime.now(UTC) + timedelta(days=SAS_DAYS),
    )


def blob_sas_url(storage: StorageAccess, container: str, blob: str) -> str:
    """Give a URL by which anybody may read one blob."""
    from azure.storage.blob import BlobSasPermissions, generate_blob_sas

    token = generate_blob_sas(
        storage.account,
        container,
        blob,
        account_key=storage.account_key,
        permission=BlobSasPermissions(read=True),
        expiry=datetime.now(UTC) + timedelta(days=1),
    )
    return f"{storage.blob_url}/{container}/{blob}?{token}"
