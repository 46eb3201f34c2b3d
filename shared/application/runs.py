"""What asked for trainings of a model, and what came of it: slots, landings, jobs.

From the decision log and the saved state, in three storage calls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.application.fleet import slot_told
from shared.application.plane import ControlPlane
from shared.application.telling import model_of, reasons_told, studio_url
from shared.domain import chain_keys as keys
from shared.domain.decision import Decision
from shared.domain.facts import Slot, SlotFacts
from shared.domain.policy import ModelSpec
from shared.domain.slots import owed_slot
from shared.domain.state import ModelState, Training

RUNS_READ = 200
LANDINGS_READ = 100
PROMPT = timedelta(minutes=10)
"""A slot whose job is planned within this long was not missed."""

Entry = dict[str, Any]


def runs(plane: ControlPlane, name: str) -> dict[str, Any]:
    """Slots, landings and jobs, newest first; raises NotFoundError for an unknown model."""
    spec, ports = model_of(plane, name), plane.ports
    zone = spec.retraining.time_zone
    state = ports.state.load(name).state
    read = ports.decisions.about(name, keys.RUN, RUNS_READ)
    landed = ports.decisions.about(name, keys.LANDED, LANDINGS_READ)
    slots = ports.slots.around(spec.retraining.schedule, zone, ports.clock.now())
    full = [
        found[0].at
        for found, most in ((read, RUNS_READ), (landed, LANDINGS_READ))
        if len(found) == most
    ]
    return {
        "model": name,
        "time_zone": zone,
        "schedule": spec.retraining.schedule,
        "next_slot": slot_told(slots.next),
        "slots": _slots(plane, spec, state, slots, read),
        "slots_missed": [found for decision in reversed(read) if (found := _missed(decision))],
        "landings": [_landing(decision) for decision in reversed(landed)],
        "jobs": _jobs(plane, state, read),
        "since": max(full, default=None),
    }


def _slots(
    plane: ControlPlane,
    spec: ModelSpec,
    state: ModelState | None,
    slots: SlotFacts,
    read: Sequence[Decision],
) -> list[Entry]:
    owed = owed_slot(state, slots) if state else None
    found = [_slot(owed, "waiting")] if owed else []
    for decision in reversed(read):
        dealt = sorted(_values(decision, "slot:"), reverse=True)
        named = [plane.ports.slots.named(key, spec.retraining.time_zone) for key in dealt]
        # Those before the newest have been overtaken by it, whatever became of it.
        found += [_dealt(decision, slot, newest=not index) for index, slot in enumerate(named)]
    return found


def _dealt(decision: Decision, slot: Slot, *, newest: bool) -> Entry:
    job = keys.named(decision.about, keys.begun(keys.JOB)) if newest else ""
    late = decision.at - slot.due_at
    if job:
        return _slot(slot, "caught_up" if late > PROMPT else "trained", decision, job)
    code = "slot_skipped" if newest else "slots_missed"
    texts = [reason.text for reason in decision.reasons if reason.code == code]
    return _slot(slot, "skipped" if newest else "missed", decision, why=" ".join(texts))


def _slot(
    slot: Slot, state: str, decision: Decision | None = None, job: str = "", why: str = ""
) -> Entry:
    late = (decision.at - slot.due_at).total_seconds() if decision else None
    return {
        "key": slot.key,
        "due_at": slot.due_at,
        "state": state,
        "dealt_at": decision.at if decision else None,
        "late_seconds": late,
        "job": job or None,
        "why": why or None,
        "decision_id": decision.id if decision else None,
    }


def _missed(decision: Decision) -> Entry | None:
    """A range of slots that were too many to be named one by one."""
    missed: Any = decision.facts.get("slots_missed")
    named = any(key.startswith(keys.missed_key("")) for key in decision.about)
    if not missed or not named:
        return None
    return {**missed, "decision_id": decision.id}


def _landing(decision: Decision) -> Entry:
    rows = [row.removeprefix("landing-") for row in _values(decision, keys.LANDING)]
    ends = [datetime.strptime(f"{row}+0000", "%Y%m%dt%H%M%S%f%z") for row in rows]
    return {
        "at": decision.at,
        "last_at": max(ends, default=decision.at),
        "minutes": len(rows),
        "decision_id": decision.id,
    }


def _jobs(plane: ControlPlane, state: ModelState | None, read: Sequence[Decision]) -> list[Entry]:
    found: dict[str, Entry] = {}
    for decision in read:
        ended = keys.named(decision.about, keys.ended(keys.JOB))
        if ended:
            found.setdefault(ended, _job(plane, ended)).update(_ended(decision, found[ended]))
        begun = keys.named(decision.about, keys.begun(keys.JOB))
        if begun:
            found[begun] = _job(plane, begun) | _begun(decision)
    training = state.training if state else None
    if training is not None and training.job not in found:
        found[training.job] = _job(plane, training.job) | _running(training)
    return list(reversed(found.values()))


def _job(plane: ControlPlane, job: str) -> Entry:
    """A job of which only its name is known."""
    named = re.fullmatch(r".+-(slot|data|order)-[^-]+-a(\d+)", job)
    return {
        "job": job,
        "cause": named[1] if named else "order",
        "because": None,
        "attempt": int(named[2]) if named else 1,
        "state": "running",
        "planned_at": None,
        "ended_at": None,
        "duration_seconds": None,
        "data_version": None,
        "files": None,
        "bytes": None,
        "verdict": None,
        "version": None,
        "reasons": [],
        "studio_url": studio_url(plane, job),
        "decision_id": "",
    }


def _begun(decision: Decision) -> Entry:
    because = [each.text for each in decision.reasons if each.code.endswith(("_due", "retry"))]
    facts = decision.facts
    return {
        "because": because[-1] if because else None,
        "planned_at": decision.at,
        "data_version": facts.get("data_version"),
        "files": facts.get("files"),
        "bytes": facts.get("bytes"),
        "decision_id": decision.id,
    }


def _running(training: Training) -> Entry:
    manifest = training.manifest
    return {
        "because": training.because,
        "planned_at": training.planned_at,
        "data_version": manifest.data_version,
        "files": manifest.files,
        "bytes": manifest.size,
    }


def _ended(decision: Decision, known: Entry) -> Entry:
    version = keys.named(decision.about, keys.begun(keys.VERSION))
    planned = known["planned_at"]
    return {
        "state": _state(decision),
        "ended_at": decision.at,
        "duration_seconds": (decision.at - planned).total_seconds() if planned else None,
        "verdict": decision.facts.get("verdict"),
        "version": int(version) if version else None,
        "reasons": reasons_told(decision.reasons),
        "decision_id": decision.id,
    }


def _state(decision: Decision) -> str:
    if "verdict" in decision.facts:
        return "completed"
    codes = {reason.code for reason in decision.reasons}
    if "data_refused" in codes:
        return "data_refused"
    if "job_canceled" in codes:
        return "canceled"
    return "failed" if codes & {"retry", "job_failed"} else "given_up"


def _values(decision: Decision, prefix: str) -> list[str]:
    """What follows the prefix in each key that has it."""
    return [key.removeprefix(prefix) for key in decision.about if key.startswith(prefix)]
