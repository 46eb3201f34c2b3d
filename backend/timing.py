"""Measures whether requests should share a run of the model."""

from __future__ import annotations

import time
from collections.abc import Callable

TOGETHER = 8
"""Requests that a run is shared by when it is measured: some of 16 connections."""

WAITING_SECONDS = 1e-6
"""What a request costs that waits for a shared run: a place in a list, and being called back."""

_REPEATS = 20


def batching_pays(alone: Callable[[], object], together: Callable[[int], object]) -> bool:
    """Whether a request saves more by sharing a run than waiting for it costs.

    `alone` answers one request, `together` answers so many of them in one run.
    """
    shared = _seconds(lambda: together(TOGETHER)) / TOGETHER
    return _seconds(alone) - shared > WAITING_SECONDS


def _seconds(act: Callable[[], object]) -> float:
    """The least time, which is the one that nothing else disturbed."""
    least = float("inf")
    for _ in range(_REPEATS):
        before = time.perf_counter()
        act()
        least = min(least, time.perf_counter() - before)
    return least
