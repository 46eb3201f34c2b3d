"""A dozen drills over the production adapters, against the emulator and Azurite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure_emulator.testing import Azurite

from shared.adapters.azure_blobs import AzureContainer
from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.credential import LazyCredential
from shared.domain.facts import Release
from simulation.drills import gate_files, operators, rollout, trigger
from simulation.drills.drill import play_all
from simulation.drills.sets import ON_EMULATOR
from simulation.drills.world import ELSEWHERE
from tests.contracts.machine_learning.drill_world import Worlds

ALL = (*gate_files.DRILLS, *rollout.DRILLS, *operators.DRILLS, *trigger.DRILLS)
DRILLS = {drill.name: drill for drill in ALL}


@pytest.fixture(scope="session")
def drill_worlds(
    azurite: Azurite,
    workspace: AzureMachineLearning,
    credential: LazyCredential,
    contract_release: Release,
    run_container: AzureContainer,
) -> Worlds:
    """Worlds over the emulator and Azurite."""
    return Worlds(azurite, workspace, credential, contract_release, run_container)


@pytest.fixture
def on_emulator(drill_worlds: Worlds) -> Iterator[None]:
    """Drills are played there while the test lasts."""
    token = ELSEWHERE.set(drill_worlds.make)
    yield
    ELSEWHERE.reset(token)


@pytest.mark.parametrize("name", [name.partition(": ")[2] for name in ON_EMULATOR])
@pytest.mark.usefixtures("on_emulator")
def test_drill_on_emulator(name: str) -> None:
    """The same drill has the same end over HTTPS, tables, blobs and real deployments."""
    (result,) = play_all([DRILLS[name]])
    assert result.passed, f"{result.got}: {result.reason}; expected {result.expected}"
