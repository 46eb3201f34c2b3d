"""Model versions in the Azure ML registry of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.adapters.azure_ml import AzureMachineLearning, ml_errors
from shared.adapters.job_request import JOB_TAG
from shared.domain.errors import ConflictError, NotFoundError, RefusedError
from shared.domain.places import output_path
from shared.domain.state import Version

if TYPE_CHECKING:
    from azure.ai.ml.entities import Model


class AzureModelRegistry:
    """Custom models: each version is the model folder of one job."""

    def __init__(self, workspace: AzureMachineLearning, runs_datastore: str) -> None:
        self._workspace = workspace
        self._runs = runs_datastore

    def job_of(self, model: str, version: int) -> str | None:
        """The job that made the registered version; None when it is not registered."""
        found = self._find(model, version)
        # Without the tag somebody else registered it: a name that no job has.
        return (found.tags or {}).get(JOB_TAG, "") if found else None

    def register(self, model: str, version: Version, tags: dict[str, str]) -> None:
        """Register the job's model folder; the same version of the same job is success."""
        from azure.ai.ml.entities import Model

        if self._is_there(model, version):
            return
        folder = output_path(version.job, "model")
        request = Model(
            name=model,
            version=str(version.number),
            type="custom_model",
            path=f"azureml://datastores/{self._runs}/paths/{folder}",
            tags={**tags, JOB_TAG: version.job},
        )
        try:
            with ml_errors(f"register {model}:{version.number}"):
                self._workspace.client().models.create_or_update(request)
        except (RefusedError, ConflictError):
            # Somebody may have been faster, or the client sent it twice.
            if not self._is_there(model, version):
                raise

    def _is_there(self, model: str, version: Version) -> bool:
        """Whether it is registered; raises ConflictError when it is another job's model."""
        job = self.job_of(model, version.number)
        if job not in (None, version.job):
            raise ConflictError(
                f"register {model}:{version.number}: it is the model of {job or 'nobody we know'}"
            )
        return job is not None

    def _find(self, model: str, version: int) -> Model | None:
        try:
            with ml_errors(f"read {model}:{version}"):
                found: Model = self._workspace.client().models.get(model, version=str(version))
                return found
        except NotFoundError:
            return None
