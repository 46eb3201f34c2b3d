"""Training jobs in Azure ML: one registered pipeline component, one request a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml import AzureMachineLearning, ml_errors, state_word
from shared.adapters.job_request import DIGEST_TAG, job_tags
from shared.domain.errors import ConflictError, NotFoundError, RefusedError
from shared.domain.facts import JobFacts, JobStatus
from shared.domain.places import output_path
from shared.domain.policy import ModelSpec
from shared.domain.state import Training

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job, PipelineJob

ENDED = {
    "completed": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "canceled": JobStatus.CANCELED,
}
STEPS_SHOWN_MAX = 20


class AzureTrainingJobs:
    """Pipeline jobs of the workspace."""

    def __init__(
        self,
        workspace: AzureMachineLearning,
        job_of: Callable[[str, int], str | None],
        *,
        compute: str,
        landing_datastore: str,
        runs_datastore: str,
        code_commit: str = "unknown",
        traceparent: Callable[[], str] = str,
    ) -> None:
        self._workspace = workspace
        self._job_of = job_of
        self._compute = compute
        self._landing = landing_datastore
        self._runs = runs_datastore
        self._code_commit = code_commit
        self._traceparent = traceparent

    def get(self, job: str) -> JobFacts | None:
        """The job, or None."""
        found = self._find(job)
        if found is None:
            return None
        status = ENDED.get(state_word(found.status), JobStatus.RUNNING)
        message = self._failed_steps(job) if status is JobStatus.FAILED else ""
        return JobFacts(job, status, message, str(found.studio_url or ""))

    def submit(self, spec: ModelSpec, training: Training) -> None:
        """Start it in one request; a job of that name with the same digest is success."""
        tags = job_tags(spec.name, training, self._traceparent())
        if self._is_there(training.job, tags[DIGEST_TAG]):
            return
        request = self._request(spec, training, tags)
        try:
            with ml_errors(f"submit {training.job}"):
                self._workspace.client().jobs.create_or_update(request)
        except (RefusedError, ConflictError):
            # Somebody may have been faster, or the client sent it twice.
            if not self._is_there(training.job, tags[DIGEST_TAG]):
                raise

    def cancel(self, job: str) -> None:
        """Ask it to stop; one that has ended is success."""
        try:
            with ml_errors(f"cancel {job}"):
                self._workspace.client().jobs.begin_cancel(job, polling=False)
        except (RefusedError, ConflictError):
            facts = self.get(job)
            if facts is None or facts.status is JobStatus.RUNNING:
                raise

    def _find(self, job: str) -> Job | None:
        try:
            with ml_errors(f"read {job}"):
                found: Job = self._workspace.client().jobs.get(job)
                return found
        except NotFoundError:
            return None

    def _is_there(self, job: str, digest: str) -> bool:
        """Whether the job exists; raises RefusedError when it is another one."""
        found = self._find(job)
        if found is not None and (found.tags or {}).get(DIGEST_TAG) != digest:
            raise RefusedError(f"submit {job}: another job has this name")
        return found is not None

    def _failed_steps(self, job: str) -> str:
        """Which steps failed: all that the service tells in one question."""
        with ml_errors(f"read the steps of {job}"):
            steps = list(self._workspace.client().jobs.list(parent_job_name=job))
        failed = [
            str(step.display_name or step.name)
            for step in steps[:STEPS_SHOWN_MAX]
            if state_word(step.status) == "failed"
        ]
        return f"step {', '.join(sorted(failed))} failed" if failed else ""

    def _request(self, spec: ModelSpec, training: Training, tags: dict[str, str]) -> PipelineJob:
        from azure.ai.ml.entities import PipelineJob, PipelineJobSettings

        component, _, version = training.component.partition(":")
        return PipelineJob(
            component=self._workspace.asset_id("components", component, version),
            name=training.job,
            experiment_name=spec.name,
            display_name=training.job,
            description=training.because,
            tags=tags,
            inputs=self._inputs(spec.name, training),
            outputs={name: self._output(training.job, name) for name in ("model", "report")},
            settings=PipelineJobSettings(
                default_compute=self._compute,
                # Left out, the service takes the first to be true and reuses former results.
                continue_on_step_failure=False,
                force_rerun=True,
            ),
        )

    def _inputs(self, model: str, training: Training) -> dict[str, Any]:
        from azure.ai.ml import Input

        inputs: dict[str, Any] = {
            "manifest": Input(type="uri_file", path=self._run_uri(training.manifest.path)),
            "spec": Input(type="uri_file", path=self._run_uri(training.spec_path)),
            "landing": Input(
                type="uri_folder",
                mode="ro_mount",
                path=f"azureml://datastores/{self._landing}/paths/",
            ),
            "job_name": training.job,
            "code_commit": self._code_commit,
        }
        for role, number in (("champion", training.champion), ("anchor", training.anchor)):
            if number is not None:
                inputs[role] = Input(type="uri_folder", path=self._model_folder(model, number))
                inputs[f"{role}_version"] = str(number)
        return inputs

    def _model_folder(self, model: str, number: int) -> str:
        # A registered custom model is no uri_folder to the service, the job's output is.
        job = self._job_of(model, number)
        if job is None:
            raise RefusedError(f"{model}:{number} is not registered: nothing to compare with")
        return self._run_uri(output_path(job, "model"))

    def _output(self, job: str, name: str) -> Any:
        from azure.ai.ml import Output

        uri = self._run_uri(output_path(job, name))
        return Output(type="uri_folder", mode="rw_mount", path=uri)

    def _run_uri(self, path: str) -> str:
        return f"azureml://datastores/{self._runs}/paths/{path}"
