"""A real Azurite and a real `serve` process for the tests of the control plane."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from azure_emulator.conformance.probe_world import CONTAINER as PROBE
from azure_emulator.testing import Azurite, Emulator, start_azurite, start_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
INFERENCE_SERVER = Path(__file__).resolve().parents[2] / ".venv-inference" / "bin" / "azmlinfsrv"
CONTAINER = Path(__file__).parent / "machine_learning" / "tiny_container.py"


@pytest.fixture(scope="session")
def emulator_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session's Azurite and emulator."""
    return tmp_path_factory.mktemp("emulator-home")


@pytest.fixture(scope="session")
def emulator_azurite(emulator_home: Path) -> Iterator[Azurite]:
    """One Azurite over TLS for the session."""
    with start_azurite(emulator_home) as azurite:
        yield azurite


@pytest.fixture(scope="session")
def ml_emulator(emulator_home: Path, emulator_azurite: Azurite) -> Iterator[Emulator]:
    """One `serve` process for the session, with this process pointed at it."""
    running = start_emulator(
        emulator_home,
        emulator_azurite.blob_url,
        datastores={"landing": "landing"},
        images={
            "tiny-container*": f"python {CONTAINER} {{port}}",
            "probe-container*": PROBE,
            "sample-server*": f"python {SAMPLES}/endpoints/custom-container/server.py",
        },
        python=sys.executable,
        options=["--inference-server", str(INFERENCE_SERVER)],
        record=emulator_home / "calls.jsonl",
    )
    with running as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        yield emulator


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The report names the behaviour that a test shows; `make conformance` reads it there."""
    if marker := item.get_closest_marker("behaviour"):
        item.user_properties.append(("behaviour", marker.args[0]))
