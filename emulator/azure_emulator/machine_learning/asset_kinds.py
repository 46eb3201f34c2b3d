"""What is special about each kind of asset."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from ..arm import Json, envelope, user_error
from ..router import WORKSPACE, Operation
from .assets import Assets
from .uris import Places
from .workspace import container_sas

if TYPE_CHECKING:
    from starlette.responses import Response

    from ..context import Context
    from ..resource import Resource
    from ..router import Call


class DataAssets(Assets):
    """Bookmarks of data: a name, a version and a URI."""

    kind = "data"
    title = "Data"
    immutable = ("dataUri", "dataType")

    def accept(self, call: Call, properties: Json) -> Json:  # noqa: ARG002
        """Refuse data without a URI."""
        if not properties.get("dataUri"):
            raise user_error("A data asset needs 'dataUri'.")
        return properties


class Models(Assets):
    """Registered models: folders or files in a datastore."""

    kind = "models"
    title = "Model"
    immutable = ("modelUri", "modelType")

    def __init__(self, context: Context, places: Places) -> None:
        super().__init__(context)
        self._places = places

    def accept(self, call: Call, properties: Json) -> Json:  # noqa: ARG002
        """Resolve a job's output to where it lies, so that the model outlives the job."""
        if not properties.get("modelUri"):
            raise user_error("A model needs 'modelUri'.")
        given = str(properties["modelUri"])
        self._places.resolve(given)
        if match := re.match(r"azureml://jobs/([^/]+)/", given):
            properties["jobName"] = properties.get("jobName") or match[1]
        return {**properties, "modelUri": self._places.long_uri(given)}

    def show(self, resource: Resource) -> Json:
        """Add `flavors`, without which the SDK cannot read a model."""
        return envelope(resource, {"flavors": {}, **resource.properties})


class Environments(Assets):
    """Docker images by name; what they run locally is said at the start of `serve`."""

    kind = "environments"
    title = "Environment"
    immutable = ("image", "condaFile", "build", "inferenceConfig")

    def accept(self, call: Call, properties: Json) -> Json:  # noqa: ARG002
        """Add what the service says of every environment of a user."""
        return {"osType": "Linux", "environmentType": "UserCreated", **properties}


class Codes(Assets):
    """Code folders, found again by the hash of their content."""

    kind = "codes"
    title = "Code"
    immutable = ("codeUri",)

    def operations(self) -> list[Operation]:
        """Add the start of an upload."""
        path = WORKSPACE + "/codes/{name}/versions/{version}/startPendingUpload"
        name = "CodeVersions.CreateOrGetStartPendingUpload"
        return [*super().operations(), Operation(name, "POST", path, self.start_upload)]

    async def list_versions(self, call: Call) -> Response:
        """Find code by its hash, whatever name was asked for."""
        wanted = call.query("hash")
        if not wanted:
            return await super().list_versions(call)
        versions = self._context.store.list("codes/versions")
        found = [
            self.show(version)
            for version in versions
            if (version.properties.get("properties") or {}).get("hash_sha256") == wanted
        ]
        return call.page(found)

    async def start_upload(self, call: Call) -> Response:
        """Give a fresh container: two folders of the same name must not meet."""
        storage = self._context.storage
        container = f"code-{uuid.uuid4()}"

        def prepare() -> str:
            storage.ensure_container(container)
            return container_sas(storage, container)

        token = await asyncio.to_thread(prepare)
        uri = f"{storage.blob_url}/{container}"
        reference = {
            "blobUri": uri,
            "storageAccountArmId": "",
            "credential": {"credentialType": "SAS", "sasUri": f"{uri}?{token}"},
        }
        return JSONResponse(
            {
                "pendingUploadId": call.params["version"],
                "pendingUploadType": "TemporaryBlobReference",
                "blobReferenceForConsumption": reference,
            }
        )
