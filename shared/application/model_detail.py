"""One model in full: at a glance, and its policy, data, schedule and schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from shared.application.fleet import glance
from shared.application.plane import ControlPlane
from shared.application.telling import model_of, warm_told
from shared.domain.errors import NotFoundError
from shared.domain.events import Order
from shared.domain.places import output_path
from shared.domain.policy import GatePolicy, ModelSpec, RetrainingPolicy, RolloutPolicy
from shared.domain.retraining import data_due_at
from shared.domain.state import ModelState


def model_detail(plane: ControlPlane, name: str) -> dict[str, Any]:
    """One model in full; raises NotFoundError that names the known ones."""
    spec = model_of(plane, name)
    told, snapshot = glance(plane, spec)
    state = snapshot.state
    order = state.waiting_order if state else None
    return told | {
        "policy": {
            "retraining": _retraining(spec.retraining),
            "gate": _gate(spec.gate),
            "rollout": _rollout(spec.rollout),
        },
        "data": _data(spec, state),
        "schema_path": f"/api/models/{name}/schema",
        "warm": warm_told(state.warm) if state else None,
        "accepting": _accepting(state) if state else None,
        "waiting_order": _order(order) if order else None,
        "next_look_at": state.next_due_at if state else None,
    }


def model_schema(plane: ControlPlane, name: str) -> dict[str, Any]:
    """What the champion wants to know, from its model folder, with sample rows.

    Raises NotFoundError for an unknown model, one without champion or without its folder.
    """
    model_of(plane, name)
    state = plane.ports.state.load(name).state
    if state is None or state.champion is None:
        raise NotFoundError(f"{name} has no champion yet: train it, and wait for its rollout")
    version = state.champion.version
    schema = _file(plane, version.job, "schema.json")
    sample = _file(plane, version.job, "sample.json")
    return {
        "model": name,
        "version": version.number,
        "task": schema["task"],
        "target": schema["target"],
        "classes": schema["classes"],
        "columns": [_column(feature) for feature in schema["features"]],
        "sample": sample["rows"],
    }


def _file(plane: ControlPlane, job: str, name: str) -> dict[str, Any]:
    content = plane.ports.files.read(output_path(job, "model", name))
    if content is None:
        raise NotFoundError(f"{name} of the model folder of {job} is gone")
    found: dict[str, Any] = json.loads(content)
    return found


def _column(feature: Mapping[str, Any]) -> dict[str, Any]:
    common = {key: feature.get(key) for key in ("name", "kind", "example")}
    if feature["kind"] == "category":
        return common | {"categories": feature.get("categories") or []}
    return common | {"minimum": feature.get("minimum"), "maximum": feature.get("maximum")}


def _data(spec: ModelSpec, state: ModelState | None) -> dict[str, Any]:
    given: Mapping[str, Any] = spec.training_spec
    manifest = state.manifest if state else None
    features: Mapping[str, str] = given.get("features", {})
    return {
        "prefix": spec.prefix,
        "time_column": given.get("time_column", ""),
        "target": given.get("target", ""),
        "identifiers": list(given.get("identifiers", ())),
        "features": [{"name": name, "kind": kind} for name, kind in features.items()],
        "holdout_days": given.get("holdout_days", 0),
        "metric": given.get("metric", ""),
        "slices": list(given.get("slices", ())),
        "data_version": manifest.data_version if manifest else None,
        "files": manifest.files if manifest else None,
        "bytes": manifest.size if manifest else None,
        **_landed(spec, state),
        "quarantine": [
            {"path": each.path, "reason": each.reason}
            for each in (state.quarantine if state else ())
        ],
    }


def _landed(spec: ModelSpec, state: ModelState | None) -> dict[str, datetime | None]:
    return {
        "landed_first_at": state.landing_first_at if state else None,
        "landed_last_at": state.landing_last_at if state else None,
        "training_due_at": data_due_at(state, spec.retraining) if state else None,
    }


def _retraining(policy: RetrainingPolicy) -> dict[str, Any]:
    return {
        "schedule": policy.schedule,
        "time_zone": policy.time_zone,
        "quiet_seconds": _seconds(policy.quiet),
        "longest_wait_seconds": _seconds(policy.longest_wait),
        "minimum_interval_seconds": _seconds(policy.minimum_interval),
        "catch_up_seconds": _seconds(policy.catch_up),
        "training_seconds_max": _seconds(policy.training_max),
        "attempts_max": policy.attempts_max,
        "listing_seconds": _seconds(policy.listing_every),
    }


def _gate(policy: GatePolicy) -> dict[str, Any]:
    told = asdict(policy)
    told["refresh_after_seconds"] = _seconds(told.pop("refresh_after"))
    return told


def _rollout(policy: RolloutPolicy) -> dict[str, Any]:
    return {
        "steps": list(policy.steps),
        "soak_seconds": _seconds(policy.soak),
        "requests_min": policy.requests_min,
        "no_data_seconds_max": _seconds(policy.no_data_max),
        "provisioning_seconds_max": _seconds(policy.provisioning_max),
        "keep_warm_seconds": _seconds(policy.keep_warm),
        "error_rate_max": policy.error_rate_max,
        "latency_ratio_max": policy.latency_ratio_max,
        "latency_slack_ms": policy.latency_slack_ms,
        "failed_checks_allowed": policy.failed_checks_allowed,
        "hand_changed": policy.hand_changed,
    }


def _accepting(state: ModelState) -> str | None:
    """By whose leave the next challenger is not compared with the champion."""
    leave, champion = state.accepting, state.champion
    if leave is None or champion is None or leave.champion != champion.version.number:
        return None
    return leave.words


def _order(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "who": order.who,
        "because": order.because,
        "ordered_at": order.ordered_at,
    }


def _seconds(span: timedelta) -> float:
    return span.total_seconds()
