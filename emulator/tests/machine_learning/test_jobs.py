"""Jobs through the unmodified SDK."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import Input, MLClient, Output, command, dsl
from azure.ai.ml.entities import Data
from azure.core.exceptions import HttpResponseError
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azure.storage.blob import BlobServiceClient

Make = Any
RUNS = "azureml://datastores/workspaceblobstore/paths/runs"
# azure-ai-ml downloads in a way of which azure-storage-blob warns.
downloads = pytest.mark.filterwarnings(
    "ignore:The use of a 'BlobProperties' instance", "ignore:content_as_bytes is deprecated"
)


@pytest.fixture(scope="module")
def trained_job(ml_client: MLClient, tiny_job: Make) -> str:
    """The name of a job that has completed, streamed to its end."""
    job = tiny_job("tiny-trained", rate=0.25)
    ml_client.jobs.create_or_update(job)
    ml_client.jobs.stream("tiny-trained")
    return "tiny-trained"


def test_a_registered_pipeline_runs_and_its_output_lies_where_the_job_said(
    ml_client: MLClient, trained_job: str, emulator_blobs: BlobServiceClient
) -> None:
    """Inputs in short and long form, bindings, an optional number and both outputs arrive."""
    job = ml_client.jobs.get(trained_job)
    assert job.status == "Completed"
    store = emulator_blobs.get_container_client("azureml-blobstore")
    model = json.loads(store.download_blob(f"runs/{trained_job}/model/model.txt").readall())
    assert model == {"rows": [{"data": 1}, "first", "second"], "rate": "0.25", "champion": "none"}
    assert store.get_blob_client(f"runs/{trained_job}/report/rows.json").exists()


def test_an_optional_folder_input_reaches_the_step(
    ml_client: MLClient,
    trained_job: str,
    tiny_job: Make,
    until_ended: Callable[[str], str],
    emulator_blobs: BlobServiceClient,
) -> None:
    """A champion that is given is passed on."""
    path = f"azureml://datastores/workspaceblobstore/paths/runs/{trained_job}/model/"
    champion = Input(type="uri_folder", path=path)
    ml_client.jobs.create_or_update(tiny_job("tiny-second", champion=champion))
    assert until_ended("tiny-second") == "Completed"
    store = emulator_blobs.get_container_client("azureml-blobstore")
    model = json.loads(store.download_blob("runs/tiny-second/model/model.txt").readall())
    assert json.loads(model["champion"])["rate"] == "0.25"
    assert model["rate"] == "none"


def test_a_registered_data_asset_can_be_an_input(
    ml_client: MLClient, tiny_job: Make, until_ended: Callable[[str], str]
) -> None:
    """The asset's id arrives as the input's URI and is followed to its data."""
    path = "azureml://datastores/workspaceblobstore/paths/manifests/1.json"
    ml_client.data.create_or_update(
        Data(name="tiny-manifest", version="1", path=path, type="uri_file")
    )
    manifest = Input(type="uri_file", path="azureml:tiny-manifest:1")
    ml_client.jobs.create_or_update(tiny_job("tiny-asset", manifest=manifest))
    assert until_ended("tiny-asset") == "Completed"


@downloads
def test_stream_list_children_and_download_see_the_job(
    ml_client: MLClient, trained_job: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The SDK's other ways to look at a job work."""
    ml_client.jobs.stream(trained_job)
    assert f"RunId: {trained_job}" in capsys.readouterr().out
    assert trained_job in [job.name for job in ml_client.jobs.list()]
    children = list(ml_client.jobs.list(parent_job_name=trained_job))
    assert {child.display_name for child in children} == {"prepare", "train"}
    assert {child.status for child in children} == {"Completed"}
    child = ml_client.jobs.get(children[0].name)
    assert child.name == children[0].name
    ml_client.jobs.download(trained_job, download_path=tmp_path, output_name="model")
    assert (tmp_path / "named-outputs" / "model" / "model.txt").exists()
    ml_client.jobs.download(children[0].name, download_path=tmp_path / "child")
    logs = list((tmp_path / "child").rglob("std_log.txt"))
    assert children[0].name in logs[0].read_text()


def test_tags_of_a_job_can_be_changed_later(ml_client: MLClient, trained_job: str) -> None:
    """An update merges tags through run history."""
    ml_client.jobs.update(trained_job, tags={"verdict": "promote"})
    assert ml_client.jobs.get(trained_job).tags == {"cause": "test", "verdict": "promote"}


def test_a_name_is_used_once(ml_client: MLClient, trained_job: str, tiny_job: Make) -> None:
    """The same job again is harmless; another one of the same name is refused."""
    again = ml_client.jobs.create_or_update(tiny_job(trained_job, rate=0.25))
    assert again.status == "Completed"
    with pytest.raises(HttpResponseError, match="already exists") as refusal:
        ml_client.jobs.create_or_update(tiny_job(trained_job, rate=0.5))
    assert refusal.value.status_code == 400


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"unknown": "1"}, "Unknown input 'unknown'"),
        ({"manifest": None}, "Required input 'manifest'"),
        ({"rate": Input(type="uri_folder", path="azureml://datastores/landing/paths/x/")}, "type"),
    ],
)
def test_a_job_that_cannot_run_is_refused_at_once(
    ml_client: MLClient, tiny_job: Make, inputs: dict[str, Any], words: str
) -> None:
    """Inputs are checked against the registered component."""
    job = tiny_job("tiny-refused", **inputs)
    with pytest.raises(HttpResponseError, match=words) as refusal:
        ml_client.jobs.create_or_update(job)
    assert refusal.value.status_code == 400
    assert refusal.value.error is not None
    assert refusal.value.error.code == "UserError"


@pytest.mark.behaviour("A mounted output keeps what was written before its step failed")
def test_a_failed_step_fails_the_job_and_its_report_is_kept(
    ml_client: MLClient,
    tiny_job: Make,
    until_ended: Callable[[str], str],
    emulator_blobs: BlobServiceClient,
) -> None:
    """What a step wrote to a mounted output before it failed is there; later steps never run."""
    ml_client.jobs.create_or_update(tiny_job("tiny-failed", fail="yes"))
    assert until_ended("tiny-failed") == "Failed"
    children = list(ml_client.jobs.list(parent_job_name="tiny-failed"))
    assert [(child.display_name, child.status) for child in children] == [("prepare", "Failed")]
    store = emulator_blobs.get_container_client("azureml-blobstore")
    assert store.get_blob_client("runs/tiny-failed/report/rows.json").exists()
    logs = emulator_blobs.get_container_client("azureml")
    path = f"ExperimentRun/dcid.{children[0].name}/user_logs/std_log.txt"
    assert b"prepare was told to fail" in logs.download_blob(path).readall()


def test_cancel_ends_the_processes_of_a_job(
    ml_client: MLClient, tiny_job: Make, emulator_blobs: BlobServiceClient
) -> None:
    """A canceled job leaves no process behind, and its steps are canceled too."""
    ml_client.jobs.create_or_update(tiny_job("tiny-canceled", fail="hang"))
    logs = emulator_blobs.get_container_client("azureml")

    def hanging() -> bool:
        children = ml_client.jobs.list(parent_job_name="tiny-canceled")
        paths = [f"ExperimentRun/dcid.{one.name}/user_logs/std_log.txt" for one in children]
        texts = [
            logs.download_blob(path).readall()
            for path in paths
            if logs.get_blob_client(path).exists()
        ]
        return any(b"hanging" in text for text in texts)

    wait_until(hanging, what="the step to hang")
    ml_client.jobs.begin_cancel("tiny-canceled").result()
    assert ml_client.jobs.get("tiny-canceled").status == "Canceled"
    children = list(ml_client.jobs.list(parent_job_name="tiny-canceled"))
    assert [child.status for child in children] == ["Canceled"]
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert children[0].name not in running.stdout
    with pytest.raises(HttpResponseError) as refusal:
        ml_client.jobs.begin_cancel("tiny-canceled").result()
    assert refusal.value.status_code == 400


@downloads
def test_a_command_job_runs_without_a_pipeline(
    ml_client: MLClient, tiny_pipeline: str, until_ended: Callable[[str], str], tmp_path: Path
) -> None:
    """One command with an output is a job of its own."""
    (tmp_path / "hello.py").write_text("import sys; open(sys.argv[1] + '/x.txt', 'w').write('hi')")
    job = command(
        name="tiny-command",
        experiment_name="tiny",
        code=str(tmp_path),
        command="python hello.py ${{outputs.out}}",
        environment="tiny-training:1",
        compute="cpu-cluster",
        outputs={"out": {"type": "uri_folder"}},
    )
    ml_client.jobs.create_or_update(job)
    assert until_ended("tiny-command") == "Completed"
    ml_client.jobs.download("tiny-command", download_path=tmp_path / "got", output_name="out")
    assert (tmp_path / "got" / "named-outputs" / "out" / "x.txt").read_text() == "hi"


def test_an_inline_pipeline_runs_with_a_step_that_has_no_registered_component(
    ml_client: MLClient,
    tiny_pipeline: str,
    until_ended: Callable[[str], str],
    emulator_blobs: BlobServiceClient,
) -> None:
    """Its steps become anonymous components; what one writes the next one reads."""
    write = command(
        name="write",
        command="echo ${{inputs.word}} > ${{outputs.out}}/word.txt",
        environment="tiny-training:1",
        inputs={"word": "hello"},
        outputs={"out": Output(type="uri_folder")},
    )
    read = command(
        name="read",
        command="cat ${{inputs.given}}/word.txt > ${{outputs.file}}",
        environment="tiny-training:1",
        inputs={"given": Input(type="uri_folder")},
        outputs={"file": Output(type="uri_file")},
    )

    @dsl.pipeline(default_compute="cpu-cluster")
    def inline(word):  # type: ignore[no-untyped-def]  # the SDK reads annotations itself
        written = write(word=word)
        reading = read(given=written.outputs.out)
        return {"file": reading.outputs.file}

    job = inline(word="by a pipeline")
    job.name, job.experiment_name = "tiny-inline", "tiny"
    job.outputs.file = Output(type="uri_file", path=f"{RUNS}/tiny-inline/word.txt")
    ml_client.jobs.create_or_update(job)
    assert until_ended("tiny-inline") == "Completed"
    assert set(ml_client.jobs.get("tiny-inline").jobs) == {"written", "reading"}
    store = emulator_blobs.get_container_client("azureml-blobstore")
    assert store.download_blob("runs/tiny-inline/word.txt").readall() == b"by a pipeline\n"
