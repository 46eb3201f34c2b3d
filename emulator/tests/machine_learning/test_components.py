"""What components declare, and what a job may give them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import Input, MLClient, load_component
from azure.ai.ml.entities import PipelineJob, PipelineJobSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure_emulator.testing import Emulator

EVERY_KIND = Path(__file__).parent / "assets" / "every_kind.yml"


@pytest.fixture(scope="module")
def every_kind(ml_client: MLClient, ml_emulator: Emulator) -> str:
    """The id of a registered pipeline whose one step has an input of every kind."""
    step = ml_client.components.create_or_update(load_component(EVERY_KIND))
    inputs = "".join(
        f"  {name}: {{type: {spec.type}, optional: true}}\n" for name, spec in step.inputs.items()
    )
    bound = "".join(f"      {name}: ${{{{parent.inputs.{name}}}}}\n" for name in step.inputs)
    text = f"name: every_kind_pipeline\ntype: pipeline\nversion: '1'\ninputs:\n{inputs}jobs:\n"
    text += f"  step:\n    component: azureml:every_kind:1\n    inputs:\n{bound}"
    file = ml_emulator.home / "every_kind_pipeline.yml"
    file.write_text(text)
    ml_client.components.create_or_update(load_component(file))
    return f"{ml_emulator.workspace_id}/components/every_kind_pipeline/versions/1"


@pytest.fixture
def give(every_kind: str, ml_client: MLClient, arm_call: Any) -> Callable[..., Any]:
    """Submits the pipeline as a body of its own, past the SDK's checks."""

    def submit(name: str, **given: str) -> Any:
        inputs = {key: {"jobInputType": "literal", "value": value} for key, value in given.items()}
        properties = {
            "jobType": "Pipeline",
            "experimentName": "components",
            "componentId": every_kind,
            "inputs": inputs,
            "settings": {"default_compute": "cpu-cluster"},
        }
        return arm_call("PUT", f"/jobs/{name}", {"properties": properties})

    return submit


def test_inputs_of_every_kind_reach_the_command(
    ml_client: MLClient,
    every_kind: str,
    emulator_blobs: Any,
    until_ended: Callable[[str], str],
) -> None:
    """Literals, a choice, a file, a folder, a model; what is left out takes its default or goes."""
    store = emulator_blobs.get_container_client("azureml-blobstore")
    store.upload_blob("kinds/folder/a.txt", b"in a folder", overwrite=True)
    place = "azureml://datastores/workspaceblobstore/paths/kinds/folder/"
    inputs = {
        "text": "some words",
        "share": 0.25,
        "rounds": 7,
        "flag": True,
        "colour": "green",
        "file": Input(type="uri_file", path=place + "a.txt"),
        "folder": Input(type="uri_folder", path=place, mode="download"),
        "model": Input(type="custom_model", path=place + "a.txt"),
    }
    job = PipelineJob(
        component=every_kind,
        name="components-kinds",
        experiment_name="components",
        inputs=inputs,
        settings=PipelineJobSettings(default_compute="cpu-cluster"),
    )
    ml_client.jobs.create_or_update(job)
    assert until_ended("components-kinds") == "Completed"
    child = next(iter(ml_client.jobs.list(parent_job_name="components-kinds")))
    logs = emulator_blobs.get_container_client("azureml")
    path = f"ExperimentRun/dcid.{child.name}/user_logs/std_log.txt"
    said = logs.download_blob(path).readall().decode().splitlines()
    assert said == [
        "text=some words share=0.25 rounds=7 flag=True colour=green",
        "file in a folder",
        "folder a.txt",
        "model in a folder",
        "",
    ]


@pytest.mark.behaviour("Inputs out of their type, choice or limits are 400")
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"share": "much"}, "Input 'share' of the pipeline must be of type number."),
        ({"rounds": "1.5"}, "Input 'rounds' of the pipeline must be of type integer."),
        ({"flag": "maybe"}, "Input 'flag' of the pipeline must be of type boolean."),
        ({"rounds": "11"}, "Input 'rounds' of step 'step' is 11, above its maximum 10."),
        ({"rounds": "0"}, "Input 'rounds' of step 'step' is 0, below its minimum 1."),
        ({"colour": "blue"}, "Input 'colour' of step 'step' is 'blue'; allowed are: red, green."),
        ({"file": "text"}, "Input 'file' of the pipeline must be of type uri_file."),
        ({"unheard": "of"}, "Unknown input 'unheard' of the pipeline"),
    ],
)
def test_wrong_inputs(give: Callable[..., Any], given: dict[str, str], words: str) -> None:
    """The refusal names the input and what it may be, and there is no job."""
    refused = give("components-wrong", **{"text": "x", "share": "1", **given})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "UserError")
    assert refused.json()["error"]["message"].startswith(words)


@pytest.mark.behaviour("Kinds of components that cannot run are 501 by name")
@pytest.mark.parametrize("kind", ["parallel", "sweep", "spark", "automl", "data_transfer"])
def test_other_components(arm_call: Any, emulator_home: Path, kind: str) -> None:
    """A component that is accepted can also run; the others are named, and logged."""
    spec = {"name": f"other-{kind}", "version": "1", "type": kind, "inputs": {}, "outputs": {}}
    body = {"properties": {"componentSpec": spec}}
    refused = arm_call("PUT", f"/components/other-{kind}/versions/1", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (501, "NotImplemented")
    words = f"A component of type {kind} is not implemented by the emulator."
    assert refused.json()["error"]["message"] == words
    assert words in (emulator_home / "logs" / "emulator.log").read_text()


@pytest.mark.parametrize("kind", ["parallel", "sweep", "spark", "automl", "if_else", "do_while"])
def test_other_steps(arm_call: Any, kind: str) -> None:
    """A pipeline with a step that cannot run is refused as a whole."""
    properties = {
        "jobType": "Pipeline",
        "jobs": {"odd": {"type": kind}},
        "settings": {"default_compute": "cpu-cluster"},
    }
    refused = arm_call("PUT", f"/jobs/odd-{kind}", {"properties": properties})
    assert refused.status_code == 501
    assert f"A step of type {kind} ('odd')" in refused.json()["error"]["message"]


def test_what_a_component_refers_to_must_be_there(arm_call: Any) -> None:
    """Missing code, environments, registries and steps are refused when it is registered."""
    missing = "/subscriptions/s/resourceGroups/g/providers/p/workspaces/w/codes/none/versions/1"
    for field, value, words in (
        ("code", f"azureml:{missing}", "does not exist"),
        ("environment", missing, "does not exist"),
        ("environment", "azureml://registries/other/environments/x/versions/1", "'other'"),
        ("inputs", {"odd": {"type": "tensor"}}, "known are: string, number"),
        ("jobs", {"a": {"type": "command", "componentId": missing}}, "does not exist"),
    ):
        spec = {"name": "broken", "version": "1", "type": "command", field: value}
        answer = arm_call(
            "PUT", "/components/broken/versions/1", {"properties": {"componentSpec": spec}}
        )
        assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True)
