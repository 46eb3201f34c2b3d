"""Real processes that several test folders share, started once and ended with the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_emulator.testing import Azurite, start_azurite


@pytest.fixture(scope="session")
def local_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the local processes of this session keep what they know."""
    return tmp_path_factory.mktemp("azure")


@pytest.fixture(scope="session")
def azurite(local_home: Path) -> Iterator[Azurite]:
    """Storage over TLS, with the session's clients trusting its certificate."""
    with start_azurite(local_home) as azurite, pytest.MonkeyPatch.context() as environment:
        environment.setenv("REQUESTS_CA_BUNDLE", str(azurite.tls.bundle))
        yield azurite
