"""Access to the storage account (Azurite over TLS) for the emulator's own parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from azure.storage.blob import BlobServiceClient, ContainerClient

ACCOUNT = "devstoreaccount1"
# Azurite's published development key: the same on every machine, a secret nowhere.
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass(frozen=True)
class StorageAccess:
    """One storage account: where it is, its key, and the CA that its certificate is checked by."""

    blob_url: str
    ca: Path
    account: str = ACCOUNT
    account_key: str = ACCOUNT_KEY

    @cached_property
    def service(self) -> BlobServiceClient:
        """Give one client with its own connection pool, made at the first use."""
        # The storage library costs half a second: never at the emulator's start.
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(
            self.blob_url,
            credential={"account_name": self.account, "account_key": self.account_key},
            connection_verify=str(self.ca),
        )

    def container(self, name: str) -> ContainerClient:
        """Give a client of one container, whether it exists or not."""
        return self.service.get_container_client(name)

    def ensure_container(self, name: str) -> None:
        """Make the container when it is missing."""
        container = self.container(name)
        if not container.exists():
            container.create_container()
