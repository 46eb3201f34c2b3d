"""How the tests are spread over pytest-xdist's workers."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays on one worker, so that what its tests share starts once.

    The tests that start the whole stack are one group, since two stacks would only get in each
    other's way, and the first, since they take longest and the other worker does the rest.
    """
    for item in items:
        whole_stack = item.get_closest_marker("e2e") is not None
        item.add_marker(pytest.mark.xdist_group("e2e" if whole_stack else str(item.path)))
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)
