"""Carry out orders: one attempt each, harmless to repeat, never waiting for an operation."""

from __future__ import annotations

import json
from collections.abc import Sequence

from shared.application.observe import spec_bytes
from shared.domain.actions import (
    Action,
    CancelJob,
    CreateDeployment,
    CreateEndpoint,
    DeleteDeployment,
    PinData,
    RegisterModel,
    SetTraffic,
    SubmitJob,
    describe,
)
from shared.domain.errors import NoonError
from shared.domain.policy import ModelSpec
from shared.ports import LeaseHold, Ports


def pin_all(ports: Ports, spec: ModelSpec, actions: Sequence[Action]) -> None:
    """Write the manifests among the actions; a digest that is there is left as it is."""
    for action in actions:
        if isinstance(action, PinData):
            ports.files.write_once(action.ref.path, _manifest(spec, action))


def apply_all(ports: Ports, spec: ModelSpec, actions: Sequence[Action], lease: LeaseHold) -> str:
    """`done`, or what went wrong with the first action that failed; the rest waits with it."""
    for action in actions:
        try:
            # Endpoints have no etag: only the lease keeps two passes from writing at once.
            lease.check()
            apply(ports, spec, action)
        except NoonError as error:
            return f"could not {describe(action)}: {error}"
    return "done"


def apply(ports: Ports, spec: ModelSpec, action: Action) -> None:
    """Carry out one action; raises an error of the domain when the outside says no."""
    model = spec.name
    match action:
        case PinData():
            pass
        case SubmitJob(training):
            ports.files.write_once(training.spec_path, spec_bytes(spec))
            ports.jobs.submit(spec, training)
        case CancelJob(job):
            ports.jobs.cancel(job)
        case RegisterModel(version, tags):
            ports.registry.register(model, version, dict(tags))
        case CreateEndpoint():
            ports.endpoint.create(model)
        case CreateDeployment(subject, instance_type, count):
            ports.endpoint.deploy(model, subject, instance_type, count)
        case SetTraffic(traffic):
            ports.endpoint.set_traffic(model, dict(traffic))
        case DeleteDeployment(deployment):
            ports.endpoint.delete_deployment(model, deployment)


def _manifest(spec: ModelSpec, action: PinData) -> bytes:
    files = [
        {"path": file.path, "size": file.size, "md5": file.md5, "etag": file.etag}
        for file in action.files
    ]
    content = {
        "schema": 1,
        "model": spec.name,
        "data_version": action.ref.data_version,
        "files": files,
    }
    return json.dumps(content, indent=1).encode()
