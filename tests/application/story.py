"""What the tests of the control plane let happen outside: data lands, jobs end, events come."""

from __future__ import annotations

import json
from typing import Any

from shared.application import intake
from shared.domain.facts import JobStatus
from shared.domain.places import output_path
from shared.domain.state import Training
from tests.builders import metrics

STORAGE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acct"
WORKSPACE = (
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
)


def blob_event(path: str, **changes: Any) -> dict[str, Any]:
    """A BlobCreated event for a file of the landing container."""
    container = changes.pop("container", "landing")
    data = {"api": "PutBlob", "contentLength": 10, "eTag": "0x1"} | changes
    return {
        "id": f"event-{path}",
        "topic": STORAGE,
        "subject": f"/blobServices/default/containers/{container}/blobs/{path}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "data": data,
    }


def run_event(run_id: str, status: str = "Completed", workspace: str = WORKSPACE) -> dict[str, Any]:
    """A RunStatusChanged event, spelt as CloudEvents are."""
    return {
        "specversion": "1.0",
        "id": f"event-{run_id}",
        "source": workspace,
        "subject": f"experiments/e/runs/{run_id}",
        "type": "Microsoft.MachineLearningServices.RunStatusChanged",
        "data": {"RunId": run_id, "RunStatus": status},
    }


def land(world: Any, *names: str, model: str = "flights", event: bool = True) -> None:
    """Files land, each with its event unless that is lost."""
    for name in names:
        world.landing.put(f"{model}/{name}", name.encode())
        if event:
            intake.receive(world.plane, blob_event(f"{model}/{name}"))


def running(world: Any) -> Training:
    """The one job that runs."""
    (training,) = world.jobs.running
    assert isinstance(training, Training)
    return training


def complete(world: Any, event: bool = True, **changes: Any) -> Training:
    """The running job ends with good metrics, unless the changes say otherwise."""
    training = running(world)
    found = metrics(job_name=training.job, data_version=training.manifest.data_version, **changes)
    write(world, training.job, "model/metrics.json", found)
    write(world, training.job, "model/sample.json", {"rows": [{"a": 1}, {"a": 2}, {"a": 3}]})
    world.jobs.finish(training.job)
    if event:
        intake.receive(world.plane, run_event(training.job))
    return training


def refuse_data(world: Any, *problems: tuple[str | None, str]) -> Training:
    """The running job's first step refuses files by name and fails."""
    training = running(world)
    rows = [{"path": path, "reason": reason} for path, reason in problems]
    write(world, training.job, "report/problem.json", {"schema": 1, "problems": rows})
    world.jobs.finish(training.job, JobStatus.FAILED, "step prepare failed")
    intake.receive(world.plane, run_event(training.job, "Failed"))
    return training


def write(world: Any, job: str, file: str, content: dict[str, Any]) -> None:
    """A file that a job wrote."""
    output, name = file.split("/")
    world.files.write_once(output_path(job, output, name), json.dumps(content).encode())
