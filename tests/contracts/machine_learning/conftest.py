"""The ports of Azure ML twice: in memory, and over the official client against real processes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from azure_emulator.testing import Azurite, Emulator, wait_until

from shared.adapters.azure_blobs import AzureContainer, AzureRunFiles
from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.azure_ml_assets import register_components
from shared.adapters.azure_ml_endpoints import AzureOnlineEndpoint
from shared.adapters.azure_ml_jobs import AzureTrainingJobs
from shared.adapters.azure_ml_models import AzureModelRegistry
from shared.adapters.credential import LazyCredential
from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.endpoint import MemoryOnlineEndpoint
from shared.adapters.memory.jobs import MemoryModelRegistry, MemoryTrainingJobs
from shared.domain.facts import EndpointFacts, JobFacts, JobStatus, Release
from shared.domain.places import output_path
from shared.domain.state import ManifestRef, Score, Training, Version
from shared.ports import ModelRegistry, OnlineEndpoint, TrainingJobs

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMPONENTS = Path(__file__).parent / "components"
RUNS = "workspaceblobstore"
MANIFEST = ManifestRef("ab12", "noon/manifests/contract/ab12.json", 1, 10)
OUTCOMES = {status: f"noon/specs/contract/{status}.json" for status in JobStatus}


def training(unique: str, outcome: JobStatus, component: str) -> Training:
    """A training whose job ends as it is told."""
    return Training(
        job=f"{unique}-a1",
        cause="slot",
        because="the slot of 12:00 is due",
        stamp="20261123t1200",
        attempt=1,
        planned_at=NOON,
        manifest=MANIFEST,
        previous=None,
        spec_path=OUTCOMES[outcome],
        component=component,
    )


def version(number: int, job: str) -> Version:
    """A promoted version."""
    score = Score("roc_auc", True, 0.75, 0.01, 0.03, "baseline prior", 1000, 1200, 200)
    return Version(number, job, NOON, score)


@pytest.fixture(scope="session")
def workspace(local_azure: Emulator, credential: LazyCredential) -> AzureMachineLearning:
    """The workspace over the official client."""
    return AzureMachineLearning(
        local_azure.subscription, local_azure.resource_group, local_azure.workspace, credential
    )


@pytest.fixture(scope="session")
def contract_release(workspace: AzureMachineLearning) -> Release:
    """The tiny pipeline and the tiny scoring service, registered."""
    release = register_components(workspace.client(), COMPONENTS, image="tiny-backend:1")
    register_components(workspace.client(), COMPONENTS, image="broken-backend:1")
    return release


@pytest.fixture(scope="session")
def run_container(
    local_azure: Emulator, azurite: Azurite, credential: LazyCredential
) -> Iterator[AzureContainer]:
    """The container of run files, with what the tiny pipeline reads."""
    container = AzureContainer(f"{azurite.blob_url}/azureml-blobstore", credential)
    files = AzureRunFiles(container)
    files.write_once(MANIFEST.path, b"the manifest")
    for outcome, path in OUTCOMES.items():
        files.write_once(path, json.dumps({"outcome": outcome}).encode())
    landing = AzureContainer(f"{azurite.blob_url}/landing", credential)
    landing.client().upload_blob("landed.csv", b"a\n1\n")
    landing.client().close()
    yield container
    container.client().close()


@pytest.fixture
def faults(local_azure: Emulator) -> Iterator[Callable[..., None]]:
    """Makes the next calls of an operation of the service suffer."""
    url = f"{local_azure.url}/_emulator/faults"

    def add(**fault: Any) -> None:
        requests.post(url, json=fault, timeout=10).raise_for_status()

    yield add
    requests.delete(url, timeout=10).raise_for_status()


@dataclass(frozen=True)
class JobsUnderTest:
    """Jobs, and how they come to their end."""

    jobs: TrainingJobs
    ended: Callable[[str], JobFacts]
    training: Callable[[str, JobStatus], Training]


@pytest.fixture(params=["memory", "azure"])
def training_jobs(request: pytest.FixtureRequest) -> JobsUnderTest:
    """No jobs of this test yet."""
    if request.param == "azure":
        azure: JobsUnderTest = request.getfixturevalue("azure_jobs")
        return azure
    memory = MemoryTrainingJobs()

    def ended(job: str) -> JobFacts:
        spec = memory.submitted[job].spec_path
        if memory.get(job) == JobFacts(job, JobStatus.RUNNING):
            memory.finish(job, next(status for status, path in OUTCOMES.items() if path == spec))
        facts = memory.get(job)
        assert facts
        return facts

    return JobsUnderTest(memory, ended, partial(training, component="contract_retrain:1"))


@pytest.fixture
def azure_jobs(
    workspace: AzureMachineLearning, contract_release: Release, run_container: AzureContainer
) -> JobsUnderTest:
    """Jobs over the official client."""
    jobs = AzureTrainingJobs(
        workspace,
        AzureModelRegistry(workspace, RUNS).job_of,
        compute="cpu-cluster",
        landing_datastore="landing",
        runs_datastore=RUNS,
        code_commit="c0ffee",
        # Another trace with each call: it may not make another job of it.
        traceparent=lambda: f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01",
    )

    def look(job: str) -> JobFacts | None:
        facts = jobs.get(job)
        return facts if facts and facts.status is not JobStatus.RUNNING else None

    def ended(job: str) -> JobFacts:
        facts = wait_until(lambda: look(job), timeout_seconds=60, what=f"the end of {job}")
        assert facts
        return facts

    return JobsUnderTest(jobs, ended, partial(training, component=contract_release.component))


@pytest.fixture(params=["memory", "azure"])
def model_registry(request: pytest.FixtureRequest) -> ModelRegistry:
    """No models of this test yet."""
    if request.param == "memory":
        return MemoryModelRegistry()
    return AzureModelRegistry(request.getfixturevalue("workspace"), RUNS)


@dataclass(frozen=True)
class EndpointUnderTest:
    """An endpoint whose operations take a moment, and how the moment passes."""

    endpoint: OnlineEndpoint
    settled: Callable[[], EndpointFacts]
    """What is there when no operation runs any more."""
    slowly: Callable[[], object]
    """From now on operations take long enough to be watched."""
    broken: int
    """Version of a serving environment in which nothing comes up."""


@pytest.fixture(params=["memory", "azure"])
def online_endpoint(request: pytest.FixtureRequest, unique: str) -> EndpointUnderTest:
    """No endpoint of this test's model yet; its versions 1 and 2 are registered."""
    if request.param == "azure":
        azure: EndpointUnderTest = request.getfixturevalue("azure_endpoint")
        return azure
    clock = MemoryClock(NOON)
    memory = MemoryOnlineEndpoint(clock, operation_seconds=1)
    memory.failures["v1-e2"] = "ZeroDivisionError: division by zero"

    def settled() -> EndpointFacts:
        clock.advance(timedelta(seconds=1))
        facts = memory.get(unique)
        assert facts
        return facts

    return EndpointUnderTest(memory, settled, lambda: None, 2)


@pytest.fixture
def azure_endpoint(
    workspace: AzureMachineLearning,
    contract_release: Release,
    run_container: AzureContainer,
    local_azure: Emulator,
    unique: str,
) -> Iterator[EndpointUnderTest]:
    """An endpoint over the official client."""
    endpoint = AzureOnlineEndpoint(workspace)
    registry = AzureModelRegistry(workspace, RUNS)
    for number in (1, 2):
        job = f"{unique}-job-{number}"
        AzureRunFiles(run_container).write_once(output_path(job, "model", "schema.json"), b"{}")
        registry.register(unique, version(number, job), {})

    def look() -> EndpointFacts | None:
        facts = endpoint.get(unique)
        return facts if facts and facts.accepts_writes else None

    def settled() -> EndpointFacts:
        facts = wait_until(look, what="the end of the operation")
        assert facts
        return facts

    def pace(seconds: float) -> None:
        url = f"{local_azure.url}/_emulator/pace"
        requests.put(url, json={"operation_seconds": seconds}, timeout=10).raise_for_status()

    yield EndpointUnderTest(endpoint, settled, lambda: pace(2.0), 2)
    pace(0.0)
    if endpoint.get(unique) is not None and settled():
        workspace.client().online_endpoints.begin_delete(endpoint.name_of(unique))
