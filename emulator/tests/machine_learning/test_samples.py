"""The samples run as they stand: what people know from Azure works here."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import MLClient, load_job

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
downloads = pytest.mark.filterwarnings(
    "ignore:The use of a 'BlobProperties' instance", "ignore:content_as_bytes is deprecated"
)


@pytest.fixture
def run_sample(
    ml_client: MLClient,
    until_ended: Callable[[str], str],
    record_property: Callable[[str, object], None],
    tmp_path: Path,
) -> Callable[[str, Any], Path]:
    """Submits a job, waits for it, downloads all that it made, notes how long it took."""

    def run(sample: str, job: Any) -> Path:
        begun = time.perf_counter()
        name = str(ml_client.jobs.create_or_update(job).name)
        assert until_ended(name) == "Completed"
        record_property("sample", sample)
        record_property("seconds", round(time.perf_counter() - begun, 2))
        ml_client.jobs.download(name, download_path=tmp_path, all=True)
        return tmp_path

    return run


@downloads
def test_hello_world(run_sample: Callable[[str, Any], Path]) -> None:
    """A command job of one line, whose log is downloaded."""
    made = run_sample("hello world", load_job(SAMPLES / "hello_world" / "job.yml"))
    assert (made / "artifacts" / "user_logs" / "std_log.txt").read_text() == "hello world\n"


@downloads
def test_hello_data(run_sample: Callable[[str, Any], Path]) -> None:
    """Local files and folders are uploaded, literals arrive; `./outputs` stays with the run."""
    made = run_sample("command with data", load_job(SAMPLES / "hello_data" / "job.yml"))
    summary = json.loads((made / "named-outputs" / "summary" / "summary.json").read_text())
    assert summary == {"rows": 3, "files": ["iris.csv"], "product": 1.5}
    assert (made / "artifacts" / "user_logs" / "std_log.txt").read_text() == "GOOD DAY\n"
    assert (made / "artifacts" / "outputs" / "note.txt").exists()


@downloads
def test_two_steps(run_sample: Callable[[str, Any], Path]) -> None:
    """Steps that stand in the pipeline's file pass a folder on."""
    made = run_sample("two steps", load_job(SAMPLES / "two_steps" / "pipeline.yml"))
    sentence = made / "named-outputs" / "sentence" / "sentence.txt"
    assert sentence.read_text() == "hello\nworld\n"


@downloads
def test_three_steps(run_sample: Callable[[str, Any], Path]) -> None:
    """Components from files: train, score, evaluate."""
    made = run_sample("three steps", load_job(SAMPLES / "three_steps" / "pipeline.yml"))
    report = json.loads((made / "named-outputs" / "report" / "report.json").read_text())
    assert report["mean_absolute_error"] < 0.1


@downloads
def test_three_steps_in_python(run_sample: Callable[[str, Any], Path]) -> None:
    """The same with `@pipeline`, and an optional input that is given."""
    file = SAMPLES / "three_steps" / "pipeline.py"
    spec = importlib.util.spec_from_file_location("three_steps", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = run_sample("three steps with @pipeline", module.three_steps(epochs=300))
    report = json.loads((made / "named-outputs" / "report" / "report.json").read_text())
    assert report["within_tolerance"] is True


@downloads
def test_taxi_regression(run_sample: Callable[[str, Any], Path]) -> None:
    """Five steps with scikit-learn, whose outputs are all outputs of the job."""
    made = run_sample("taxi regression", load_job(SAMPLES / "taxi_regression" / "pipeline.yml"))
    report = json.loads((made / "named-outputs" / "report" / "score.json").read_text())
    assert report["r2"] > 0.9
    assert (made / "named-outputs" / "model" / "model.joblib").exists()
