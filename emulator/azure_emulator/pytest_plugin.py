"""Fixtures for the tests of those who use the emulator; pytest finds them by itself.

`azure_in_process` and `ml_client_in_process` need no Azurite and take milliseconds;
`azure_emulator` and `ml_client` are the whole of it, as processes, once per test session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.ai.ml import MLClient

    from .in_process import InProcessAzure
    from .testing import Emulator


class AzureFaults:
    """Adds rules to an emulator and counts their hits."""

    def __init__(self, azure: Emulator | InProcessAzure) -> None:
        self._azure = azure

    def add(self, name: str, **fields: Any) -> str:
        """Add a preset, or a rule for operations (a name with a dot or a star); give its id."""
        kind = "operation" if "." in name or "*" in name else "preset"
        return str(self._azure.control("POST", "faults", {kind: name, **fields})["id"])

    def remove(self, rule: str) -> int:
        """Forget one rule and give how often it hit."""
        return int(self._azure.control("DELETE", f"faults/{rule}")["hits"])

    def clear(self) -> None:
        """Forget all rules."""
        self._azure.control("DELETE", "faults")


@pytest.fixture(scope="session")
def azure_emulator_options() -> dict[str, Any]:
    """Options of `start_emulator` for the session; override it in a conftest.py."""
    return {}


@pytest.fixture(scope="session")
def azure_emulator(
    tmp_path_factory: pytest.TempPathFactory, azure_emulator_options: dict[str, Any]
) -> Iterator[Emulator]:
    """Azurite and the emulator as processes; this process's SDKs are pointed at them."""
    from .azurite import ensure_azurite
    from .testing import start_azurite, start_emulator

    home = tmp_path_factory.mktemp("azure-emulator")
    ensure_azurite(print)
    with (
        start_azurite(home) as azurite,
        start_emulator(home, azurite.blob_url, **azure_emulator_options) as emulator,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        yield emulator


@pytest.fixture(scope="session")
def ml_client(azure_emulator: Emulator) -> MLClient:
    """A client of the whole emulator, made as in production."""
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    emulator = azure_emulator
    names = (emulator.subscription, emulator.resource_group, emulator.workspace)
    return MLClient(DefaultAzureCredential(), *names)


@pytest.fixture
def azure_faults(azure_emulator: Emulator) -> Iterator[AzureFaults]:
    """Faults of the whole emulator that end with the test."""
    faults = AzureFaults(azure_emulator)
    yield faults
    faults.clear()


@pytest.fixture
def azure_in_process() -> Iterator[InProcessAzure]:
    """A workspace of the test's own inside this process."""
    from .in_process import InProcessAzure

    with InProcessAzure() as azure:
        yield azure


@pytest.fixture
def ml_client_in_process(azure_in_process: InProcessAzure) -> MLClient:
    """A client of the workspace inside this process."""
    return azure_in_process.client()


@pytest.fixture
def azure_faults_in_process(azure_in_process: InProcessAzure) -> AzureFaults:
    """Faults of the workspace inside this process."""
    return AzureFaults(azure_in_process)
