"""Jobs and models in memory; the test says how they turn out."""

from __future__ import annotations

from dataclasses import replace

from shared.adapters.job_request import training_digest
from shared.domain.errors import ConflictError, NotFoundError, RefusedError
from shared.domain.facts import JobFacts, JobStatus
from shared.domain.policy import ModelSpec
from shared.domain.state import Training, Version


class MemoryTrainingJobs:
    """Jobs that run until `finish` says how they ended."""

    def __init__(self) -> None:
        self.submitted: dict[str, Training] = {}
        self._jobs: dict[str, JobFacts] = {}

    @property
    def running(self) -> list[Training]:
        """Trainings whose jobs have not ended, oldest first."""
        return [
            training
            for job, training in self.submitted.items()
            if self._jobs[job].status is JobStatus.RUNNING
        ]

    def get(self, job: str) -> JobFacts | None:
        """The job, or None."""
        return self._jobs.get(job)

    def submit(self, spec: ModelSpec, training: Training) -> None:  # noqa: ARG002 - the port's
        """Start it; a job of that name with the same digest is success."""
        former = self.submitted.get(training.job)
        if former is None:
            self.submitted[training.job] = training
            self._jobs[training.job] = JobFacts(training.job, JobStatus.RUNNING)
        elif training_digest(former) != training_digest(training):
            raise RefusedError(f"submit {training.job}: another job has this name")

    def cancel(self, job: str) -> None:
        """Ask it to stop; one that has ended is success."""
        if job not in self._jobs:
            raise NotFoundError(f"cancel {job}: there is no such job")
        if self._jobs[job].status is JobStatus.RUNNING:
            self.finish(job, JobStatus.CANCELED)

    def finish(self, job: str, status: JobStatus = JobStatus.COMPLETED, message: str = "") -> None:
        """Let a job end."""
        self._jobs[job] = replace(self._jobs[job], status=status, message=message)


class MemoryModelRegistry:
    """Versions by model and number."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, int], Version] = {}
        self.tags: dict[tuple[str, int], dict[str, str]] = {}

    def job_of(self, model: str, version: int) -> str | None:
        """The job that made the registered version; None when it is not registered."""
        registered = self.versions.get((model, version))
        return registered.job if registered else None

    def register(self, model: str, version: Version, tags: dict[str, str]) -> None:
        """Register the job's model folder; the same version of the same job is success."""
        job = self.job_of(model, version.number)
        if job not in (None, version.job):
            raise ConflictError(f"register {model}:{version.number}: it is the model of {job}")
        self.versions.setdefault((model, version.number), version)
        self.tags.setdefault((model, version.number), dict(tags))
