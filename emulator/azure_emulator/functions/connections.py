"""Finds the storage account that a function's `connection` names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azure_emulator.functions.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.credentials import TokenCredential
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueClient

DEFAULT = "AzureWebJobsStorage"
_DEVELOPMENT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)


@dataclass(frozen=True)
class Connection:
    """One storage account: by connection string, or by the addresses of its services."""

    name: str
    connection_string: str | None
    queue_url: str | None
    blob_url: str | None
    client_id: str | None

    def queue(self, name: str) -> QueueClient:
        """Return a client of one queue; its messages come and go as plain text."""
        from azure.storage.queue import QueueClient

        if self.connection_string:
            # The listener has its own patience; the client's would hold up a stop for a minute.
            return QueueClient.from_connection_string(
                self.connection_string, name, retry_total=1, retry_backoff_factor=0.2
            )
        if not self.queue_url:
            raise SettingError(f"the app setting '{self.name}__queueServiceUri' is missing")
        return QueueClient(self.queue_url, name, credential=self._identity(), retry_total=1)

    def require_blobs(self) -> None:
        """Refuse, naming the setting, when the account's blobs are not named."""
        if not self.connection_string and not self.blob_url:
            raise SettingError(
                f"the app setting '{self.name}__blobServiceUri' is missing: timers need it"
            )

    def blobs(self) -> BlobServiceClient:
        """Return a client of the account's blobs."""
        from azure.storage.blob import BlobServiceClient

        # No patience of its own: who holds a lease must know at once that it cannot be renewed.
        if self.connection_string:
            return BlobServiceClient.from_connection_string(self.connection_string, retry_total=0)
        self.require_blobs()
        return BlobServiceClient(str(self.blob_url), credential=self._identity(), retry_total=0)

    def _identity(self) -> TokenCredential:
        from azure.identity import DefaultAzureCredential

        if self.client_id:
            return DefaultAzureCredential(managed_identity_client_id=self.client_id)
        return DefaultAzureCredential()


def find_connection(name: str | None, environment: Mapping[str, str]) -> Connection:
    """Return the account that the app settings name `name`, or refuse naming the setting."""
    name = name or DEFAULT
    for prefix in (f"AzureWebJobs{name}", name):
        found = _connection(prefix, environment)
        if found is not None:
            return found
    raise SettingError(
        f"the app setting {name!r} is missing (or {name}__queueServiceUri for access by identity)"
    )


def _connection(prefix: str, environment: Mapping[str, str]) -> Connection | None:
    text = environment.get(prefix)
    if text:
        whole = _DEVELOPMENT if text.strip("; ").lower() == "usedevelopmentstorage=true" else text
        return Connection(prefix, whole, None, None, None)
    account = environment.get(f"{prefix}__accountName")

    def url(service: str) -> str | None:
        given = environment.get(f"{prefix}__{service}ServiceUri")
        return given or (f"https://{account}.{service}.core.windows.net" if account else None)

    queue_url = url("queue") or environment.get(f"{prefix}__serviceUri")
    if queue_url is None and url("blob") is None:
        return None
    return Connection(prefix, None, queue_url, url("blob"), environment.get(f"{prefix}__clientId"))
