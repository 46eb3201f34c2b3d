"""What training jobs measure, with the verdict that any sound gate must give."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from shared.domain.state import ModelState, Training

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


def metrics_of(
    random: Random, training: Training, state: ModelState | None, *, calm: bool
) -> tuple[str, str]:
    """The expected verdict (promote, refuse or tie) and the text of metrics.json."""
    kind = "worse" if calm else random.choices(list(KINDS), list(KINDS.values()))[0]
    if training.champion is None:
        # Without a champion there is only the baseline to be compared with.
        alone = {"worse": "below_baseline", "maybe_worse": "below_baseline", "tie": "better"}
        kind = "better" if calm else alone.get(kind, kind)
        if kind in ("suspect_holdout", "other_champion"):
            kind = "below_baseline"
    content = _content(random, training, state)
    _spoil(kind, content)
    text = json.dumps(content)
    expected = {"better": "promote", "tie": "tie"}.get(kind, "refuse")
    return expected, text[:-40] if kind == "truncated" else text


def _interval(mean: float, low: float, high: float) -> dict[str, Any]:
    return {"mean": mean, "low": low, "high": high, "confidence": 0.95, "samples": 500}


def _content(random: Random, training: Training, state: ModelState | None) -> dict[str, Any]:
    """A challenger that is better than everything."""
    value = round(0.7 + 0.2 * random.random(), 6)
    content: dict[str, Any] = {
        "schema": 1,
        "model": state.model if state else "",
        "task": "classification",
        "job_name": training.job,
        "data_version": training.manifest.data_version,
        "metric": {"name": "roc_auc", "higher_is_better": True},
        "landed_rows": 12000,
        "trained_rows": 10000,
        "holdout": {"digest": "h1", "rows": 2000, "from": "2026-11-16", "to": "2026-11-22"},
        "challenger": {"value": value},
        "baseline": {"name": "prior", "value": 0.5},
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
    if training.champion is not None:
        content["champion"] = {"version": str(training.champion), "value": value - 0.02}
        content["versus_champion"] = _interval(0.02, 0.01, 0.03)
    if training.anchor is not None:
        content["anchor"] = {"version": str(training.anchor), "value": value - 0.01}
        content["versus_anchor"] = _interval(0.01, -0.005, 0.03)
    return content


def _spoil(kind: str, content: dict[str, Any]) -> None:
    value = content["challenger"]["value"]
    gains = {"worse": -0.05, "maybe_worse": -0.01, "tie": 0.0}
    if kind in gains and content["champion"] is not None:
        content["champion"]["value"] = value - gains[kind]
    ruined = {
        "column": "origin",
        "value": "JFK",
        "rows": 5000,
        "challenger": 0.5,
        "champion": 0.8,
        "difference": _interval(-0.3, -0.35, -0.25),
    }
    changes: dict[str, dict[str, Any]] = {
        "worse": {"versus_champion": _interval(-0.05, -0.08, -0.02)},
        "tie": {"versus_champion": _interval(0.0, -0.004, 0.004)},
        "maybe_worse": {"versus_champion": _interval(-0.01, -0.03, 0.01)},
        "slice_ruined": {"slices": [ruined]},
        "below_baseline": {"versus_baseline": _interval(0.0, -0.02, 0.02)},
        "suspect_holdout": {"baseline": {"name": "prior", "value": 0.95}},
        "export_differs": {"parity": {"rows": 2000, "max_difference": 1e-6, "flipped": 9}},
        "too_slow": {"latency": {"rows": 200, "p50_ms": 40, "p95_ms": 90}},
        "few_rows": {"holdout": content["holdout"] | {"rows": 20}},
        "not_a_number": {"challenger": {"value": float("nan")}},
        "missing_field": {},
        "other_data": {"data_version": "ffff"},
        "other_champion": {"champion": {"version": "999", "value": 0.7}},
        "extra_field": {"surprise": 1},
    }
    content.update(changes.get(kind, {}))
    if kind == "missing_field":
        del content["versus_baseline"]
