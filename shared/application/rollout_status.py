"""How a rollout stands, as plain data: what was saved, and the checks that were recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.domain.decision import Decision
from shared.domain.policy import RolloutPolicy
from shared.domain.state import ModelState, Phase, Rollout

CHECKS_SHOWN = 5


def rollout_status(
    state: ModelState, policy: RolloutPolicy, decisions: Sequence[Decision]
) -> dict[str, Any] | None:
    """The model's last rollout, with its newest checks among the decisions; None before any."""
    rollout = state.rollout
    if rollout is None:
        return None
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
        "step": _step(rollout, policy),
        "traffic": _traffic(state, rollout, policy),
        "soaking_since": _text(rollout.soaking_since),
        "soak_seconds": policy.soak.total_seconds(),
        "requests_min": policy.requests_min,
        "paused": rollout.paused,
        "instant": rollout.instant,
        "going_back": rollout.going_back,
        "failed_checks": rollout.failed_checks,
        "failed_checks_allowed": policy.failed_checks_allowed,
        "checks": _checks(rollout, decisions),
    }


def _step(rollout: Rollout, policy: RolloutPolicy) -> int | None:
    """Which of the steps, counted from 1; None while there is no canary."""
    if rollout.phase is not Phase.CANARY or rollout.instant:
        return None
    return min(rollout.step, len(policy.steps) - 1) + 1


def _traffic(state: ModelState, rollout: Rollout, policy: RolloutPolicy) -> dict[str, int]:
    """The shares that are wished; what the endpoint has may lag behind."""
    name = rollout.subject.deployment
    champion = state.champion.subject.deployment if state.champion else ""
    if rollout.phase is Phase.SUCCEEDED:
        return {name: 100}
    if rollout.phase is not Phase.CANARY or rollout.going_back:
        return {champion: 100} if champion else {}
    step = _step(rollout, policy)
    share = policy.steps[step - 1] if step and champion else 100
    shares = {champion: 100 - share, name: share}
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
