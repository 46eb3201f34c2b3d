"""What of a decision concerns others: Noon's own events, and the end of a rollout.

Both are read off the decision as it was recorded, so that nothing is told that was not decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain import chain_keys as keys
from shared.domain.decision import Decision, Json, public_words
from shared.domain.state import Phase

SCHEMA = 1
"""Of the data of every event; what is added later does not change it."""


SKIPPED = frozenset({"slot_skipped", "slots_missed"})
"""Reasons with which slots had no training."""
_TELLING = SKIPPED | {phase.value for phase in Phase if phase.ended}


class EventType(StrEnum):
    """Types of events that Noon raises."""

    MODEL_PROMOTED = "Noon.ModelPromoted"
    """The gate let a challenger pass: it is a version now, and its rollout begins."""
    MODEL_REFUSED = "Noon.ModelRefused"
    """The gate turned a challenger down, or could not judge it."""
    ROLLED_BACK = "Noon.RolledBack"
    """A version was given up, and all traffic is the champion's again."""
    SLOT_SKIPPED = "Noon.SlotSkipped"
    """One slot or several had no training."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event: type, data, and the decision that it tells of."""

    event_id: str
    """The decision's id; where a decision says two things, the second adds `.2`."""
    type: EventType
    model: str
    decided_at: datetime
    data: Mapping[str, Json] = field(hash=False)


def announcements(decision: Decision) -> tuple[Announcement, ...]:
    """The events that a recorded decision stands for; of most it is none."""
    return tuple(
        Announcement(
            decision.id if number == 1 else f"{decision.id}.{number}",
            kind,
            decision.model,
            decision.at,
            _common(decision) | data,
        )
        for number, (kind, data) in enumerate(_found(decision), start=1)
    )


def rollout_ended(decision: Decision) -> Phase | None:
    """How a rollout ended by this decision; None if none did."""
    if not keys.named(decision.about, keys.DEPLOYMENT):
        return None
    codes = {reason.code for reason in decision.reasons}
    return next((phase for phase in Phase if phase.ended and phase.value in codes), None)


def concerns_others(decision: Decision) -> bool:
    """Somebody outside may want to hear of it; asked of every decision, so it looks at little."""
    return "verdict" in decision.facts or any(each.code in _TELLING for each in decision.reasons)


def found_under(decision: Decision) -> str:
    """The key under which the decision is found again in the log."""
    return next(iter(decision.about), "")


def _found(decision: Decision) -> Iterator[tuple[EventType, dict[str, Json]]]:
    verdict = decision.facts.get("verdict")
    if verdict == "promote":
        number = keys.named(decision.about, keys.begun(keys.VERSION))
        yield EventType.MODEL_PROMOTED, {"version": int(number), **_of_job(decision)}
    elif verdict is not None:
        yield EventType.MODEL_REFUSED, {"verdict": verdict, **_of_job(decision)}
    codes = {reason.code for reason in decision.reasons}
    if rollout_ended(decision) is Phase.ROLLED_BACK:
        yield EventType.ROLLED_BACK, _of_rollout(decision)
    if codes & SKIPPED:
        yield EventType.SLOT_SKIPPED, {"slots": _slots(decision, "slot_skipped" in codes)}


def _common(decision: Decision) -> dict[str, Json]:
    reasons: list[Json] = [
        {"code": each.code, "text": public_words(each)} for each in decision.reasons
    ]
    return {
        "schema": SCHEMA,
        "model": decision.model,
        "decision": decision.id,
        "decided_at": decision.at.isoformat(),
        "reasons": reasons,
    }


def _of_job(decision: Decision) -> dict[str, Json]:
    """The job and what the gate saw; nulls where it could read nothing."""
    facts = decision.facts
    difference = facts.get("difference")
    low, mean, high = difference if isinstance(difference, list) else (None, None, None)
    return {
        # What the version began with is the job that made it; a job that began is another's.
        "job": keys.named(decision.about, keys.ended(keys.JOB))
        or keys.named(decision.about, keys.JOB),
        "metric": facts.get("metric"),
        "challenger": facts.get("challenger"),
        "champion": facts.get("champion"),
        "baseline": facts.get("baseline"),
        "difference": {"low": low, "mean": mean, "high": high},
        "holdout_rows": facts.get("holdout_rows"),
    }


def _of_rollout(decision: Decision) -> dict[str, Json]:
    deployment = ended_deployment(decision)
    return {"deployment": deployment, "version": version_of(deployment)}


def ended_deployment(decision: Decision) -> str:
    """The deployment whose rollout a decision ended.

    When the next rollout begins in the same pass its keys come behind those of the one that ended.
    """
    return keys.named(decision.about, keys.DEPLOYMENT)


def version_of(deployment: str) -> int:
    """The version that a deployment such as `v12-e3` serves."""
    return int(deployment.removeprefix("v").partition("-")[0])


def _slots(decision: Decision, newest_skipped: bool) -> dict[str, Json]:
    missed = decision.facts.get("slots_missed")
    newest = keys.named(decision.about, "slot:")
    if not isinstance(missed, dict):
        return {"first": newest, "last": newest, "count": 1}
    if not newest_skipped:
        return dict(missed)
    count = missed["count"]
    assert isinstance(count, int), "slots are counted"
    return {"first": missed["first"], "last": newest, "count": count + 1}
