"""What training jobs measure, with the verdict that any sound gate must give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from shared.domain.policy import GatePolicy
from shared.domain.state import ModelState, Training, Version

KINDS = {
    "better": 24,
    "worse": 18,
    "tie": 22,
    "maybe_worse": 6,
    "slice_ruined": 5,
    "below_baseline": 5,
    "suspect_holdout": 4,
    "export_differs": 3,
    "too_slow": 3,
    "few_rows": 3,
    "not_a_number": 2,
    "missing_field": 2,
    "truncated": 1,
    "other_data": 2,
    "other_champion": 2,
    "extra_field": 1,
}
"""How challengers turn out, by weight."""

RATCHET = "slightly_worse"
"""Inside the margin, so that an old champion is refreshed by it: many of them add up."""

GAINS = {
    "worse": (-0.05, 0.03),
    "maybe_worse": (-0.01, 0.02),
    "tie": (0.0, 0.004),
    RATCHET: (-0.004, 0.005),
}
"""The true difference to the champion, and half the width of its interval."""
BETTER = (0.02, 0.01)
ANCHOR_HALF = 0.003


@dataclass(frozen=True, slots=True)
class Measured:
    """A job that ended well: what it wrote, and what is true."""

    kind: str
    expected: str
    """`promote`, `refuse` or `tie`."""
    skill: float
    """How good the challenger truly is; only differences mean something."""
    text: str
    """metrics.json."""


def kind_of(random: Random, training: Training, *, calm: bool, declining: bool) -> str:
    """How a challenger turns out."""
    kind = "worse" if calm else random.choices(list(KINDS), list(KINDS.values()))[0]
    if declining and not calm:
        kind = RATCHET
    if training.champion is not None:
        return kind
    # Without a champion there is only the baseline to be compared with.
    alone = {"worse": "below_baseline", "maybe_worse": "below_baseline", "tie": "better"}
    if kind in (RATCHET, "suspect_holdout", "other_champion"):
        kind = "below_baseline"
    return "better" if calm else alone.get(kind, kind)


def measured(
    kind: str,
    training: Training,
    state: ModelState | None,
    skills: dict[str, float],
    policy: GatePolicy,
) -> Measured:
    """metrics.json of a challenger of that kind, by the true skills of earlier jobs."""
    gain, half = GAINS.get(kind, BETTER)
    rivals = _rivals(training, state, skills)
    skill = rivals.get("champion", 0.0) + gain
    content = _content(training, state, skill)
    for rival, theirs in rivals.items():
        width = half if rival == "champion" else ANCHOR_HALF
        mean = round(skill - theirs, 6)
        number = training.champion if rival == "champion" else training.anchor
        content[rival] = {"version": str(number), "value": content["challenger"]["value"] - mean}
        content[f"versus_{rival}"] = _interval(mean, mean - width, mean + width)
    _spoil(kind, content)
    text = json.dumps(content)
    expected = {"better": "promote", "tie": "tie", RATCHET: "tie"}.get(kind, "refuse")
    behind = skill - rivals.get("anchor", skill)
    if behind < 0 and round(behind, 6) - ANCHOR_HALF <= -policy.margin:
        expected = "refuse"
    return Measured(kind, expected, skill, text[:-40] if kind == "truncated" else text)


def _rivals(
    training: Training, state: ModelState | None, skills: dict[str, float]
) -> dict[str, float]:
    """The true skills of those that the challenger is compared with."""
    known = {version.number: skills.get(version.job, 0.0) for version in _rulers(state)}
    found = {}
    if training.champion is not None:
        found["champion"] = known.get(training.champion, 0.0)
    if training.anchor is not None:
        found["anchor"] = known.get(training.anchor, 0.0)
    return found


def _rulers(state: ModelState | None) -> Iterator[Version]:
    if state is not None and state.champion is not None:
        yield state.champion.version
        yield from state.former


def _interval(mean: float, low: float, high: float) -> dict[str, Any]:
    numbers = {"mean": mean, "low": low, "high": high}
    rounded = {name: round(value, 6) for name, value in numbers.items()}
    return {**rounded, "confidence": 0.95, "samples": 500}


def _content(training: Training, state: ModelState | None, skill: float) -> dict[str, Any]:
    """A challenger with nothing against it."""
    value = round(skill - 1, 6)
    return {
        "schema": 1,
        "model": state.model if state else "",
        "task": "classification",
        "job_name": training.job,
        "data_version": training.manifest.data_version,
        "metric": {"name": "neg_log_loss", "higher_is_better": True},
        "landed_rows": 12000,
        "trained_rows": 10000,
        "holdout": {"digest": "h1", "rows": 2000, "from": "2026-11-16", "to": "2026-11-22"},
        "challenger": {"value": value},
        "baseline": {"name": "prior", "value": round(value - 0.25, 6)},
        "champion": None,
        "anchor": None,
        "versus_baseline": _interval(0.25, 0.22, 0.28),
        "versus_champion": None,
        "versus_anchor": None,
        "slices": [],
        "parity": {"rows": 2000, "max_difference": 1e-6, "flipped": 0},
        "latency": {"rows": 200, "p50_ms": 0.1, "p95_ms": 0.2},
        "sample_rows": 20,
    }


def _spoil(kind: str, content: dict[str, Any]) -> None:
    value = content["challenger"]["value"]
    ruined = {
        "column": "origin",
        "value": "JFK",
        "rows": 5000,
        "challenger": 0.5,
        "champion": 0.8,
        "difference": _interval(-0.3, -0.35, -0.25),
    }
    changes: dict[str, dict[str, Any]] = {
        "slice_ruined": {"slices": [ruined]},
        "below_baseline": {"versus_baseline": _interval(0.0, -0.02, 0.02)},
        "suspect_holdout": {
            "baseline": {"name": "prior", "value": value + 0.2},
            "versus_baseline": _interval(-0.2, -0.25, -0.15),
        },
        "export_differs": {"parity": {"rows": 2000, "max_difference": 1e-6, "flipped": 9}},
        "too_slow": {"latency": {"rows": 200, "p50_ms": 40, "p95_ms": 90}},
        "few_rows": {"holdout": content["holdout"] | {"rows": 20}},
        "not_a_number": {"challenger": {"value": float("nan")}},
        "other_data": {"data_version": "ffff"},
        "other_champion": {"champion": {"version": "999", "value": value}},
        "extra_field": {"surprise": 1},
    }
    content.update(changes.get(kind, {}))
    if kind == "missing_field":
        del content["versus_baseline"]
