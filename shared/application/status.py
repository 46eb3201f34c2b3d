"""What is so for every model, as plain data for people and scripts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from shared.application.plane import ControlPlane
from shared.application.rollout_status import rollout_status
from shared.domain.decision import Decision, Kind
from shared.domain.policy import ModelSpec
from shared.domain.state import Champion, ModelState, Training, Warm
from shared.ports import Ports

DECISIONS_SHOWN = 10
DECISIONS_READ = 60
"""Most passes only wait; those are read, and shown only where a rollout was checked."""
LOOK_BACK = timedelta(days=30)


def status(plane: ControlPlane) -> dict[str, Any]:
    """Every model with champion, training, rollout and its newest decisions.

    Two storage calls a model, however long the history is.
    """
    return {"models": [_model(plane.ports, spec) for _, spec in sorted(plane.models.items())]}


def _model(ports: Ports, spec: ModelSpec) -> dict[str, Any]:
    now = ports.clock.now()
    state = ports.state.load(spec.name).state
    slots = ports.slots.around(spec.retraining.schedule, spec.retraining.time_zone, now)
    read = ports.decisions.since(spec.name, now - LOOK_BACK, DECISIONS_READ)
    decisions = [decision for decision in read if decision.kind not in _WAITING][-DECISIONS_SHOWN:]
    shown = {
        "model": spec.name,
        "title": spec.title,
        "next_slot_at": _text(slots.next.due_at if slots.next else None),
        "decisions": [_decision(decision) for decision in decisions],
    }
    if state is None:
        return shown | _UNSEEN
    return shown | _state(state) | {"rollout": rollout_status(state, spec, read)}


_WAITING = (Kind.HELD, Kind.DUPLICATE, Kind.COALESCED)

_UNSEEN: dict[str, Any] = {
    "champion": None,
    "training": None,
    "rollout": None,
    "warm": None,
    "accepting": "",
    "last_refusal": "",
    "quarantine": [],
    "next_due_at": None,
}


def _state(state: ModelState) -> dict[str, Any]:
    return {
        "champion": _champion(state.champion) if state.champion else None,
        "training": _training(state.training) if state.training else None,
        "warm": _warm(state.warm) if state.warm else None,
        "accepting": _accepting(state),
        "last_refusal": state.last_refusal,
        "quarantine": [{"path": entry.path, "reason": entry.reason} for entry in state.quarantine],
        "next_due_at": _text(state.next_due_at),
    }


def _accepting(state: ModelState) -> str:
    """That the next challenger is not compared with the champion, by whose leave; "" if it is."""
    leave, champion = state.accepting, state.champion
    if leave is None or champion is None or leave.champion != champion.version.number:
        return ""
    return leave.words


def _champion(champion: Champion) -> dict[str, Any]:
    score = champion.version.score
    return {
        "version": champion.version.number,
        "deployment": champion.subject.deployment,
        "job": champion.version.job,
        "metric": score.metric,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "compared_with": score.compared_with,
        "accepted": champion.version.accepted,
        "trained_rows": score.trained_rows,
        "landed_rows": score.landed_rows,
        "holdout_rows": score.holdout_rows,
        "since": _text(champion.since),
    }


def _training(training: Training) -> dict[str, Any]:
    return {
        "job": training.job,
        "cause": training.cause,
        "because": training.because,
        "attempt": training.attempt,
        "data_version": training.manifest.data_version,
        "files": training.manifest.files,
        "planned_at": _text(training.planned_at),
    }


def _warm(warm: Warm) -> dict[str, Any]:
    return {
        "deployment": warm.deployment,
        "version": warm.version.number if warm.version else None,
        "until": _text(warm.until),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "at": _text(decision.at),
        "kind": decision.kind.value,
        "cause": decision.cause,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in decision.reasons],
        "actions": list(decision.actions),
        "outcome": decision.outcome,
        "about": list(decision.about),
    }


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
