"""Pipelines through the unmodified SDK: nested ones, their settings, limits and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import Input, MLClient, Output, command, dsl
from azure.ai.ml.entities import Environment
from azure.core.exceptions import HttpResponseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azure.storage.blob import BlobServiceClient

Job = Any
ENVIRONMENT = Environment(image="registry.example/pipelines:1")
downloads = pytest.mark.filterwarnings(
    "ignore:The use of a 'BlobProperties' instance", "ignore:content_as_bytes is deprecated"
)
PLACE = "azureml://datastores/workspaceblobstore/paths/"


def step(name: str, line: str, **options: Any) -> Any:
    """A step of one line that writes a folder `out`."""
    return command(
        name=name,
        command=line,
        environment=ENVIRONMENT,
        outputs={"out": Output(type="uri_folder")},
        **options,
    )


def write_step() -> Any:
    """Writes a word."""
    line = "echo ${{inputs.word}} >> ${{outputs.out}}/words.txt"
    return step("write", line, inputs={"word": "nothing"})


def add_step() -> Any:
    """Adds a word to what was written."""
    line = "cat ${{inputs.words}}/words.txt > ${{outputs.out}}/words.txt; "
    line += "echo ${{inputs.word}} >> ${{outputs.out}}/words.txt"
    return step("add", line, inputs={"words": Input(type="uri_folder"), "word": "nothing"})


def two_words() -> Any:
    """A pipeline of two steps that is a step of others."""
    write, add = write_step(), add_step()

    @dsl.pipeline(name="two_words", display_name="two words")
    def pipeline(first="hello", second="world"):  # type: ignore[no-untyped-def]
        written = write(word=first)
        added = add(words=written.outputs.out, word=second)
        return {"words": added.outputs.out}

    return pipeline


@pytest.fixture
def run_pipeline(
    ml_client: MLClient, until_ended: Callable[[str], str]
) -> Callable[..., tuple[str, str]]:
    """Submits a pipeline job and waits; gives its name and its last status."""

    def run(job: Job, **settings: Any) -> tuple[str, str]:
        job.experiment_name = "pipelines"
        job.settings.default_compute = "cpu-cluster"
        for name, value in settings.items():
            setattr(job.settings, name, value)
        name = str(ml_client.jobs.create_or_update(job).name)
        return name, until_ended(name)

    return run


@downloads
def test_pipelines_stand_in_pipelines(
    ml_client: MLClient, run_pipeline: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    """Two runs of one inner pipeline, the second fed by the first; each is a run with children."""
    inner, add = two_words(), add_step()

    @dsl.pipeline()
    def outer(word="none"):  # type: ignore[no-untyped-def]
        one = inner(first=word)
        two = add(words=one.outputs.words, word="and")
        return {"words": two.outputs.out, "inner_words": one.outputs.words}

    name, status = run_pipeline(outer(word="hello"))
    assert status == "Completed"
    ml_client.jobs.download(name, download_path=tmp_path, all=True)
    made = tmp_path / "named-outputs"
    assert (made / "words" / "words.txt").read_text().split() == ["hello", "world", "and"]
    assert (made / "inner_words" / "words.txt").read_text().split() == ["hello", "world"]
    children = {one.display_name: one.name for one in ml_client.jobs.list(parent_job_name=name)}
    assert set(children) == {"two words", "two"}
    below = list(ml_client.jobs.list(parent_job_name=children["two words"]))
    assert {one.display_name for one in below} == {"written", "added"}
    assert {one.status for one in below} == {"Completed"}


def test_a_registered_pipeline_is_a_step(
    ml_client: MLClient, run_pipeline: Callable[..., tuple[str, str]]
) -> None:
    """What is registered once is used by name, also three deep."""
    registered = ml_client.components.create_or_update(two_words())
    found = ml_client.components.get("two_words", registered.version)

    @dsl.pipeline()
    def middle(word="none"):  # type: ignore[no-untyped-def]
        return {"words": found(first=word, second="again").outputs.words}

    @dsl.pipeline()
    def outer(word="none"):  # type: ignore[no-untyped-def]
        return {"words": middle(word=word).outputs.words}

    name, status = run_pipeline(outer(word="deep"))
    assert status == "Completed"
    child = next(iter(ml_client.jobs.list(parent_job_name=name)))
    grandchild = next(iter(ml_client.jobs.list(parent_job_name=child.name)))
    assert len(list(ml_client.jobs.list(parent_job_name=grandchild.name))) == 2


@pytest.mark.behaviour("A failed step fails the pipelines around it, step by step outward")
def test_a_failure_deep_inside(
    ml_client: MLClient, run_pipeline: Callable[..., tuple[str, str]]
) -> None:
    """The inner pipeline is Failed as well as its step, and what needs it never runs."""
    fail, add = step("fail", "exit 3"), add_step()

    @dsl.pipeline()
    def inner():  # type: ignore[no-untyped-def]
        return {"words": fail().outputs.out}

    @dsl.pipeline()
    def outer():  # type: ignore[no-untyped-def]
        broken = inner()
        add(words=broken.outputs.words, word="never")

    name, status = run_pipeline(outer())
    assert status == "Failed"
    children = list(ml_client.jobs.list(parent_job_name=name))
    assert [(one.display_name, one.status) for one in children] == [("inner", "Failed")]
    below = list(ml_client.jobs.list(parent_job_name=children[0].name))
    assert [one.status for one in below] == ["Failed"]


@pytest.mark.behaviour("continue_on_step_failure is True when it is not set")
@pytest.mark.parametrize(("given", "others"), [(None, "Completed"), (False, "Canceled")])
def test_carrying_on(
    ml_client: MLClient,
    run_pipeline: Callable[..., tuple[str, str]],
    given: bool | None,
    others: str,
) -> None:
    """Unset, steps that do not need the failed one run to their end; told not to, they do not."""
    seconds = "0.7" if given is None else "60"
    fail, slow = step("fail", "exit 1"), step("slow", f"sleep {seconds}")

    @dsl.pipeline()
    def both():  # type: ignore[no-untyped-def]
        fail()
        slow()

    settings = {} if given is None else {"continue_on_step_failure": given}
    name, status = run_pipeline(both(), force_rerun=True, **settings)
    assert status == "Failed"
    ended = {one.display_name: one.status for one in ml_client.jobs.list(parent_job_name=name)}
    assert ended == {"fail": "Failed", "slow": others}


@pytest.mark.behaviour("A step that runs over limits.timeout is Canceled")
def test_time_limits(
    ml_client: MLClient, run_pipeline: Callable[..., tuple[str, str]], arm_call: Any
) -> None:
    """Its processes end with the limit; its run says why, and the pipeline fails."""
    slow = step("slow", "sleep 4321")

    @dsl.pipeline()
    def limited():  # type: ignore[no-untyped-def]
        node = slow()
        node.set_limits(timeout=1)

    name, status = run_pipeline(limited())
    assert status == "Failed"
    child = next(iter(ml_client.jobs.list(parent_job_name=name)))
    assert child.status == "Canceled"
    details = run_details(arm_call, ml_client, child.name)
    assert "longer than its limit of 1 seconds" in details["error"]["error"]["message"]


def run_details(arm_call: Any, client: MLClient, name: str) -> Any:
    """Read a run where the SDK reads its details."""
    base = client.workspaces.get(client.workspace_name).discovery_url.partition("/discovery")[0]
    scope = arm_call("GET", "").json()["id"]
    return arm_call("GET", f"{base}/history/v1.0{scope}/runs/{name}/details").json()


@downloads
def test_settings_of_steps_and_of_the_pipeline(
    ml_client: MLClient,
    run_pipeline: Callable[..., tuple[str, str]],
    emulator_blobs: BlobServiceClient,
    tmp_path: Path,
) -> None:
    """A step's variables and display name are its own; unbound outputs go to the datastore."""
    say = step("say", 'echo "$GREETING $AZUREML_RUN_ID" > ${{outputs.out}}/words.txt')

    @dsl.pipeline()
    def settled():  # type: ignore[no-untyped-def]
        node = say()
        node.environment_variables = {"GREETING": "good day"}
        node.display_name = "says good day"
        node.compute = "local"

    job = settled()
    name, status = run_pipeline(job, default_datastore="landing", force_rerun=True)
    assert status == "Completed"
    child = next(iter(ml_client.jobs.list(parent_job_name=name)))
    assert child.display_name == "says good day"
    landing = emulator_blobs.get_container_client("landing")
    words = landing.download_blob(f"azureml/{child.name}/out/words.txt").readall().decode()
    assert words == f"good day {child.name}\n"
    ml_client.jobs.download(child.name, download_path=tmp_path, output_name="out")
    assert (tmp_path / "named-outputs" / "out" / "words.txt").read_text() == words


def test_an_output_of_one_job_is_an_input_of_the_next(
    ml_client: MLClient, run_pipeline: Callable[..., tuple[str, str]]
) -> None:
    """`azureml://jobs/JOB/outputs/NAME/paths/` is followed to where the output lies."""
    write, add = write_step(), add_step()

    @dsl.pipeline()
    def first():  # type: ignore[no-untyped-def]
        return {"words": write(word="first").outputs.out}

    @dsl.pipeline()
    def second(given):  # type: ignore[no-untyped-def]
        add(words=given, word="second")

    name, _ = run_pipeline(first())
    path = f"azureml://jobs/{name}/outputs/words/paths/"
    _, status = run_pipeline(second(Input(type="uri_folder", path=path)))
    assert status == "Completed"


@pytest.mark.parametrize(
    ("compute", "datastore", "words"),
    [
        ("nowhere", None, "compute target 'nowhere' was not found"),
        ("cpu-cluster", "nowhere", "datastore 'nowhere' was not found"),
    ],
)
def test_settings_are_checked(
    ml_client: MLClient, compute: str, datastore: str | None, words: str
) -> None:
    """The SDK does not look at the defaults of a pipeline; the service does."""
    write = write_step()

    @dsl.pipeline()
    def any_pipeline():  # type: ignore[no-untyped-def]
        write(word="x")

    job = any_pipeline()
    job.settings.default_compute = compute
    job.settings.default_datastore = datastore
    with pytest.raises(HttpResponseError, match=words) as refusal:
        ml_client.jobs.create_or_update(job)
    assert refusal.value.status_code == 400


@downloads
@pytest.mark.behaviour("A deterministic step is reused, although the data at its path changed")
def test_reuse(
    ml_client: MLClient,
    run_pipeline: Callable[..., tuple[str, str]],
    emulator_blobs: BlobServiceClient,
    tmp_path: Path,
) -> None:
    """The second job takes the first one's results, though the data at the path changed."""
    store = emulator_blobs.get_container_client("azureml-blobstore")
    line = "cat ${{inputs.data}} > ${{outputs.out}}/words.txt"
    copy = step("copy", line, inputs={"data": Input(type="uri_file")})

    @dsl.pipeline()
    def copying(data):  # type: ignore[no-untyped-def]
        return {"words": copy(data=data).outputs.out}

    data = Input(type="uri_file", path=PLACE + "reuse/words.txt")

    def words(content: bytes, **settings: Any) -> tuple[str, str]:
        store.upload_blob("reuse/words.txt", content, overwrite=True)
        name, _ = run_pipeline(copying(data), **settings)
        ml_client.jobs.download(name, download_path=tmp_path / name, output_name="words")
        named = tmp_path / name / "named-outputs" / "words" / "words.txt"
        child = next(iter(ml_client.jobs.list(parent_job_name=name)))
        return named.read_text(), child.properties.get("azureml.isreused", "")

    assert words(b"forced", force_rerun=True) == ("forced", "")
    assert words(b"first") == ("first", "")
    assert words(b"second") == ("first", "true")
    assert words(b"third", force_rerun=True) == ("third", "")
    assert words(b"fourth") == ("first", "true")
