"""Carry out orders: one attempt each, harmless to repeat, never waiting for an operation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.application.observe import spec_bytes
from shared.domain.actions import (
    Action,
    CancelJob,
    CreateDeployment,
    CreateEndpoint,
    DeleteDeployment,
    PinData,
    PublishVersion,
    RegisterModel,
    SetTraffic,
    SubmitJob,
    TopUp,
    WithdrawVersion,
    asker_of,
    describe,
)
from shared.domain.errors import NoonError, RefusedError
from shared.domain.facts import Probe
from shared.domain.health import Counts, HealthRow
from shared.domain.places import output_path
from shared.domain.policy import ModelSpec
from shared.domain.state import Asker
from shared.ports import LeaseHold, Ports


def pin_all(ports: Ports, spec: ModelSpec, actions: Sequence[Action]) -> None:
    """Write the manifests among the actions; a digest that is there is left as it is."""
    for action in actions:
        if isinstance(action, PinData):
            ports.files.write_once(action.ref.path, _manifest(spec, action))


@dataclass(frozen=True, slots=True)
class Applied:
    """How the orders of a pass went."""

    outcome: str = "done"
    """`done`, or what went wrong with the first that failed; the rest waits with it."""
    refused: str = ""
    """The same, if the outside said no for good."""
    refused_to: Asker | Literal[""] = ""
    """Whose order that was."""


def apply_all(
    ports: Ports, spec: ModelSpec, actions: Sequence[Action], lease: LeaseHold
) -> Applied:
    """Carry out the actions in order until one fails."""
    for action in actions:
        try:
            # Endpoints have no etag: only the lease keeps two passes from writing at once.
            lease.check()
            apply(ports, spec, action)
        except NoonError as error:
            text = f"could not {describe(action)}: {error}"
            if isinstance(error, RefusedError):
                return Applied(text, text, asker_of(action))
            return Applied(text)
    return Applied()


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
        case TopUp():
            _top_up(ports, spec, action)
        case _:
            _publish(ports, model, action)


def _publish(ports: Ports, model: str, action: PublishVersion | WithdrawVersion) -> None:
    match action:
        case PublishVersion(role, number, job):
            ports.containers.publish(model, role, number, job)
        case WithdrawVersion(role):
            ports.containers.withdraw(model, role)


def _manifest(spec: ModelSpec, action: PinData) -> bytes:
    files = [
        {
            "path": file.path,
            "size": file.size,
            "md5": file.md5,
            "etag": file.etag,
            # Copied from manifest to manifest: the newest one tells of every file that is there.
            "first": action.first_read.get(file.path),
        }
        for file in action.files
    ]
    content = {
        "schema": 1,
        "model": spec.name,
        "data_version": action.ref.data_version,
        "files": files,
    }
    return json.dumps(content).encode()


def _top_up(ports: Ports, spec: ModelSpec, action: TopUp) -> None:
    """Ask with recorded rows; the answers count in the health window, marked as ours."""
    sample = ports.files.read(output_path(action.job, "model", "sample.json"))
    rows = json.loads(sample)["rows"] if sample else []
    answers = [
        ports.prober.smoke(action.scoring_uri, action.deployment, [rows[turn % len(rows)]])
        for turn in range(action.requests if rows else 0)
    ]
    failures = sum(answer.probe is Probe.FAILED for answer in answers)
    asked = sum(answer.probe is not Probe.NO_DATA for answer in answers)
    if asked:
        counts = Counts(requests=asked, failures=failures, topped_up=asked)
        now = ports.clock.now()
        row = HealthRow(action.deployment, f"topup-{now:%H%M%S%f}", now, counts)
        ports.health.write(spec.name, [row])
