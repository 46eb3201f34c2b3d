"""Values for tests: a model's policy, states, facts and metrics with everything in order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.actions import PinnedFile
from shared.domain.facts import (
    DeploymentFacts,
    EndpointFacts,
    Facts,
    ProvisioningState,
    Release,
    Slot,
    SlotFacts,
    Snapshot,
)
from shared.domain.moment import Moment
from shared.domain.policy import GatePolicy, ModelSpec, RetrainingPolicy, RolloutPolicy
from shared.domain.state import (
    Champion,
    ManifestRef,
    ModelState,
    Phase,
    Rollout,
    Score,
    Training,
    Version,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RELEASE = Release("noon_retrain:abc", 1)
MANIFEST = ManifestRef("d1", "noon/manifests/flights/d1.json", 2, 200)
SLOT = Slot("20261123t1200", NOON)
YESTERDAY = Slot("20261122t1200", NOON - timedelta(days=1))
TOMORROW = Slot("20261124t1200", NOON + timedelta(days=1))


def minutes(count: float) -> timedelta:
    """That many minutes."""
    return timedelta(minutes=count)


def spec(name: str = "flights", **retraining: Any) -> ModelSpec:
    """A model with a policy in round numbers."""
    policy: dict[str, Any] = {
        "schedule": "0 12 * * *",
        "time_zone": "UTC",
        "quiet": minutes(2),
        "longest_wait": minutes(15),
        "minimum_interval": minutes(60),
        "catch_up": timedelta(hours=24),
        "training_max": timedelta(hours=6),
        "attempts_max": 2,
    }
    return ModelSpec(
        name=name,
        title=f"The model {name}",
        task="classification",
        serving="managed_endpoint",
        prefix=f"{name}/",
        training_spec={"schema": 1, "model": name},
        retraining=RetrainingPolicy(**(policy | retraining)),
        gate=gate(),
        rollout=RolloutPolicy(
            steps=(10, 50, 100),
            soak=minutes(10),
            requests_min=100,
            no_data_max=minutes(60),
            provisioning_max=minutes(30),
            smoke_rows=2,
            keep_warm=minutes(60),
            instance_type="Standard_DS2_v2",
            instance_count=1,
        ),
    )


def gate(**changes: Any) -> GatePolicy:
    """A gate policy in round numbers."""
    values: dict[str, Any] = {
        "holdout_rows_min": 1000,
        "margin": 0.01,
        "refresh_after": timedelta(days=14),
        "slice_margin": 0.02,
        "slice_rows_min": 100,
        "champion_floor": 0.05,
        "parity_flips_per_million_max": 0.0,
        "parity_difference_max": 0.001,
        "latency_ms_p95_max": 20.0,
    }
    return GatePolicy(**(values | changes))


def score(value: float = 0.7) -> Score:
    """What is remembered of a version with this value."""
    return Score("roc_auc", True, value, 0.1, 0.3, "baseline prior", 9000, 10000, 1000)


def version(number: int, value: float = 0.7, at: datetime = NOON) -> Version:
    """A promoted version."""
    return Version(number, f"flights-data-{number}-a1", at, score(value))


def champion(number: int = 1, value: float = 0.7, at: datetime = NOON) -> Champion:
    """A version that answers callers since it was promoted."""
    return Champion(version(number, value, at), 1, at)


def training(**changes: Any) -> Training:
    """A training in flight."""
    values: dict[str, Any] = {
        "job": "flights-slot-20261123t1200-a1",
        "cause": "slot",
        "because": "slot 20261123t1200",
        "stamp": "20261123t1200",
        "attempt": 1,
        "planned_at": NOON,
        "manifest": MANIFEST,
        "previous": None,
        "spec_path": "noon/specs/flights/s1.json",
        "component": RELEASE.component,
        "slot": "20261123t1200",
    }
    return Training(**(values | changes))


def state(**changes: Any) -> ModelState:
    """A model that was seen before and has nothing to do."""
    values: dict[str, Any] = {
        "model": "flights",
        "created_at": NOON - timedelta(days=30),
        "next_due_at": NOON,
        "last_slot_at": YESTERDAY.due_at,
        "listed_at": NOON - minutes(10),
    }
    return ModelState(**(values | changes))


def rollout(phase: Phase = Phase.PENDING, number: int = 2, **changes: Any) -> Rollout:
    """A rollout of a version, begun at noon."""
    values: dict[str, Any] = {
        "version": version(number),
        "environment": 1,
        "phase": phase,
        "started_at": NOON,
        "entered_at": NOON,
    }
    return Rollout(**(values | changes))


def files(*names: str) -> tuple[PinnedFile, ...]:
    """Landed files of 100 bytes each; the etag is made from the name."""
    return tuple(PinnedFile(f"flights/{name}", 100, "bWQ1", f"0x{name}") for name in names)


def keys(*names: str) -> frozenset[tuple[str, str]]:
    """Path and etag of the same files, as a manifest has them."""
    return frozenset((file.path, file.etag) for file in files(*names))


def facts(of: ModelState | None, **changes: Any) -> Facts:
    """What a pass sees when nothing is due: yesterday's slot is the newest."""
    values: dict[str, Any] = {
        "snapshot": Snapshot(of, "e1"),
        "slots": SlotFacts(YESTERDAY, TOMORROW),
        "release": RELEASE,
        "spec_path": "noon/specs/flights/s1.json",
    }
    return Facts(**(values | changes))


def moment(
    of: ModelState, now: datetime, policy: RolloutPolicy | None = None, **seen: Any
) -> Moment:
    """A model's serving at that moment, with these facts about what is outside."""
    return Moment(of, facts(of, **seen), policy or spec().rollout, now)


def endpoint(
    traffic: dict[str, int] | None = None,
    updating: tuple[str, ...] = (),
    failed: tuple[str, ...] = (),
    own: ProvisioningState = ProvisioningState.SUCCEEDED,
    deployments: tuple[str, ...] = (),
) -> EndpointFacts:
    """An endpoint whose deployments are those of the traffic map and the extra ones named."""
    shares = traffic or {}
    names = {*shares, *deployments, *updating, *failed}
    known = {
        name: DeploymentFacts(
            name,
            ProvisioningState.UPDATING
            if name in updating
            else ProvisioningState.FAILED
            if name in failed
            else ProvisioningState.SUCCEEDED,
            "image pull failed" if name in failed else "",
        )
        for name in sorted(names)
    }
    return EndpointFacts("noon-flights", own, "https://localhost/score", shares, known)


def interval(mean: float, low: float, high: float) -> dict[str, Any]:
    """An interval as metrics.json has it."""
    return {"mean": mean, "low": low, "high": high, "confidence": 0.95, "samples": 500}


def metrics(**changes: Any) -> dict[str, Any]:
    """metrics.json of a first challenger that is good; changes replace top-level fields."""
    return {
        "schema": 1,
        "model": "flights",
        "task": "classification",
        "job_name": "flights-slot-20261123t1200-a1",
        "data_version": "d1",
        "metric": {"name": "roc_auc", "higher_is_better": True},
        "landed_rows": 12000,
        "trained_rows": 10000,
        "holdout": {"digest": "h1", "rows": 2000, "from": "2026-11-16", "to": "2026-11-22"},
        "challenger": {"value": 0.75},
        "baseline": {"name": "prior", "value": 0.5},
        "champion": None,
        "anchor": None,
        "versus_baseline": interval(0.25, 0.22, 0.28),
        "versus_champion": None,
        "versus_anchor": None,
        "slices": [],
        "parity": {"rows": 2000, "max_difference": 1e-6, "flipped": 0},
        "latency": {"rows": 200, "p50_ms": 0.1, "p95_ms": 0.2},
        "sample_rows": 20,
    } | changes


def metrics_text(**changes: Any) -> str:
    """The same as text."""
    return json.dumps(metrics(**changes))


def against(number: int, value: float, mean: float, low: float, high: float) -> dict[str, Any]:
    """The fields of metrics.json that compare with a champion."""
    return {
        "challenger": {"value": round(value + mean, 6)},
        "champion": {"version": str(number), "value": value},
        "versus_champion": interval(mean, low, high),
    }
