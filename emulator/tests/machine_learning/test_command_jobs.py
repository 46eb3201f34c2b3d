"""Command jobs through the unmodified SDK."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import Input, MLClient, Output, command
from azure.ai.ml.entities import Data, Environment, Model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENVIRONMENT = Environment(image="registry.example/commands:1")
downloads = pytest.mark.filterwarnings(
    "ignore:The use of a 'BlobProperties' instance", "ignore:content_as_bytes is deprecated"
)


@pytest.fixture
def run_command(ml_client: MLClient, until_ended: Callable[[str], str]) -> Callable[..., str]:
    """Submits a command job on the cluster and waits until it has completed; gives its name."""

    def run(line: str, *, ends: str = "Completed", **options: Any) -> str:
        options.setdefault("compute", "cpu-cluster")
        options.setdefault("environment", ENVIRONMENT)
        job = command(command=line, experiment_name="commands", **options)
        name = str(ml_client.jobs.create_or_update(job).name)
        assert until_ended(name) == ends
        return name

    return run


@downloads
def test_what_a_job_leaves_behind(
    ml_client: MLClient, run_command: Callable[..., str], tmp_path: Path
) -> None:
    """The log, what it wrote to `./outputs` and a named output are downloaded together."""
    line = "mkdir outputs logs; echo kept > outputs/a.txt; echo too > logs/b.txt; echo said;"
    name = run_command(line + " echo named > ${{outputs.out}}/c.txt", outputs={"out": folder()})
    ml_client.jobs.download(name, download_path=tmp_path, all=True)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {
        "artifacts/logs/b.txt",
        "artifacts/outputs/a.txt",
        "artifacts/user_logs/std_log.txt",
        "named-outputs/out/c.txt",
    }
    assert (tmp_path / "artifacts/user_logs/std_log.txt").read_text() == "said\n"
    assert ml_client.jobs.show_services(name) is None


def folder(**options: Any) -> Output:
    """An output that is a folder."""
    return Output(type="uri_folder", **options)


def test_an_output_becomes_a_version_of_an_asset(
    ml_client: MLClient, run_command: Callable[..., str]
) -> None:
    """An output with a name is registered when the job has completed, and only then."""
    place = "azureml://datastores/${{default_datastore}}/paths/kept/${{name}}/${{output_name}}/"
    outputs = {
        "model": Output(type="custom_model", name="commands-model"),
        "data": folder(name="commands-data", version="7", path=place),
    }
    name = run_command("touch ${{outputs.model}}/m ${{outputs.data}}/d", outputs=outputs)
    model = ml_client.models.get("commands-model", label="latest")
    assert (model.version, model.type, model.job_name) == ("1", "custom_model", name)
    data = ml_client.data.get("commands-data", "7")
    assert str(data.path).endswith(f"datastores/workspaceblobstore/paths/kept/{name}/data/")
    unmade = {"data": folder(name="commands-unmade", version="1")}
    run_command("exit 1", ends="Failed", outputs=unmade)
    assert "commands-unmade" not in {one.name for one in ml_client.data.list()}


@downloads
def test_models_come_from_folders_jobs_and_datastores(
    ml_client: MLClient, run_command: Callable[..., str], tmp_path: Path
) -> None:
    """Custom and MLflow models are registered from wherever they lie, and read by jobs."""
    local = tmp_path / "model"
    local.mkdir()
    (local / "MLmodel").write_text("flavors: {}\n")
    name = run_command(
        "mkdir outputs; echo 1 > outputs/w.txt; echo 2 > ${{outputs.out}}/w.txt",
        outputs={"out": folder()},
    )
    datastore = "azureml://datastores/workspaceblobstore/paths/azureml"
    for version, kind, path in (
        ("1", "mlflow_model", str(local)),
        ("2", "custom_model", f"azureml://jobs/{name}/outputs/out/paths/"),
        ("3", "custom_model", f"azureml://jobs/{name}/outputs/artifacts/paths/outputs/"),
        ("4", "custom_model", f"{datastore}/{name}/out/w.txt"),
    ):
        made = Model(name="commands-places", version=version, type=kind, path=path)
        assert ml_client.models.create_or_update(made).type == kind
    ml_client.models.download("commands-places", "3", download_path=str(tmp_path / "got"))
    assert [one.read_text() for one in (tmp_path / "got").rglob("w.txt")] == ["1\n"]
    given = {
        "mlflow": Input(type="mlflow_model", path="azureml:commands-places:1"),
        "folder": Input(type="custom_model", path="azureml:commands-places:2"),
        "file": Input(type="custom_model", path="azureml:commands-places:4"),
    }
    line = "set -e; cat ${{inputs.mlflow}}/MLmodel ${{inputs.folder}}/w.txt ${{inputs.file}}"
    name = run_command(line, inputs=given)
    ml_client.jobs.download(name, download_path=tmp_path / "log")
    log = tmp_path / "log" / "artifacts" / "user_logs" / "std_log.txt"
    assert log.read_text().split() == ["flavors:", "{}", "2", "2"]


def test_a_command_without_a_cluster(ml_client: MLClient, run_command: Callable[..., str]) -> None:
    """`local` and serverless, which is no compute at all, run here too."""
    for compute in ("local", "serverless", None):
        run_command("true", compute=compute)


def test_a_limit_ends_a_command(ml_client: MLClient, until_ended: Callable[[str], str]) -> None:
    """A command job over its limit is canceled, too."""
    job = command(command="sleep 4321", environment=ENVIRONMENT, compute="cpu-cluster")
    job.set_limits(timeout=1)
    name = str(ml_client.jobs.create_or_update(job).name)
    assert until_ended(name) == "Canceled"


def test_inputs_that_are_not_there_fail_the_job_with_a_reason(
    ml_client: MLClient, run_command: Callable[..., str], arm_call: Any, emulator_blobs: Any
) -> None:
    """The log says which input could not be read."""
    place = "azureml://datastores/workspaceblobstore/paths/commands/nothing.csv"
    given = {"gone": Input(type="uri_file", path=place)}
    name = run_command("cat ${{inputs.gone}}", ends="Failed", inputs=given)
    logs = emulator_blobs.get_container_client("azureml")
    log = logs.download_blob(f"ExperimentRun/dcid.{name}/user_logs/std_log.txt").readall()
    assert b"There is no blob azureml-blobstore/commands/nothing.csv" in log


def test_a_job_is_renamed_and_tagged_after_it_ended(
    ml_client: MLClient, run_command: Callable[..., str]
) -> None:
    """Display name, description, tags and properties; the rest stays."""
    name = run_command("true", tags={"first": "1"})
    ml_client.jobs.update(name, display_name="renamed", tags={"second": "2"})
    job = ml_client.jobs.get(name)
    assert (job.display_name, job.tags) == ("renamed", {"first": "1", "second": "2"})
    job.description = "described"
    ml_client.jobs.create_or_update(job)
    assert ml_client.jobs.get(name).description == "described"


@downloads
def test_tables_and_folders_of_data(
    ml_client: MLClient, run_command: Callable[..., str], tmp_path: Path
) -> None:
    """An mltable is uploaded with its files; a folder asset is read from where it lies."""
    table = tmp_path / "table"
    table.mkdir()
    (table / "MLTable").write_text(
        "type: mltable\npaths:\n  - file: ./a.csv\ntransformations:\n  - read_delimited:\n"
        "      delimiter: ','\n"
    )
    (table / "a.csv").write_text("x\n1\n")
    ml_client.data.create_or_update(
        Data(name="commands-table", version="1", type="mltable", path=str(table))
    )
    ml_client.data.create_or_update(
        Data(name="commands-folder", version="1", type="uri_folder", path=str(table))
    )
    given = {
        "table": Input(type="mltable", path="azureml:commands-table:1"),
        "folder": Input(type="uri_folder", path="azureml:commands-folder:1"),
    }
    line = "set -e; ls ${{inputs.table}} > ${{outputs.out}}/names; ls ${{inputs.folder}}"
    name = run_command(line, inputs=given, outputs={"out": folder()})
    ml_client.jobs.download(name, download_path=tmp_path / "got", output_name="out")
    names = tmp_path / "got" / "named-outputs" / "out" / "names"
    assert names.read_text().split() == ["MLTable", "a.csv"]


def test_the_environment_of_a_step(
    ml_client: MLClient, run_command: Callable[..., str], emulator_blobs: Any
) -> None:
    """A step is told its run, root, experiment and workspace; nothing points it at MLflow."""
    line = (
        'python -c "import json, os; print(json.dumps(dict(os.environ)))" > ${{outputs.out}}/e.json'
    )
    place = "azureml://datastores/workspaceblobstore/paths/commands/environment/"
    variables = {"OWN": "yes"}
    outputs = {"out": folder(path=place)}
    name = run_command(line, outputs=outputs, environment_variables=variables)
    store = emulator_blobs.get_container_client("azureml-blobstore")
    seen = json.loads(store.download_blob("commands/environment/e.json").readall())
    assert (seen["OWN"], seen["AZUREML_RUN_ID"], seen["AZUREML_ROOT_RUN_ID"]) == ("yes", name, name)
    assert seen["AZUREML_EXPERIMENT_NAME"] == "commands"
    assert seen["AZURE_ML_OUTPUT_out"].endswith("/outputs/out")
    assert not [name for name in seen if name.startswith("MLFLOW_")]
