"""How the tests are spread over pytest-xdist's workers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

WHOLE_STACK = "tests/e2e/"
TOGETHER = (WHOLE_STACK, "tests/training/", "tests/webui/pages/")
"""Two stacks would only get in each other's way, a month of flights is trained on once, and the web
UI's pages share a stack and a browser."""

# The workers of a run share the cores: a learner's threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


class ByFile(LoadScopeScheduling):
    """A file stays on one worker, so that what its tests share starts once; so do some folders.

    (xdist's own `loadgroup` does nothing under this pytest: it renames tests by a private field
    that is gone.)
    """

    def _split_scope(self, nodeid: str) -> str:
        folder = next((each for each in TOGETHER if nodeid.startswith(each)), None)
        return folder or nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Give xdist our way of spreading."""
    return ByFile(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests of the whole stack and put them first, since they take longest."""
    folder = Path(config.rootpath, WHOLE_STACK)
    for item in items:
        if folder in item.path.parents:
            item.add_marker("e2e")
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)
