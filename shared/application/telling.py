"""What stands in several read models: decisions, versions and jobs as plain data for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.application.plane import ControlPlane
from shared.domain.decision import Decision, Reason
from shared.domain.errors import NotFoundError
from shared.domain.policy import ModelSpec
from shared.domain.state import Warm


def model_of(plane: ControlPlane, name: str) -> ModelSpec:
    """The model of that name; raises NotFoundError that names the known ones."""
    if name not in plane.models:
        known = ", ".join(sorted(plane.models))
        raise NotFoundError(f"there is no model {name!r}; known are {known}")
    return plane.models[name]


def decision_told(decision: Decision) -> dict[str, Any]:
    """A decision in full."""
    return {
        "id": decision.id,
        "model": decision.model,
        "at": decision.at,
        "cause": decision.cause,
        "kind": decision.kind,
        "reasons": reasons_told(decision.reasons),
        "actions": list(decision.actions),
        "outcome": decision.outcome,
        "about": list(decision.about),
        "facts": dict(decision.facts),
    }


def reasons_told(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    """Reasons with code and text."""
    return [{"code": reason.code, "text": reason.text} for reason in reasons]


def warm_told(warm: Warm | None) -> dict[str, Any] | None:
    """A deployment that is kept for a while."""
    if warm is None:
        return None
    return {
        "deployment": warm.deployment,
        "version": warm.version.number if warm.version else None,
        "until": warm.until,
    }


def studio_url(plane: ControlPlane, job: str) -> str:
    """The job's page in Azure ML studio."""
    return f"https://ml.azure.com/runs/{job}?wsid={plane.workspace}"
