"""Reads single figures out of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

OURS = "Noon"
BATCH_ROWS = 1000
Figures = dict[str, Any]


def rate(figures: Figures, load: str, of: Callable[[list[float]], float] = median) -> float | None:
    """Requests a second under a load; None where nothing was measured or answers were bad."""
    run = figures.get("loads", {}).get(load)
    return None if run is None or run["bad"] else of(run["per_second"])


def value(
    figures: Figures, load: str, name: str, of: Callable[[list[float]], float] = median
) -> float | None:
    """The median of another figure under a load."""
    seen = figures.get("loads", {}).get(load, {}).get(name)
    return of(seen) if seen else None


def added(figures: Figures, direct: Figures, of: Callable[[list[float]], float] = median) -> str:
    """Milliseconds that a proxy adds at one connection, at the median of requests."""
    through, without = (value(each, "1", "p50_ms", of) for each in (figures, direct))
    return "" if through is None or without is None else f"{through - without:.2f}"


def batch(figures: Figures) -> float | None:
    """Rows a second when a thousand come in one request."""
    posts = rate(figures, "batch")
    return None if posts is None else posts * BATCH_ROWS


def best(measured: Sequence[Figures], of: Callable[[Figures], float | None]) -> float | None:
    """The highest figure of anybody."""
    return max((seen for seen in map(of, measured) if seen is not None), default=None)


def by_name(measured: Sequence[Figures], name: str) -> Figures:
    """The figures of that name; none where it was not measured."""
    return next((each for each in measured if each["name"] == name), {})


def number(seen: float | None, best: float | None = None) -> str:
    """Three digits that matter, and the best in brackets."""
    if seen is None:
        return ""
    text = f"{seen:,.0f}" if seen >= 100 else f"{seen:.1f}" if seen >= 10 else f"{seen:.2f}"
    return text if best is None else f"{text} ({best:,.0f})"


def times(mine: float | None, theirs: float | None) -> str:
    """How often theirs fits into mine."""
    if mine is None or not theirs:
        return ""
    ratio = mine / theirs
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.2f}x"
