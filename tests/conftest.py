"""Real processes that several test folders share, started once and ended with the session."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_emulator.testing import Azurite, Emulator, start_azurite, start_emulator

# A build that was started in the background ignores Ctrl-C, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

TINY_BACKEND = Path(__file__).parent / "contracts" / "machine_learning" / "tiny_backend.py"


@pytest.fixture(scope="session")
def local_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the local processes of this session keep what they know."""
    return tmp_path_factory.mktemp("azure")


@pytest.fixture(scope="session")
def azurite(local_home: Path) -> Iterator[Azurite]:
    """Storage over TLS."""
    with start_azurite(local_home) as azurite, pytest.MonkeyPatch.context() as environment:
        environment.setenv("REQUESTS_CA_BUNDLE", str(azurite.tls.bundle))
        yield azurite


@pytest.fixture(scope="session")
def local_azure(local_home: Path, azurite: Azurite) -> Iterator[Emulator]:
    """Azure ML and identity, with the clients of this session pointed there."""
    emulator = start_emulator(
        local_home,
        azurite.blob_url,
        datastores={"landing": "landing"},
        images={
            "noon-backend*": f"{sys.executable} -m backend --port {{port}}",
            "tiny-backend*": f"{sys.executable} {TINY_BACKEND} {{port}}",
            "broken-backend*": f"{sys.executable} -c 1/0",
        },
    )
    with emulator, pytest.MonkeyPatch.context() as environment:
        for name, value in emulator.environment.items():
            environment.setenv(name, value)
        yield emulator
