"""What happens outside the control plane: data lands, jobs end, events come or do not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from shared.application import intake
from shared.domain.facts import JobStatus
from shared.domain.places import output_path
from shared.domain.state import Training
from simulation.drills.world import MODEL, WORKSPACE, World

STORAGE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acct"
SAMPLE = {"rows": [{"wind": 1}, {"wind": 2}, {"wind": 3}]}


def blob_event(path: str) -> dict[str, Any]:
    """A BlobCreated event for a file of the landing container."""
    return {
        "id": f"event-{path}",
        "topic": STORAGE,
        "subject": f"/blobServices/default/containers/landing/blobs/{path}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "data": {"api": "PutBlob", "contentLength": 10, "eTag": "0x1"},
    }


def run_event(run_id: str, status: str = "Completed") -> dict[str, Any]:
    """A RunStatusChanged event of our workspace."""
    return {
        "id": f"event-{run_id}-{status}",
        "topic": WORKSPACE,
        "subject": f"experiments/e/runs/{run_id}",
        "eventType": "Microsoft.MachineLearningServices.RunStatusChanged",
        "data": {"runId": run_id, "runStatus": status},
    }


def land(world: World, *names: str, model: str = MODEL, event: bool = True) -> None:
    """Files land, each with its event unless that is lost."""
    for name in names:
        path = f"{model}/{name}"
        world.landing.put(path, name.encode())
        if event:
            intake.receive(world.plane, blob_event(path))


def running(world: World) -> Training:
    """The one job that runs."""
    found = world.jobs.running
    if len(found) != 1:
        raise RuntimeError(f"{len(found)} jobs run, not one: {[each.job for each in found]}")
    return found[0]


def interval(mean: float, low: float, high: float) -> dict[str, Any]:
    """An interval as metrics.json has it."""
    return {"mean": mean, "low": low, "high": high, "confidence": 0.95, "samples": 500}


def against(number: int, value: float, mean: float, low: float, high: float) -> dict[str, Any]:
    """The fields of metrics.json that compare with a champion."""
    return {
        "challenger": {"value": round(value + mean, 6)},
        "champion": {"version": str(number), "value": value},
        "versus_champion": interval(mean, low, high),
    }


def metrics_of(training: Training, **changes: Any) -> dict[str, Any]:
    """metrics.json of a job, as of a first challenger that is good unless the changes say else."""
    return {
        "schema": 1,
        "model": MODEL,
        "task": "classification",
        "job_name": training.job,
        "data_version": training.manifest.data_version,
        "metric": {"name": "roc_auc", "higher_is_better": True},
        "landed_rows": 12000,
        "trained_rows": 10000,
        "holdout": {"digest": "1" * 64, "rows": 2000, "from": "2026-11-16", "to": "2026-11-22"},
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


def end(
    world: World,
    text: str | None,
    status: JobStatus = JobStatus.COMPLETED,
    event: bool = True,
    sample: dict[str, Any] | None = SAMPLE,
) -> Training:
    """The running job ends and leaves this text as its metrics.json; its event may be lost."""
    training = running(world)
    if text is not None:
        world.files.write_once(output_path(training.job, "model", "metrics.json"), text.encode())
    if sample is not None:
        content = json.dumps(sample).encode()
        world.files.write_once(output_path(training.job, "model", "sample.json"), content)
    world.jobs.finish(training.job, status, "" if status is JobStatus.COMPLETED else "step train")
    if event:
        word = status.value.capitalize()
        intake.receive(world.plane, run_event(training.job, word))
    world.work_off()
    return training


def complete(world: World, event: bool = True, **changes: Any) -> Training:
    """The running job ends with good metrics, unless the changes say otherwise."""
    return end(world, json.dumps(metrics_of(running(world), **changes)), event=event)


def first_champion(world: World) -> World:
    """Data landed, version 1 was trained, promoted and rules."""
    land(world, "first.csv")
    world.go_on(5)
    complete(world)
    world.go_on(8)
    if world.champion() is None:
        raise RuntimeError(f"there is no first champion: {world.at().last_refusal}")
    return world


def second_version(world: World, share: int = 10, callers: int = 200) -> World:
    """Version 2 was trained and promoted, and has just been given this share."""
    world.clock.advance(timedelta(hours=2))
    land(world, "second.csv")
    world.go_on(4)
    complete(world, **against(1, 0.75, 0.05, 0.03, 0.07))
    for _ in range(120):
        world.go_on(1, callers)
        if world.traffic().get("v2-e1") == share:
            return world
    raise RuntimeError(f"version 2 never got {share} %: {world.rollout().reason}")
