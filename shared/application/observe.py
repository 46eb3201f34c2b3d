"""Ask the ports for what the decision needs, and for nothing else; changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from shared.domain.errors import MalformedError
from shared.domain.facts import (
    ContainerFacts,
    EndpointFacts,
    Facts,
    JobFacts,
    JobStatus,
    Probe,
    Problem,
    SlotFacts,
    SmokeFacts,
    Snapshot,
    Wanted,
)
from shared.domain.health import Counts
from shared.domain.places import output_path, spec_path
from shared.domain.policy import ModelSpec
from shared.domain.slots import owed_slot, slots_since
from shared.domain.state import ModelState, Phase, Subject
from shared.ports import Ports


def observe(
    ports: Ports, spec: ModelSpec, snapshot: Snapshot, slots: SlotFacts, wanted: Wanted
) -> Facts:
    """The facts of one pass."""
    state = snapshot.state
    job = ports.jobs.get(state.training.job) if wanted.job and state and state.training else None
    ended = job is not None and job.status is not JobStatus.RUNNING
    endpoint = ports.endpoint.get(spec.name) if wanted.endpoint else None
    container = ports.containers.get(spec.name) if wanted.container else None
    serving = endpoint or container
    pinned = _pinned(ports, state) if wanted.listing or ended else {}
    return Facts(
        snapshot=snapshot,
        slots=_overtaken(ports, spec, state, slots) if wanted.listing else slots,
        release=ports.releases.release() if wanted.release else None,
        listing=ports.landing.list(spec.prefix) if wanted.listing else None,
        pinned=frozenset(pinned),
        first_read=pinned,
        spec_path=_spec_path(spec) if wanted.listing else "",
        job=job,
        metrics=_metrics(ports, job),
        holdout=_holdout(ports, job),
        problems=_problems(ports, job),
        registered_job=_registered_job(ports, spec, state)
        if wanted.endpoint or wanted.container
        else None,
        endpoint=endpoint,
        container=container,
        smoke=_smoke(ports, spec, state, wanted.smoke, serving),
        health=_health(ports, spec, wanted.health_since),
    )


def _overtaken(
    ports: Ports, spec: ModelSpec, state: ModelState | None, slots: SlotFacts
) -> SlotFacts:
    """The slots with those that the newest has overtaken, if it is owed."""
    if state is None or slots.newest is None or owed_slot(state, slots) is None:
        return slots
    policy, since = spec.retraining, slots_since(state)
    if state.last_slot:
        # In the time zone of now: what came under that name in another one was this slot, too.
        since = max(since, ports.slots.named(state.last_slot, policy.time_zone).due_at)
    overtaken = ports.slots.between(policy.schedule, policy.time_zone, since, slots.newest)
    return replace(slots, overtaken=overtaken)


def spec_bytes(spec: ModelSpec) -> bytes:
    """What the training components are told, the same bytes for the same content."""
    return json.dumps(spec.training_spec, sort_keys=True, indent=1).encode()


@lru_cache
def _spec_path(spec: ModelSpec) -> str:
    return spec_path(spec.name, hashlib.sha256(spec_bytes(spec)).hexdigest()[:16])


def _pinned(ports: Ports, state: ModelState | None) -> Mapping[tuple[str, str], str]:
    """Path and etag of what the last training was pinned to, with the job that read it first."""
    if state is None or state.manifest is None:
        return {}
    text = ports.files.read(state.manifest.path)
    if text is None:
        raise MalformedError(f"manifest {state.manifest.path} is gone")
    return _first_reads(text)


@lru_cache(maxsize=32)
def _first_reads(manifest: bytes) -> Mapping[tuple[str, str], str]:
    """Asked of the same manifest once an hour, until there is another training."""
    files = json.loads(manifest)["files"]
    return {(file["path"], file["etag"]): file.get("first") or "" for file in files}


def _metrics(ports: Ports, job: JobFacts | None) -> str | None:
    if job is None or job.status is not JobStatus.COMPLETED:
        return None
    content = ports.files.read(output_path(job.name, "model", "metrics.json"))
    return None if content is None else content.decode(errors="replace")


def _holdout(ports: Ports, job: JobFacts | None) -> str | None:
    """What `prepare` says that it held out; None where it left no word that can be read."""
    if job is None or job.status is not JobStatus.COMPLETED:
        return None
    content = ports.files.read(output_path(job.name, "report", "prepared.json"))
    try:
        return None if content is None else str(json.loads(content)["holdout"]["digest"])
    except (ValueError, KeyError, TypeError):
        return None


def _problems(ports: Ports, job: JobFacts | None) -> tuple[Problem, ...]:
    """What `prepare` wrote about the data before it gave up; none if it failed otherwise."""
    if job is None or job.status is not JobStatus.FAILED:
        return ()
    content = ports.files.read(output_path(job.name, "report", "problem.json"))
    if content is None:
        return ()
    try:
        rows: list[Mapping[str, Any]] = json.loads(content)["problems"]
        return tuple(Problem(row["path"], str(row["reason"])) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        return (Problem(None, f"problem.json cannot be read: {error}"),)


def _registered_job(ports: Ports, spec: ModelSpec, state: ModelState | None) -> str | None:
    """Asked before the deployment is ordered; what it was made from does not change later."""
    if state is None or state.rollout is None or state.rollout.phase is not Phase.PENDING:
        return None
    return ports.registry.job_of(spec.name, state.rollout.version.number)


def _health(ports: Ports, spec: ModelSpec, since: datetime | None) -> Mapping[str, Counts] | None:
    if since is None:
        return None
    return ports.health.read(spec.name, since, ports.clock.now() - spec.rollout.lag)


def _smoke(
    ports: Ports,
    spec: ModelSpec,
    state: ModelState | None,
    subject: Subject | None,
    serving: EndpointFacts | ContainerFacts | None,
) -> SmokeFacts | None:
    """Send recorded rows to the new deployment, whatever its traffic."""
    if subject is None or serving is None or not serving.accepts_writes:
        return None
    assert state is not None
    assert state.rollout is not None, "a smoke test belongs to a rollout"
    sample = ports.files.read(output_path(state.rollout.version.job, "model", "sample.json"))
    if sample is None:
        return SmokeFacts(Probe.FAILED, "the model folder has no sample.json")
    rows = json.loads(sample)["rows"][: spec.rollout.smoke_rows]
    if isinstance(serving, ContainerFacts):
        return ports.containers.smoke(spec.name, subject.deployment, rows)
    return ports.prober.smoke(serving.scoring_uri, subject.deployment, rows)
