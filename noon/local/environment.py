"""The environment of the stack's processes: the settings that the app has in Azure, and nothing
of the shell's that would lead elsewhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noon.home import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP = "noon"
WORKSPACE = "noon"
COMPUTE = "cpu-cluster"
ACCOUNT = "devstoreaccount1"
LANDING = "landing"
RUNS = "azureml-blobstore"
DEAD_LETTERS = "dead-letters"
EMULATOR = ROOT / "emulator"
WEBUI = ROOT / "webui" / "dist"
"""The built web UI; `make setup` builds it."""
TICK_SCHEDULE = "*/2 * * * * *"

# A shell that is logged in to Azure must not change what a local stack does.
_FOREIGN = (
    "APPLICATIONINSIGHTS_",
    "AZURE_",
    "AZUREML_",
    "AzureWebJobs",
    "IDENTITY_",
    "MSI_",
    "NOON_",
    "ARM_",
    "FUNCTIONS_",
)
# CONTAINER_NAME makes the Functions libraries believe that they run inside Linux Consumption.
_MISLEADING = {"CONTAINER_NAME", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of one stack listen."""

    ports: Mapping[str, int]

    @property
    def app(self) -> str:
        """Give the base URL of the Functions host."""
        return f"http://127.0.0.1:{self.ports['functions']}"

    @property
    def webui(self) -> str:
        """Give the origin of the web UI."""
        return f"http://127.0.0.1:{self.ports['webui']}"

    @property
    def emulator(self) -> str:
        """Give the base URL of Azure ML, identity and Event Grid."""
        return f"https://127.0.0.1:{self.ports['emulator']}"

    @property
    def container(self) -> str:
        """Give the base URL of the scoring container, for models that ask for one."""
        return f"http://127.0.0.1:{self.ports['container']}"

    def storage(self, kind: str) -> str:
        """Give the account URL of `blob`, `queue` or `table`."""
        return f"https://127.0.0.1:{self.ports[kind]}/{ACCOUNT}"

    def as_dict(self) -> dict[str, str]:
        """Name every URL."""
        kinds = {kind: self.storage(kind) for kind in ("blob", "queue", "table")}
        return {"app": self.app, "azure": self.emulator, "webui": self.webui, **kinds}


def base_environment() -> dict[str, str]:
    """Give what every process of the stack gets, from the shell's environment."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name not in _MISLEADING
    }
    local = "127.0.0.1,localhost"
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = f"{kept[name]},{local}" if kept.get(name) else local
    # Frames drawn around tracebacks would fill the last lines of a log, which we show.
    kept["TYPER_STANDARD_TRACEBACK"] = "1"
    path = [str(EMULATOR), *filter(None, [kept.get("PYTHONPATH", "")])]
    kept["PYTHONPATH"] = os.pathsep.join(path)
    return kept


def azure_environment(home: Path, addresses: Addresses) -> dict[str, str]:
    """Give what points the Azure libraries and the app at this stack: the app's settings."""
    blob, queue, table = (addresses.storage(kind) for kind in ("blob", "queue", "table"))
    return {
        # What leads the unmodified Azure libraries to the emulator instead of to the cloud.
        "REQUESTS_CA_BUNDLE": str(home / "tls" / "bundle.pem"),
        "SSL_CERT_FILE": str(home / "tls" / "bundle.pem"),
        "ARM_CLOUD_METADATA_URL": f"{addresses.emulator}/metadata/endpoints?api-version=2019-05-01",
        "AZUREML_CURRENT_CLOUD": "AzureLocal",
        "IDENTITY_ENDPOINT": f"{addresses.emulator}/identity/token",
        "IDENTITY_HEADER": "azure-emulator",
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "NOON_PROFILE": "local",
        "NOON_MODELS_DIR": str(ROOT / "models"),
        "NOON_SUBSCRIPTION_ID": SUBSCRIPTION,
        "NOON_RESOURCE_GROUP": RESOURCE_GROUP,
        "NOON_WORKSPACE": WORKSPACE,
        "NOON_COMPUTE": COMPUTE,
        "NOON_LANDING_URL": f"{blob}/{LANDING}",
        "NOON_LANDING_DATASTORE": LANDING,
        "NOON_RUNS_URL": f"{blob}/{RUNS}",
        "NOON_RUNS_DATASTORE": "workspaceblobstore",
        "NOON_DEAD_LETTER_URL": f"{blob}/{DEAD_LETTERS}",
        "NOON_BLOB_URL": blob,
        "NOON_QUEUE_URL": queue,
        "NOON_TABLE_URL": table,
        "NOON_QUEUE_NAME": "noon-reconcile",
        "NOON_NOTICES_QUEUE_NAME": "noon-notices",
        "AzureWebJobsStorage__blobServiceUri": blob,
        "AzureWebJobsStorage__queueServiceUri": queue,
        "AzureWebJobsStorage__tableServiceUri": table,
        "TRAINING_SCHEDULE": "0 0 12 * * *",
        "TICK_SCHEDULE": TICK_SCHEDULE,
    }
