"""The ways in which Azure ML names a place in storage, resolved to container and path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..arm import not_found, user_error
from ..settings import ARTIFACT_DATASTORE

if TYPE_CHECKING:
    from ..store import Store

SHORT = re.compile(r"azureml://datastores/(?P<datastore>[^/]+)/(?:paths/)?(?P<path>.*)")
LONG = re.compile(
    r"azureml:/*subscriptions/[^/]+/resourcegroups/[^/]+/(?:providers/[^/]+/)?workspaces/[^/]+"
    r"/datastores/(?P<datastore>[^/]+)/paths/(?P<path>.*)",
    re.IGNORECASE,
)
JOB_OUTPUT = re.compile(
    r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths)?(?:/(?P<path>.*))?"
)
ASSET = re.compile(
    r"(?:azureml:)?/*(?P<id>subscriptions/.+/(?P<kind>data|models)/[^/]+/versions/[^/]+)/?",
    re.IGNORECASE,
)
ARTIFACTS = ("artifacts", "default")
"""Names by which every job's logs and artifacts are an output."""
SHORT_ASSET = re.compile(r"azureml:(?P<name>[^:/]+):(?P<version>[^:/]+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A blob or a folder of blobs in our storage account."""

    container: str
    path: str

    @property
    def name(self) -> str:
        """Give the last part of the path ('' at the container's root)."""
        return self.path.rstrip("/").rpartition("/")[2]

    def below(self, path: str) -> Place:
        """Give a place inside this folder."""
        return Place(self.container, f"{self.path.rstrip('/')}/{path}".lstrip("/"))


class Places:
    """Resolves URIs with what the store knows about datastores, assets and jobs."""

    def __init__(self, store: Store, workspace_id: str, blob_url: str) -> None:
        self._store = store
        self._workspace = workspace_id
        self._blob_url = blob_url.rstrip("/")

    def resolve(self, uri: str) -> Place:
        """Give the place behind a URI, or refuse by name."""
        if match := SHORT.fullmatch(uri) or LONG.fullmatch(uri):
            return self._in_datastore(match["datastore"], match["path"])
        if uri.startswith(self._blob_url + "/"):
            container, _, path = uri[len(self._blob_url) + 1 :].partition("?")[0].partition("/")
            return Place(container, path)
        following = self._follow(uri)
        if following:
            return self.resolve(following)
        raise user_error(f"The emulator cannot resolve the URI '{uri}'.", "InvalidUri")

    def long_uri(self, uri: str) -> str:
        """Give the URI with its datastore in full, as the service stores it."""
        if following := self._follow(uri):
            return self.long_uri(following)
        match = SHORT.fullmatch(uri)
        if match is None:
            return uri
        workspace = self._workspace.replace("/providers/Microsoft.MachineLearningServices", "")
        return f"azureml:/{workspace}/datastores/{match['datastore']}/paths/{match['path']}"

    def _follow(self, uri: str) -> str | None:
        """Give the URI that an asset or a job's output stands for."""
        if match := ASSET.fullmatch(uri):
            return self._of_asset("/" + match["id"], match["kind"].lower(), uri)
        if match := SHORT_ASSET.fullmatch(uri):
            asset = f"{self._workspace}/data/{match['name']}/versions/{match['version']}"
            return self._of_asset(asset, "data", uri)
        if match := JOB_OUTPUT.fullmatch(uri):
            base = self._of_job(match["job"], match["output"])
            return f"{base.rstrip('/')}/{match['path']}" if match["path"] else base
        return None

    def _of_asset(self, asset: str, kind: str, uri: str) -> str:
        resource = self._store.get(asset)
        if resource is None:
            raise not_found(f"Asset {uri}")
        return str(resource.properties["dataUri" if kind == "data" else "modelUri"])

    def _of_job(self, job: str, output: str) -> str:
        run = self._store.get(f"{self._workspace}/runs/{job}")
        if run is None:
            raise not_found(f"Job {job}")
        uri = run.state.get("outputs", {}).get(output)
        if uri is None and output in ARTIFACTS:
            place = f"ExperimentRun/dcid.{run.name}/"
            return f"azureml://datastores/{ARTIFACT_DATASTORE}/paths/{place}"
        if uri is None:
            raise user_error(f"Job '{job}' has no output '{output}'.", "OutputNotFound")
        return str(uri)

    def _in_datastore(self, datastore: str, path: str) -> Place:
        resource = self._store.get(f"{self._workspace}/datastores/{datastore}")
        if resource is None:
            raise not_found(f"Datastore {datastore}")
        return Place(str(resource.properties["containerName"]), path.lstrip("/"))
