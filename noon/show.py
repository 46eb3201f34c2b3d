"""Words for people about what the app tells."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

IDLE = {"nothing_due"}
"""Codes of reasons that say nothing beside another reason."""
WIDTH = 240
"""Of a line in a file or a pipe: nobody wants sentences cut there."""


def decision_line(decision: dict[str, Any]) -> str:
    """One decision with its reasons, in one line."""
    said = [r for r in decision["reasons"] if r["code"] not in IDLE] or decision["reasons"]
    reasons = "; ".join(reason["text"] for reason in said)
    outcome = "" if decision["outcome"] == "done" else f" [{decision['outcome']}]"
    return f"{clock(decision['at'])} {decision['kind']}: {reasons}{outcome}"


def score_text(score: dict[str, Any]) -> str:
    """The metric with the interval of its difference to what it was compared with."""
    text = f"{score['metric']} {score['value']:.4f}"
    if score["low"] is None or score["high"] is None:
        return text
    return f"{text} ({score['low']:+.4f} to {score['high']:+.4f} over {score['compared_with']})"


def clock(instant: str) -> str:
    """The instant in UTC, without its year."""
    return datetime.fromisoformat(instant).astimezone(UTC).strftime("%m-%d %H:%M:%SZ")
