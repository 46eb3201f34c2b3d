"""Orders to the outside world; each can be carried out twice without harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.domain.state import Asker, ManifestRef, Subject, Training, Version

Role = Literal["champion", "challenger"]
"""What a container makes of a published version: it answers everybody, or who asks by header."""


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """One landed file as a manifest lists it."""

    path: str
    size: int
    md5: str | None
    """Base64, as storage keeps it; None where it keeps none."""
    etag: str


@dataclass(frozen=True, slots=True)
class PinData:
    """Write the manifest; what is there already stays, since the name is its digest."""

    ref: ManifestRef
    files: tuple[PinnedFile, ...] = field(repr=False)
    first_read: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """The job that read each file first, by path, where that is known."""


@dataclass(frozen=True, slots=True)
class SubmitJob:
    """Start the training's job, unless one of that name is there."""

    training: Training


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Stop a job that runs too long."""

    job: str


@dataclass(frozen=True, slots=True)
class RegisterModel:
    """Register the job's model folder under the version's number."""

    version: Version
    tags: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class CreateEndpoint:
    """Make the model's endpoint, without any traffic."""


@dataclass(frozen=True, slots=True)
class CreateDeployment:
    """Make a deployment, at 0 % traffic."""

    subject: Subject
    instance_type: str
    instance_count: int


@dataclass(frozen=True, slots=True)
class SetTraffic:
    """Write the full traffic map: a share left out would lose its traffic."""

    traffic: Mapping[str, int] = field(hash=False)


@dataclass(frozen=True, slots=True)
class DeleteDeployment:
    """Remove a deployment that has no traffic."""

    deployment: str


@dataclass(frozen=True, slots=True)
class TopUp:
    """Send recorded rows to a deployment by header, for want of callers."""

    job: str
    """Whose sample rows are sent."""
    scoring_uri: str
    deployment: str
    requests: int


@dataclass(frozen=True, slots=True)
class PublishVersion:
    """Copy the job's model folder to where the container looks, and point at it."""

    role: Role
    version: int
    job: str


@dataclass(frozen=True, slots=True)
class WithdrawVersion:
    """Point at nothing any more in this role."""

    role: Role


Action = (
    PinData
    | SubmitJob
    | CancelJob
    | RegisterModel
    | CreateEndpoint
    | CreateDeployment
    | SetTraffic
    | DeleteDeployment
    | TopUp
    | PublishVersion
    | WithdrawVersion
)


def asker_of(action: Action) -> Asker:
    """What the action is ordered for."""
    match action:
        case PinData() | SubmitJob() | CancelJob():
            return "training"
        case _:
            return "rollout"


def describe(action: Action) -> str:
    """The action in a few words, for the decision log."""
    match action:
        case PinData(ref):
            return f"pin data {ref.data_version} ({ref.files} files)"
        case SubmitJob(training):
            return f"submit job {training.job}"
        case CancelJob(job):
            return f"cancel job {job}"
        case RegisterModel(version):
            return f"register version {version.number} from {version.job}"
        case CreateEndpoint():
            return "create endpoint"
        case CreateDeployment(subject):
            return f"create deployment {subject.deployment}"
        case SetTraffic(traffic):
            shares = ", ".join(f"{name} {share} %" for name, share in sorted(traffic.items()))
            return f"set traffic to {shares}"
        case DeleteDeployment(deployment):
            return f"delete deployment {deployment}"
        case TopUp(_, _, deployment, requests):
            return f"send {requests} recorded rows to {deployment}"
        case _:
            return _describe_publication(action)


def _describe_publication(action: PublishVersion | WithdrawVersion) -> str:
    match action:
        case PublishVersion(role, version, job):
            return f"publish version {version} from {job} as {role}"
        case WithdrawVersion(role):
            return f"withdraw the {role}"
