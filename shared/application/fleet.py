"""Every model at a glance: what rules, what is under way, how it does and what comes next.

Three storage calls a model, however long the history is, and no call to Azure ML.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.application.next_action import next_action
from shared.application.plane import ControlPlane
from shared.application.telling import decision_told, studio_url
from shared.domain.decision import Decision, Kind
from shared.domain.facts import Slot, SlotFacts, Snapshot
from shared.domain.health import UNKNOWN, Counts, sick
from shared.domain.policy import ModelSpec
from shared.domain.slots import owed_slot
from shared.domain.state import Champion, ModelState, Rollout, Training
from shared.domain.traffic import wished_shares

DECISIONS_READ = 60
"""Most passes only wait; so far back the newest that did more is looked for."""
LOOK_BACK = timedelta(days=30)
WINDOW = timedelta(minutes=15)
"""So long health is looked back; the newest buckets are left out, some may still be counting."""
WAITING = (Kind.HELD, Kind.DUPLICATE, Kind.COALESCED)


def fleet(plane: ControlPlane) -> dict[str, Any]:
    """Every model of the control plane, by name."""
    return {"models": [glance(plane, spec)[0] for _, spec in sorted(plane.models.items())]}


def glance(plane: ControlPlane, spec: ModelSpec) -> tuple[dict[str, Any], Snapshot]:
    """One model at a glance, and what of it is saved."""
    ports, now = plane.ports, plane.ports.clock.now()
    snapshot = ports.state.load(spec.name)
    state = snapshot.state
    slots = ports.slots.around(spec.retraining.schedule, spec.retraining.time_zone, now)
    newest = ports.decisions.since(spec.name, now - LOOK_BACK, DECISIONS_READ)
    until = now - spec.rollout.lag
    counts = ports.health.read(spec.name, until - WINDOW, until)
    told = {
        "name": spec.name,
        "title": spec.title,
        "task": spec.task,
        "serving": spec.serving,
        "champion": _champion(state.champion) if state and state.champion else None,
        "training": _training(plane, state.training) if state and state.training else None,
        "rollout": _rollout(state, state.rollout, spec) if state and state.rollout else None,
        "slots": _slots(state, slots),
        "health": _health(state, spec, counts),
        "next": next_action(state, spec, slots, newest, now),
        "last_refusal": (state.last_refusal or None) if state else None,
        "decision": _newest(newest),
    }
    return told, snapshot


def slot_told(slot: Slot | None) -> dict[str, Any] | None:
    """A slot by key and instant."""
    return {"key": slot.key, "due_at": slot.due_at} if slot else None


def _newest(decisions: list[Decision]) -> dict[str, Any] | None:
    done = [decision for decision in decisions if decision.kind not in WAITING]
    return decision_told(done[-1]) if done else None


def _champion(champion: Champion) -> dict[str, Any]:
    version = champion.version
    score = version.score
    return {
        "version": version.number,
        "environment": champion.environment,
        "deployment": champion.deployment,
        "job": version.job,
        "since": champion.since,
        "promoted_at": version.promoted_at,
        "score": {
            "metric": score.metric,
            "higher_is_better": score.higher_is_better,
            "value": score.value,
            "low": score.low,
            "high": score.high,
            "compared_with": score.compared_with,
            "trained_rows": score.trained_rows,
            "landed_rows": score.landed_rows,
            "holdout_rows": score.holdout_rows,
        },
        "accepted": version.accepted or None,
    }


def _training(plane: ControlPlane, training: Training) -> dict[str, Any]:
    return {
        "job": training.job,
        "cause": training.cause,
        "because": training.because,
        "attempt": training.attempt,
        "planned_at": training.planned_at,
        "data_version": training.manifest.data_version,
        "files": training.manifest.files,
        "cancelled": training.giving_up or None,
        "studio_url": studio_url(plane, training.job),
    }


def _rollout(state: ModelState, rollout: Rollout, spec: ModelSpec) -> dict[str, Any]:
    deployment = rollout.deployment
    return {
        "version": rollout.version.number,
        "deployment": deployment,
        "phase": rollout.phase,
        "ended": rollout.phase.ended,
        "share": wished_shares(state, spec).get(deployment, 0),
        "paused": rollout.paused,
        "entered_at": rollout.entered_at,
        "reason": rollout.reason or rollout.going_back or None,
    }


def _slots(state: ModelState | None, slots: SlotFacts) -> dict[str, Any]:
    last = None
    if state is not None and state.last_slot_at is not None and state.last_slot:
        last = Slot(state.last_slot, state.last_slot_at)
    owed = owed_slot(state, slots) if state else None
    return {"last": slot_told(last), "owed": slot_told(owed), "next": slot_told(slots.next)}


def _health(
    state: ModelState | None, spec: ModelSpec, counts: Mapping[str, Counts]
) -> dict[str, Any]:
    """How callers are answered; a lost answer counts against the champion, as in a check."""
    champion = state.champion.deployment if state and state.champion else ""
    theirs = counts.get(champion, Counts()).plus(counts.get(UNKNOWN, Counts()))
    healthy = "healthy" if theirs.requests else "no_data"
    found = "failing" if sick(theirs, spec.rollout) else healthy
    return {
        "state": found if champion else "no_champion",
        "window_seconds": int(WINDOW.total_seconds()),
        "deployments": [
            {
                "deployment": name,
                "requests": each.requests,
                "failures": each.failures,
                "failure_rate": each.failure_rate,
                "latency_ms_p95": round(each.latency_ms(), 1) if each.timed else None,
            }
            for name, each in sorted(counts.items())
        ],
    }
