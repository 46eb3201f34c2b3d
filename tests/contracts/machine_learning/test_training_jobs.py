"""What every TrainingJobs keeps to, and what the official client is made to send."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.azure_blobs import AzureContainer, AzureRunFiles
from shared.adapters.azure_ml import AzureMachineLearning
from shared.adapters.azure_ml_models import AzureModelRegistry
from shared.adapters.model_files import load_model
from shared.domain.errors import BusyError, NotFoundError, RefusedError, UnavailableError
from shared.domain.facts import JobStatus
from shared.domain.places import output_path
from shared.domain.state import Score, Version

SPEC = load_model(Path(__file__).parents[3] / "models" / "flights.toml")


def test_unknown_job_is_none(training_jobs, unique: str) -> None:
    """A job that was never submitted is not there."""
    assert training_jobs.jobs.get(f"{unique}-a1") is None


def test_submitted_job_runs_to_its_end(training_jobs, unique: str) -> None:
    """A job is running as soon as it is submitted, and completed later."""
    wanted = training_jobs.training(unique, JobStatus.COMPLETED)
    training_jobs.jobs.submit(SPEC, wanted)
    facts = training_jobs.jobs.get(wanted.job)
    assert facts.name == wanted.job
    assert facts.status in (JobStatus.RUNNING, JobStatus.COMPLETED)
    assert training_jobs.ended(wanted.job).status is JobStatus.COMPLETED


def test_failed_job_is_failed(training_jobs, unique: str) -> None:
    """A job that failed says so, and is not submitted again under its name."""
    wanted = training_jobs.training(unique, JobStatus.FAILED)
    training_jobs.jobs.submit(SPEC, wanted)
    assert training_jobs.ended(wanted.job).status is JobStatus.FAILED
    training_jobs.jobs.submit(SPEC, wanted)
    assert training_jobs.jobs.get(wanted.job).status is JobStatus.FAILED


def test_submitting_again_is_success(training_jobs, unique: str) -> None:
    """The same training is the same job, whenever it was planned and whatever became of it."""
    wanted = training_jobs.training(unique, JobStatus.COMPLETED)
    training_jobs.jobs.submit(SPEC, wanted)
    training_jobs.jobs.submit(SPEC, wanted)
    assert training_jobs.ended(wanted.job).status is JobStatus.COMPLETED
    later = replace(wanted, planned_at=wanted.planned_at + timedelta(1), because="said again")
    training_jobs.jobs.submit(SPEC, later)
    assert training_jobs.jobs.get(wanted.job).status is JobStatus.COMPLETED


def test_name_of_another_job_is_refused(training_jobs, unique: str) -> None:
    """A name that was used for other data is not taken for ours."""
    wanted = training_jobs.training(unique, JobStatus.COMPLETED)
    training_jobs.jobs.submit(SPEC, wanted)
    with pytest.raises(RefusedError, match="another job has this name"):
        training_jobs.jobs.submit(SPEC, replace(wanted, spec_path="noon/specs/other.json"))


def test_running_job_can_be_cancelled(training_jobs, unique: str) -> None:
    """A job that runs ends cancelled; cancelling what has ended is success and changes nothing."""
    wanted = training_jobs.training(unique, JobStatus.RUNNING)
    training_jobs.jobs.submit(SPEC, wanted)
    training_jobs.jobs.cancel(wanted.job)
    assert training_jobs.ended(wanted.job).status is JobStatus.CANCELED
    training_jobs.jobs.cancel(wanted.job)
    assert training_jobs.jobs.get(wanted.job).status is JobStatus.CANCELED


def test_unknown_job_cannot_be_cancelled(training_jobs, unique: str) -> None:
    """There is nothing to stop."""
    with pytest.raises(NotFoundError):
        training_jobs.jobs.cancel(f"{unique}-a1")


def test_job_reads_and_writes_where_the_control_plane_looks(
    azure_jobs, run_container: AzureContainer, workspace: AzureMachineLearning, unique: str
) -> None:
    """Manifest, landing and champion arrive; outputs lie below the job's own name."""
    files = AzureRunFiles(run_container)
    first = azure_jobs.training(unique, JobStatus.COMPLETED)
    azure_jobs.jobs.submit(SPEC, first)
    azure_jobs.ended(first.job)
    score = Score("roc_auc", True, 0.7, None, None, "baseline", 1, 1, 1)
    registry = AzureModelRegistry(workspace, "workspaceblobstore")
    registry.register(unique, Version(7, first.job, first.planned_at, score), {})
    second = replace(first, job=f"{first.job}-2", champion=7, anchor=7)
    azure_jobs.jobs.submit(replace(SPEC, name=unique), second)
    assert azure_jobs.ended(second.job).status is JobStatus.COMPLETED
    seen = [
        json.loads(files.read(output_path(job, "model", "seen.json")) or b"")
        for job in (first.job, second.job)
    ]
    plain: dict[str, Any] = {
        "manifest": "the manifest",
        "landing": ["landed.csv"],
        "champion": None,
        "champion_version": None,
        "anchor_version": None,
        "job_name": first.job,
        "code_commit": "c0ffee",
    }
    against = {"champion": True, "champion_version": "7", "anchor_version": "7"}
    assert seen == [plain, {**plain, **against, "job_name": second.job}]
    assert files.read(output_path(first.job, "report", "prepared.json")) == b"{}"


def test_nothing_of_a_job_is_left_to_defaults(
    azure_jobs, workspace: AzureMachineLearning, unique: str
) -> None:
    """A failed step ends the job, no result is reused, and the job says whose it is and why."""
    wanted = azure_jobs.training(unique, JobStatus.COMPLETED)
    azure_jobs.jobs.submit(SPEC, wanted)
    job: Any = workspace.client().jobs.get(wanted.job)
    assert job.settings.continue_on_step_failure is False
    assert job.settings.force_rerun is True
    assert job.settings.default_compute.endswith("cpu-cluster")
    assert job.experiment_name == "flights"
    assert set(job.tags) == {"noon_digest", "noon_model", "noon_cause", "traceparent"}
    assert (job.tags["noon_model"], job.tags["noon_cause"]) == ("flights", "slot")


def test_champion_that_is_not_registered_is_refused(azure_jobs, unique: str) -> None:
    """A training is not compared with nothing."""
    wanted = replace(azure_jobs.training(unique, JobStatus.COMPLETED), champion=99)
    with pytest.raises(RefusedError, match="flights:99 is not registered"):
        azure_jobs.jobs.submit(SPEC, wanted)


def test_failed_step_is_named(azure_jobs, unique: str) -> None:
    """People learn which step failed."""
    wanted = azure_jobs.training(unique, JobStatus.FAILED)
    azure_jobs.jobs.submit(SPEC, wanted)
    assert azure_jobs.ended(wanted.job).message == "step work failed"


def test_unknown_component_is_refused(azure_jobs, unique: str) -> None:
    """What the service refuses for good is told from what is only late."""
    wanted = replace(azure_jobs.training(unique, JobStatus.COMPLETED), component="nothing:1")
    with pytest.raises(RefusedError):
        azure_jobs.jobs.submit(SPEC, wanted)


def test_submitting_at_once_is_one_job(azure_jobs, faults, unique: str) -> None:
    """Two that submit the same training at the same moment both succeed."""
    wanted = azure_jobs.training(unique, JobStatus.COMPLETED)
    faults(operation="Jobs.Get", count=2, delay_seconds=0.2)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: azure_jobs.jobs.submit(SPEC, wanted), range(2)))
    assert azure_jobs.ended(wanted.job).status is JobStatus.COMPLETED


@pytest.mark.parametrize("drop", ["before", "after"])
def test_lost_answer_is_no_second_job(azure_jobs, faults, unique: str, drop: str) -> None:
    """A request whose answer is lost, or that is lost itself, still ends in one job."""
    wanted = azure_jobs.training(unique, JobStatus.COMPLETED)
    faults(operation="Jobs.CreateOrUpdate", drop=drop)
    azure_jobs.jobs.submit(SPEC, wanted)
    assert azure_jobs.ended(wanted.job).status is JobStatus.COMPLETED


@pytest.mark.parametrize("status", [400, 409])
def test_refused_name_is_looked_at_again(azure_jobs, faults, unique: str, status: int) -> None:
    """A name that was taken between the look and the request is ours, or is refused."""
    wanted = azure_jobs.training(unique, JobStatus.COMPLETED)
    azure_jobs.jobs.submit(SPEC, wanted)
    faults(operation="Jobs.Get", status=404)
    faults(operation="Jobs.CreateOrUpdate", status=status)
    azure_jobs.jobs.submit(SPEC, wanted)
    faults(operation="Jobs.Get", status=404)
    faults(operation="Jobs.CreateOrUpdate", status=status)
    with pytest.raises(RefusedError, match="another job has this name"):
        azure_jobs.jobs.submit(SPEC, replace(wanted, champion=None, spec_path="noon/other.json"))


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, RefusedError), (403, RefusedError), (429, BusyError), (503, UnavailableError)],
)
def test_refusals_are_told_apart(
    azure_jobs, faults, unique: str, status: int, error: type[Exception]
) -> None:
    """For good, not now, and no answer are three errors."""
    faults(operation="Jobs.CreateOrUpdate", count=9, status=status)
    with pytest.raises(error, match=f"submit .*{status}"):
        azure_jobs.jobs.submit(SPEC, azure_jobs.training(unique, JobStatus.COMPLETED))
