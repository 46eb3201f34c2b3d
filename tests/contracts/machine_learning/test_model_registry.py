"""What every ModelRegistry keeps to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.azure_ml_models import AzureModelRegistry
from shared.domain.errors import ConflictError
from shared.domain.state import Score, Version
from shared.ports import ModelRegistry

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SCORE = Score("roc_auc", True, 0.75, 0.01, 0.03, "baseline prior", 1000, 1200, 200)


def version(number: int, job: str) -> Version:
    """A promoted version."""
    return Version(number, job, NOON, SCORE)


def test_unknown_version_has_no_job(model_registry: ModelRegistry, unique: str) -> None:
    """A version that nobody registered has no job, whether the model is known or not."""
    assert model_registry.job_of(unique, 1) is None
    model_registry.register(unique, version(1, "job-1"), {})
    assert model_registry.job_of(unique, 2) is None


def test_registered_version_knows_its_job(model_registry: ModelRegistry, unique: str) -> None:
    """Each version knows the job that made it; 1 and 10 are different versions."""
    for number in (1, 9, 10):
        model_registry.register(unique, version(number, f"job-{number}"), {"data": "ab12"})
    jobs = [model_registry.job_of(unique, number) for number in (1, 9, 10)]
    assert jobs == ["job-1", "job-9", "job-10"]


def test_registering_again_is_success(model_registry: ModelRegistry, unique: str) -> None:
    """The same version of the same job is registered once."""
    for _ in range(2):
        model_registry.register(unique, version(1, "job-1"), {"data": "ab12"})
    assert model_registry.job_of(unique, 1) == "job-1"


def test_number_of_another_job_is_a_conflict(model_registry: ModelRegistry, unique: str) -> None:
    """A number that another job's model has is not given twice."""
    model_registry.register(unique, version(1, "job-1"), {})
    with pytest.raises(ConflictError, match="the model of job-1"):
        model_registry.register(unique, version(1, "job-2"), {})
    assert model_registry.job_of(unique, 1) == "job-1"


def test_version_is_the_folder_of_its_job(workspace: AzureMachineLearning, unique: str) -> None:
    """The registry keeps the job's own output folder, and what it is told about the version."""
    AzureModelRegistry(workspace, "workspaceblobstore").register(
        unique, version(3, "job-3"), {"noon_data": "ab12"}
    )
    model = workspace.client().models.get(unique, version="3")
    assert model.type == "custom_model"
    assert model.tags == {"noon_data": "ab12", "noon_job": "job-3"}
    assert str(model.path).endswith("/paths/noon/runs/job-3/model/")


def test_lost_answer_is_no_error(workspace: AzureMachineLearning, faults, unique: str) -> None:
    """A registration whose answer is lost is found again."""
    registry = AzureModelRegistry(workspace, "workspaceblobstore")
    faults(operation="ModelVersions.CreateOrUpdate", count=1, drop="after")
    registry.register(unique, version(1, "job-1"), {})
    assert registry.job_of(unique, 1) == "job-1"


@pytest.mark.parametrize("status", [400, 409])
def test_refused_number_is_looked_at_again(
    workspace: AzureMachineLearning, faults, unique: str, status: int
) -> None:
    """A number that was taken between the look and the request is ours, or is a conflict."""
    registry = AzureModelRegistry(workspace, "workspaceblobstore")
    registry.register(unique, version(1, "job-1"), {})
    faults(operation="ModelVersions.Get", status=404)
    faults(operation="ModelVersions.CreateOrUpdate", status=status)
    registry.register(unique, version(1, "job-1"), {})
    faults(operation="ModelVersions.Get", status=404)
    faults(operation="ModelVersions.CreateOrUpdate", status=status)
    with pytest.raises(ConflictError, match="the model of job-1"):
        registry.register(unique, version(1, "job-2"), {})


def test_version_of_somebody_else_is_not_taken_for_ours(
    workspace: AzureMachineLearning, unique: str
) -> None:
    """A version without our tag belongs to no job that we know."""
    from azure.ai.ml.entities import Model

    path = "azureml://datastores/workspaceblobstore/paths/elsewhere/"
    workspace.client().models.create_or_update(
        Model(name=unique, version="1", type="custom_model", path=path)
    )
    registry = AzureModelRegistry(workspace, "workspaceblobstore")
    with pytest.raises(ConflictError, match="nobody we know"):
        registry.register(unique, version(1, "job-1"), {})
