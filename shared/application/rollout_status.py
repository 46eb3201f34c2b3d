"""How a rollout stands, as plain data: what was saved, and the checks that were recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.domain.decision import Decision
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Phase, Rollout

CHECKS_SHOWN = 5


def rollout_status(
    state: ModelState, spec: ModelSpec, decisions: Sequence[Decision]
) -> dict[str, Any] | None:
    """The model's last rollout, with its newest checks among the decisions; None before any."""
    rollout, policy = state.rollout, spec.rollout
    if rollout is None:
        return None
    step = _step(rollout, spec)
    return {
        "version": rollout.version.number,
        "environment": rollout.environment,
        "deployment": rollout.subject.deployment,
        "phase": rollout.phase.value,
        "ended": rollout.phase.ended,
        "reason": rollout.reason,
        "started_at": rollout.started_at.isoformat(),
        "entered_at": rollout.entered_at.isoformat(),
        "steps": list(policy.steps),
        "step": step,
        "traffic": _traffic(state, rollout, policy.steps[step - 1] if step else 100),
        "soaking_since": _text(rollout.soaking_since),
        "soak_seconds": policy.soak.total_seconds(),
        "requests_min": policy.requests_min,
        "paused": rollout.paused,
        "instant": rollout.instant,
        "going_back": rollout.going_back,
        "alone": rollout.alone,
        "failed_checks": rollout.failed_checks,
        "failed_checks_allowed": policy.failed_checks_allowed,
        "checks": _checks(rollout, decisions),
    }


def _step(rollout: Rollout, spec: ModelSpec) -> int | None:
    """Which of the steps, counted from 1; None where there are none: a container is switched."""
    stepwise = spec.serving == "managed_endpoint" and not rollout.instant
    if rollout.phase is not Phase.CANARY or not stepwise:
        return None
    return min(rollout.step + 1, len(spec.rollout.steps))


def _traffic(state: ModelState, rollout: Rollout, share: int) -> dict[str, int]:
    """The shares that are wished; what answers callers may lag behind."""
    name = rollout.subject.deployment
    champion = state.champion.subject.deployment if state.champion else ""
    if rollout.phase is Phase.SUCCEEDED:
        return {name: 100}
    if rollout.phase is not Phase.CANARY or rollout.going_back:
        return {champion: 100} if champion else {}
    shares = {champion: 100 - share, name: share} if champion else {name: 100}
    return {deployment: percent for deployment, percent in shares.items() if percent}


def _checks(rollout: Rollout, decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    """The newest checks of this rollout, oldest first, with the numbers that they saw."""
    about = f"deployment:{rollout.subject.deployment}"
    return [
        {
            "at": decision.at.isoformat(),
            "outcome": decision.facts["check"],
            "share": decision.facts.get("step"),
            # What is said of a rollout comes last in a decision.
            "text": decision.reasons[-1].text,
            "counts": decision.facts.get("counts", {}),
        }
        for decision in decisions
        if "check" in decision.facts
        and about in decision.about
        and decision.at >= rollout.started_at
    ][-CHECKS_SHOWN:]


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
