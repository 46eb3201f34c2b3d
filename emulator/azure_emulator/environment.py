"""The environment variables that point Azure's SDKs at this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .certificates import certificate_paths

if TYPE_CHECKING:
    from pathlib import Path

CLOUD = "AzureLocal"
IDENTITY_HEADER = "azure-emulator"


def client_environment(home: Path, base_url: str) -> dict[str, str]:
    """Give what an unmodified MLClient(DefaultAzureCredential()) needs to find the emulator."""
    base_url = base_url.rstrip("/")
    return {
        "REQUESTS_CA_BUNDLE": str(certificate_paths(home.resolve()).bundle),
        "SSL_CERT_FILE": str(certificate_paths(home.resolve()).bundle),
        "ARM_CLOUD_METADATA_URL": f"{base_url}/metadata/endpoints?api-version=2019-05-01",
        "AZUREML_CURRENT_CLOUD": CLOUD,
        "IDENTITY_ENDPOINT": f"{base_url}/identity/token",
        "REGISTRY_DISCOVERY_ENDPOINT_URL": f"{base_url}/",
        "IDENTITY_HEADER": IDENTITY_HEADER,
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
    }
