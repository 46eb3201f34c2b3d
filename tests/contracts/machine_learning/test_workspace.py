"""How the official client is kept: built once, late, and without leaving anything behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from azure_emulator.testing import Emulator, free_port, wait_until

from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.azure_ml_models import AzureModelRegistry
from shared.adapters.credential import LazyCredential
from shared.domain.errors import UnavailableError

OUT_OF_REACH = """
from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.azure_ml_jobs import AzureTrainingJobs
from shared.adapters.credential import LazyCredential
from shared.domain.errors import UnavailableError
import sys
assert "azure.ai.ml" not in sys.modules
jobs = AzureTrainingJobs(
    AzureMachineLearning("s", "g", "w", LazyCredential()),
    lambda model, number: None, compute="c", landing_datastore="l", runs_datastore="r",
)
for _ in range(2):
    try:
        jobs.get("job")
    except UnavailableError:
        continue
    sys.exit("no error")
"""


def test_client_is_built_once(local_azure: Emulator, credential: LazyCredential) -> None:
    """However many ask at the same time, there is one client of a workspace."""
    workspace = AzureMachineLearning(
        local_azure.subscription, local_azure.resource_group, local_azure.workspace, credential
    )
    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(lambda _: workspace.client(), range(4)))
    assert len({id(client) for client in clients}) == 1


def test_workspace_out_of_reach_is_unavailable(local_azure: Emulator) -> None:
    """A process that starts while Azure does not answer tries again on its next pass."""
    nobody = f"https://127.0.0.1:{free_port()}"
    environment = {
        **local_azure.environment,
        "ARM_CLOUD_METADATA_URL": f"{nobody}/metadata/endpoints?api-version=2019-05-01",
        "PYTHONPATH": ":".join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_REACH], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_service_that_drops_calls_is_unavailable(
    workspace: AzureMachineLearning, faults, unique: str
) -> None:
    """A connection that breaks is the next pass's work."""
    faults(operation="ModelVersions.Get", count=9, drop="before")
    with pytest.raises(UnavailableError):
        AzureModelRegistry(workspace, "workspaceblobstore").job_of(unique, 1)


def test_nobody_waits_for_an_operation(
    azure_endpoint, local_azure: Emulator, unique: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a write no thread asks how the operation goes, and none writes dots about it."""
    url = f"{local_azure.url}/_emulator/requests"
    requests.delete(url, timeout=10).raise_for_status()
    before = threading.active_count()
    azure_endpoint.slowly()
    azure_endpoint.endpoint.create(unique)
    wait_until(lambda: threading.active_count() <= before, what="the end of the client's thread")
    azure_endpoint.settled()
    counts = requests.get(url, timeout=10).json()["counts"]
    assert counts["OnlineEndpoints.CreateOrUpdate"] == 1
    assert not {"OperationsStatus.Get", "OperationResults.Get"} & set(counts)
    assert capsys.readouterr().out == ""
