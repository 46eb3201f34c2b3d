"""Measures whether requests should share a run of the model."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.scoring import Scorer

TOGETHER = 8
"""Requests that a run is shared by when it is measured: some of 16 connections."""

WAITING_SECONDS = 5e-6
"""What a request costs that waits for a shared run: a future, and waking its task again."""

_REPEATS = 20


def batching_pays(scorer: Scorer, body: bytes) -> bool:
    """Whether a request saves more by sharing a run than waiting for it costs."""

    def alone() -> None:
        scorer.answer(body)

    def together() -> None:
        parts = [scorer.encoded(body) for _ in range(TOGETHER)]
        scorer.answers(parts)  # type: ignore[arg-type]

    saved = _seconds(alone) - _seconds(together) / TOGETHER
    return saved > WAITING_SECONDS


def _seconds(act: Callable[[], None]) -> float:
    """The least time, which is the one that nothing else disturbed."""
    least = float("inf")
    for _ in range(_REPEATS):
        before = time.perf_counter()
        act()
        least = min(least, time.perf_counter() - before)
    return least
