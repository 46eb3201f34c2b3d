"""Leases, landed files and run files in Azure blob containers."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_errors import azure_errors
from shared.domain.actions import PinnedFile
from shared.domain.errors import ConflictError, NoonError, NotFoundError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import BlobLeaseClient, BlobProperties, ContainerClient

LEASE_CONTAINER = "noon-leases"
"""The container of the leases' blobs, in the account of the app's storage."""


class AzureContainer:
    """A blob container by its URL; the client is built at the first use."""

    def __init__(self, url: str, credential: TokenCredential) -> None:
        self._url = url
        self._credential = credential
        self._lock = Lock()
        self._client: ContainerClient | None = None

    def client(self) -> ContainerClient:
        """The client of the container, whether that exists or not."""
        with self._lock:
            if self._client is None:
                from azure.storage.blob import ContainerClient, LinearRetry

                self._client = ContainerClient.from_container_url(
                    self._url,
                    credential=self._credential,
                    # A pass holds a lease of a minute: better to give up and come again.
                    retry_policy=LinearRetry(backoff=1, retry_total=1, random_jitter_range=1),
                    connection_timeout=5,
                    read_timeout=20,
                )
            return self._client


class AzureLeaseHold:
    """A blob lease that is held, taken at `since` on the monotonic clock."""

    def __init__(
        self,
        model: str,
        lease: BlobLeaseClient,
        seconds: int,
        since: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._model = model
        self._lease = lease
        self._seconds = seconds
        self._since = since
        self._monotonic = monotonic

    def check(self) -> None:
        """Renew it once a third is over; raises ConflictError when it is no longer ours."""
        now = self._monotonic()
        if now - self._since <= self._seconds / 3:
            # Nobody else can have it yet, unless it was broken by hand: then saves conflict.
            return
        try:
            with azure_errors(f"renew the lease of {self._model}"):
                self._lease.renew()
        except NotFoundError as error:
            raise ConflictError(str(error)) from error
        self._since = now


class AzureBlobLease:
    """A lease on one blob for each model, in a container that is made when missing.

    A pass that is over within a third of the lease costs two requests: take it, give it back.
    """

    def __init__(
        self,
        account_url: str,
        credential: TokenCredential,
        lease_seconds: int = 60,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 15 <= lease_seconds <= 60:
            raise ValueError(f"a blob lease lasts 15 to 60 seconds, not {lease_seconds}")
        self._container = AzureContainer(f"{account_url}/{LEASE_CONTAINER}", credential)
        self._seconds = lease_seconds
        self._monotonic = monotonic

    @contextmanager
    def hold(self, model: str) -> Iterator[AzureLeaseHold | None]:
        """Take the model's lease and give it back in the end; None when somebody has it."""
        # Read before asking: the lease begins when the service takes the request, no earlier.
        since = self._monotonic()
        lease = self._taken(model)
        if lease is None:
            yield None
            return
        try:
            yield AzureLeaseHold(model, lease, self._seconds, since, self._monotonic)
        finally:
            # Lost, or not to be reached: it runs out by itself.
            with suppress(NoonError), azure_errors(f"release the lease of {model}"):
                lease.release()

    def _taken(self, model: str) -> BlobLeaseClient | None:
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        blob = self._container.client().get_blob_client(model)
        with azure_errors(f"take the lease of {model}"), suppress(ResourceExistsError):
            try:
                return blob.acquire_lease(self._seconds)
            except ResourceNotFoundError:
                self._make(model)
                return blob.acquire_lease(self._seconds)
        return None

    def _make(self, model: str) -> None:
        from azure.core.exceptions import ResourceExistsError

        container = self._container.client()
        with suppress(ResourceExistsError):
            container.create_container()
        # Between two makers the second finds the blob, and perhaps its lease.
        with suppress(ResourceExistsError):
            container.upload_blob(model, b"", overwrite=False)


class AzureLandingZone:
    """The container where data lands."""

    def __init__(self, container: AzureContainer) -> None:
        self._container = container

    def list(self, prefix: str) -> tuple[PinnedFile, ...]:
        """Every file below the prefix, sorted by path."""
        with azure_errors(f"list {prefix}"):
            blobs = list(
                self._container.client().list_blobs(name_starts_with=prefix, include=["metadata"])
            )
        files = (_pinned(blob) for blob in blobs if not _is_folder(blob))
        return tuple(sorted(files, key=lambda file: file.path))


class AzureRunFiles:
    """The container of manifests, specs and job outputs."""

    def __init__(self, container: AzureContainer) -> None:
        self._container = container

    def read(self, path: str) -> bytes | None:
        """The whole file, or None."""
        from azure.core.exceptions import ResourceNotFoundError

        with azure_errors(f"read {path}"):
            try:
                return self._container.client().download_blob(path).readall()
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) == "BlobNotFound":
                    return None
                raise

    def write_once(self, path: str, content: bytes) -> None:
        """Write it unless it is there; names are digests, so what is there is the same."""
        from azure.core.exceptions import ResourceExistsError

        with azure_errors(f"write {path}"), suppress(ResourceExistsError):
            self._container.client().upload_blob(path, content, overwrite=False)


def _pinned(blob: BlobProperties) -> PinnedFile:
    md5: Any = blob.content_settings.content_md5
    return PinnedFile(
        path=str(blob.name),
        size=int(blob.size),
        md5=base64.b64encode(md5).decode() if md5 else None,
        etag=str(blob.etag).strip('"'),
    )


def _is_folder(blob: BlobProperties) -> bool:
    """A marker that stands for a folder, as accounts with a hierarchical namespace list them."""
    metadata = {key.lower(): value for key, value in (blob.metadata or {}).items()}
    return blob.size == 0 and (
        blob.name.endswith("/") or metadata.get("hdi_isfolder", "").lower() == "true"
    )
