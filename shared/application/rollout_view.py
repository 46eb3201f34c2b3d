"""How a model's last rollout stands, its checks and its history, and what can be ordered now.

From the saved state and the decision log, in three storage calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.application.plane import ControlPlane
from shared.application.telling import model_of, reasons_told, warm_told
from shared.domain import chain_keys as keys
from shared.domain.decision import Decision, Kind
from shared.domain.events import Order, Verb
from shared.domain.policy import ModelSpec
from shared.domain.rollout import in_flight
from shared.domain.rollout_orders import obey
from shared.domain.state import ModelState, Phase, Rollout
from shared.domain.traffic import step_of, steps_of, wished_shares

LOOKS_READ = 100
"""Of the deployment; a step of ten minutes has ten of them."""
CHECKS_SHOWN = 40
TURNS_READ = 100

KINDS = {
    **dict.fromkeys(("succeeded", "rolled_back", "aborted"), "ended"),
    **dict.fromkeys(
        (
            "go_back",
            "errors",
            "slow",
            "timed_out",
            "order_refused",
            "smoke_failed",
            "provisioning_failed",
            "endpoint_failed",
            "deployment_gone",
            "no_data_for_long",
            "load_failed",
        ),
        "going_back",
    ),
    **dict.fromkeys(
        ("pause_ordered", "resume_ordered", "proceed_ordered", "abort_ordered", "rollback_ordered"),
        "order",
    ),
    **dict.fromkeys(("step_begun", "step_passed", "shift"), "step"),
    **dict.fromkeys(("provision", "provisioned", "smoke_passed", "order_again"), "phase"),
    **dict.fromkeys(("return_ordered", "new_image", "supersedes"), "begun"),
}
"""What a reason's code says of a rollout."""


def rollout_view(plane: ControlPlane, name: str) -> dict[str, Any]:
    """How the rollout stands, as it was saved; raises NotFoundError for an unknown model."""
    spec, ports = model_of(plane, name), plane.ports
    state = ports.state.load(name).state
    rollout = state.rollout if state else None
    looks: list[Decision] = []
    if rollout is not None:
        about = keys.deployment_key(rollout.deployment)
        looks = ports.decisions.about(name, about, LOOKS_READ)
    history = ports.decisions.about(name, keys.TURNED, TURNS_READ)
    champion = state.champion if state else None
    shares = wished_shares(state, spec) if state else {}
    return {
        "model": name,
        "champion": champion.deployment if champion else None,
        "rollout": _rollout(rollout, spec, looks) if rollout else None,
        "traffic": [
            {"deployment": deployment, "percent": percent}
            for deployment, percent in sorted(shares.items())
        ],
        "warm": warm_told(state.warm) if state else None,
        "orders": [_order(state, verb, ports.clock.now()) for verb in Verb],
        "history": [_event(decision) for decision in reversed(history)],
    }


def _rollout(rollout: Rollout, spec: ModelSpec, looks: Sequence[Decision]) -> dict[str, Any]:
    policy, soaking = spec.rollout, rollout.soaking_since
    soaks = rollout.phase is Phase.CANARY and not rollout.going_back and soaking is not None
    return {
        "version": rollout.version.number,
        "environment": rollout.environment,
        "deployment": rollout.deployment,
        "phase": rollout.phase,
        "ended": rollout.phase.ended,
        "started_at": rollout.started_at,
        "entered_at": rollout.entered_at,
        "reason": rollout.reason or None,
        "steps": _steps(rollout, spec),
        "soaking_since": soaking if soaks else None,
        "soaks_until": soaking + policy.soak + policy.lag if soaks and soaking else None,
        "requests_min": policy.requests_min,
        "paused": rollout.paused,
        "instant": rollout.instant,
        "going_back": rollout.going_back or None,
        "alone": rollout.alone or None,
        "failed_checks": rollout.failed_checks,
        "failed_checks_allowed": policy.failed_checks_allowed,
        "error_rate_max": policy.error_rate_max,
        "checks": _checks(rollout, looks),
    }


def _steps(rollout: Rollout, spec: ModelSpec) -> list[dict[str, Any]]:
    present, shares = step_of(rollout, spec), steps_of(rollout, spec)
    if present is None:
        done = len(shares) if rollout.phase is Phase.SUCCEEDED else 0
        return [
            {"share": share, "state": "done" if index < done else "to_come"}
            for index, share in enumerate(shares)
        ]
    words = ("done", "present", "to_come")
    return [
        {"share": share, "state": words[(index > present) + (index >= present)]}
        for index, share in enumerate(shares)
    ]


def _checks(rollout: Rollout, looks: Sequence[Decision]) -> list[dict[str, Any]]:
    """The newest checks of this rollout with the numbers that they saw, newest first."""
    found = [
        decision
        for decision in reversed(looks)
        if "check" in decision.facts and decision.at >= rollout.started_at
    ]
    return [_check(decision) for decision in found[:CHECKS_SHOWN]]


def _check(decision: Decision) -> dict[str, Any]:
    facts: Any = decision.facts
    return {
        "at": decision.at,
        "outcome": facts["check"],
        "share": facts["step"],
        # What is said of a rollout comes last in a decision.
        "text": decision.reasons[-1].text,
        "deployments": [
            {
                "deployment": name,
                "requests": counts["requests"],
                "failures": counts["failures"],
                "topped_up": counts["topped_up"],
                "failure_rate": counts["failures"] / max(1, counts["requests"]),
                "latency_ms_p95": counts["p95_ms"],
            }
            for name, counts in sorted(facts["counts"].items())
        ],
        "decision_id": decision.id,
    }


def _order(state: ModelState | None, verb: Verb, now: datetime) -> dict[str, Any]:
    why_not = _against(state, verb, now)
    return {"verb": verb, "possible": not why_not, "why_not": why_not or None}


def _against(state: ModelState | None, verb: Verb, now: datetime) -> str:
    """Why an order would do nothing now: the very rule that would judge it is asked."""
    if verb is Verb.TRAIN:
        waits = state is not None and state.waiting_order is not None
        return "an order for a training waits already: it would join that" if waits else ""
    if state is None:
        return "the model was never looked at"
    going = in_flight(state) and state.rollout is not None and not state.rollout.going_back
    if going and state.rollout is not None and verb in (Verb.PAUSE, Verb.RESUME):
        if state.rollout.paused == (verb is Verb.PAUSE):
            return "it is paused already" if verb is Verb.PAUSE else "it is not paused"
        return ""
    (step,) = obey(state, (Order("", "", WHO, WHY, now, verb),), now)
    if step.kind is Kind.ACTED or step.state != state:
        return ""
    text = step.reasons[-1].text
    return text.removeprefix(f"{verb.value}: ").removesuffix(f"; {WHO}: {WHY}")


WHO, WHY = "somebody", "something"
"""Of an order that is only thought of."""


def _event(decision: Decision) -> dict[str, Any]:
    version = keys.named(decision.about, keys.VERSION)
    return {
        "at": decision.at,
        "version": int(version) if version else None,
        "deployment": keys.named(decision.about, keys.DEPLOYMENT),
        "kind": _kind(decision),
        "reasons": reasons_told(decision.reasons),
        "decision_id": decision.id,
    }


def _kind(decision: Decision) -> str:
    if decision.facts.get("verdict") == "promote":
        return "begun"
    if decision.facts.get("check") == "failed" and decision.kind is not Kind.REFUSED:
        return "check_failed"
    known = [KINDS[reason.code] for reason in decision.reasons if reason.code in KINDS]
    return known[-1] if known else "other"
