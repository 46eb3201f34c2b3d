"""What the gate judged of a model: champion, challengers, former and refused ones.

From the decision log, where refused ones are kept too; one query, and one file for each commit
that this process does not know yet.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from shared.application.plane import ControlPlane
from shared.application.telling import model_of, reasons_told, studio_url
from shared.domain import chain_keys as keys
from shared.domain.decision import Decision
from shared.domain.endings import FORMER_MAX
from shared.domain.places import output_path
from shared.domain.rollout import in_flight
from shared.domain.state import ModelState, Version

VERSIONS_DEFAULT = 50
VERSIONS_MAX = 200
COMMITS_READ = 10
"""Files that are read for one request; a page of ten versions knows the commit of all."""

Role = Literal["champion", "rolling_out", "former", "given_up", "refused"]


def versions(plane: ControlPlane, name: str, limit: int = VERSIONS_DEFAULT) -> dict[str, Any]:
    """What the gate judged, newest first; raises NotFoundError for an unknown model."""
    spec = model_of(plane, name)
    state = plane.ports.state.load(name).state
    judged = plane.ports.decisions.about(name, keys.VERDICT, limit + 1)
    judged.reverse()
    champion = state.champion if state else None
    score = champion.version.score if champion else None
    return {
        "model": name,
        "metric": score.metric if score else str(spec.training_spec.get("metric", "")),
        "higher_is_better": score.higher_is_better if score else None,
        "champion": champion.version.number if champion else None,
        "versions": [
            _version(plane, state, decision, read_commit=index < COMMITS_READ)
            for index, decision in enumerate(judged[:limit])
        ],
        "more": len(judged) > limit,
    }


def _version(
    plane: ControlPlane, state: ModelState | None, judged: Decision, *, read_commit: bool
) -> dict[str, Any]:
    job = keys.named(judged.about, keys.JOB)
    role, number = _role(state, judged, job)
    facts: Any = judged.facts
    return {
        "version": number,
        "role": role,
        "judged_at": judged.at,
        "verdict": facts["verdict"],
        "reasons": reasons_told(judged.reasons),
        "value": facts.get("challenger"),
        "difference": _difference(facts),
        "champion_value": facts.get("champion"),
        "anchor_value": facts.get("anchor"),
        "baseline_value": facts.get("baseline"),
        "holdout_rows": facts.get("holdout_rows"),
        "holdout_digest": facts.get("holdout_digest"),
        "lineage": {
            "job": job,
            "studio_url": studio_url(plane, job),
            "data_version": keys.named(judged.about, "data:") or None,
            "code_commit": _commit(plane, job, read=read_commit),
        },
        "decision_id": judged.id,
    }


def _role(state: ModelState | None, judged: Decision, job: str) -> tuple[Role, int | None]:
    """What became of a challenger, by its job: a number can be given out anew."""
    given = keys.named(judged.about, keys.begun(keys.VERSION))
    if state is None or not given:
        return "refused", None
    if state.champion is not None and state.champion.version.job == job:
        return "champion", state.champion.version.number
    if in_flight(state) and state.rollout is not None and state.rollout.version.job == job:
        return "rolling_out", state.rollout.version.number
    former: Version | None = next((each for each in state.former if each.job == job), None)
    if former is not None:
        return "former", former.number
    # Only so many are remembered; of older ones most were champion.
    forgotten = len(state.former) == FORMER_MAX and int(given) < state.former[-1].number
    return ("former" if forgotten else "given_up"), int(given)


def _difference(facts: Any) -> dict[str, Any] | None:
    if "difference" not in facts:
        return None
    low, mean, high = facts["difference"]
    against = "baseline" if facts.get("champion") is None else "champion"
    return {"low": low, "mean": mean, "high": high, "compared_with": against}


def _commit(plane: ControlPlane, job: str, *, read: bool) -> str | None:
    """The commit that trained the model; a job's folder never changes, so it is read once."""
    if job in plane.commits or not read:
        return plane.commits.get(job)
    content = plane.ports.files.read(output_path(job, "model", "lineage.json"))
    if content is None:
        return None
    plane.commits[job] = str(json.loads(content)["code_commit"])
    return plane.commits[job]
