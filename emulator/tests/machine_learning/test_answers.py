"""What the control plane answers, as the real service does and not as is convenient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.ai.ml import MLClient, command
from azure.ai.ml.entities import Environment
from azure.core.exceptions import HttpResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure_emulator.testing import Emulator

Call = Any
IMAGE = {"properties": {"image": "registry.example/answers:1"}}


@pytest.fixture
def quick_job(ml_client: MLClient, until_ended: Callable[[str], str]) -> Callable[..., str]:
    """Runs a command job of one line to its end; gives its name."""

    def run(name: str, line: str = "true", **options: Any) -> str:
        job = command(
            name=name,
            experiment_name="answers",
            command=line,
            environment=Environment(image="registry.example/answers:1"),
            compute="cpu-cluster",
            **options,
        )
        ml_client.jobs.create_or_update(job)
        until_ended(name)
        return name

    return run


@pytest.mark.behaviour("A new resource is 201, the same PUT again is 200")
def test_made_once_and_said_twice(arm_call: Call) -> None:
    """A second PUT of the same content is an update that changes nothing."""
    path = "/environments/answers-twice/versions/1"
    assert [arm_call("PUT", path, IMAGE).status_code for _ in range(2)] == [201, 200]


@pytest.mark.behaviour("Changing an immutable property is 400, ImmutableProperty inside")
def test_immutable(arm_call: Call) -> None:
    """An image belongs to its version for ever; a tag does not."""
    path = "/environments/answers-fixed/versions/1"
    arm_call("PUT", path, IMAGE)
    refused = arm_call("PUT", path, {"properties": {"image": "registry.example/other:1"}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "UserError")
    assert inner_code(refused) == "ImmutableProperty"
    tagged = arm_call("PUT", path, {"properties": {**IMAGE["properties"], "tags": {"a": "b"}}})
    assert tagged.json()["properties"]["tags"] == {"a": "b"}


@pytest.mark.behaviour("Fields that the service does not know are preserved")
@pytest.mark.unmodelled("the point is that no model knows the field")
def test_unknown_fields(arm_call: Call) -> None:
    """What a newer client sends is there when it reads again."""
    path = "/environments/answers-newer/versions/1"
    arm_call("PUT", path, {"properties": {**IMAGE["properties"], "tomorrow": {"deep": [1]}}})
    assert arm_call("GET", path).json()["properties"]["tomorrow"] == {"deep": [1]}


@pytest.mark.behaviour("systemData keeps the creation and moves the modification")
def test_system_data(arm_call: Call) -> None:
    """An update leaves createdAt alone."""
    path = "/environments/answers-dated/versions/1"
    made = arm_call("PUT", path, IMAGE).json()["systemData"]
    tagged = {"properties": {**IMAGE["properties"], "tags": {"a": "b"}}}
    changed = arm_call("PUT", path, tagged).json()["systemData"]
    assert made["createdAt"] == made["lastModifiedAt"] == changed["createdAt"]
    assert changed["lastModifiedAt"] > made["lastModifiedAt"]
    assert {"createdBy", "createdByType", "lastModifiedBy", "lastModifiedByType"} <= made.keys()


@pytest.mark.behaviour("Lists lead on by nextLink with an opaque skip token")
def test_pages(arm_call: Call) -> None:
    """What is made while a caller leafs through a list moves nothing that was seen."""
    path = "/environments/answers-paged/versions"
    for version in range(1, 6):
        arm_call("PUT", f"{path}/{version}", IMAGE)
    newest = {"$top": 2, "$orderBy": "createdtime desc"}
    first = arm_call("GET", path, **newest).json()
    arm_call("PUT", f"{path}/6", IMAGE)
    second = arm_call("GET", first["nextLink"]).json()
    third = arm_call("GET", second["nextLink"]).json()
    seen = [one["name"] for page in (first, second, third) for one in page["value"]]
    assert seen == ["5", "4", "3", "2", "1"]
    assert "nextLink" not in third
    assert arm_call("GET", path, **{"$skip": "!"}).status_code == 400
    assert arm_call("GET", path, **{"$top": "many"}).status_code == 400


@pytest.mark.behaviour("List views show the active, the archived or all")
def test_views(ml_client: MLClient, arm_call: Call) -> None:
    """Versions and names are archived and restored each for themselves."""
    for version in ("1", "2"):
        arm_call("PUT", f"/environments/answers-old/versions/{version}", IMAGE)
    ml_client.environments.archive("answers-old", version="1")

    def versions(view: str) -> list[str]:
        path = "/environments/answers-old/versions"
        return [one["name"] for one in arm_call("GET", path, listViewType=view).json()["value"]]

    assert versions("ActiveOnly") == ["2"]
    assert versions("ArchivedOnly") == ["1"]
    assert versions("All") == ["1", "2"]
    ml_client.environments.restore("answers-old", version="1")
    assert versions("ActiveOnly") == ["1", "2"]
    ml_client.environments.archive("answers-old")
    assert "answers-old" not in {one.name for one in ml_client.environments.list()}
    ml_client.environments.restore("answers-old")
    assert "answers-old" in {one.name for one in ml_client.environments.list()}
    assert arm_call("GET", "/environments", listViewType="Some").status_code == 400


@pytest.mark.behaviour("Cancelling a pipeline that has ended is 400, a command job 200")
def test_cancel_too_late(
    ml_client: MLClient, arm_call: Call, quick_job: Any, tiny_job: Any, until_ended: Any
) -> None:
    """The kinds differ, as on the real service."""
    name = quick_job("answers-ended")
    assert arm_call("POST", f"/jobs/{name}/cancel").status_code == 200
    ml_client.jobs.create_or_update(tiny_job("answers-pipeline"))
    until_ended("answers-pipeline")
    refused = arm_call("POST", "/jobs/answers-pipeline/cancel")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "UserError")
    assert inner_code(refused) == "JobAlreadyFinished"


@pytest.mark.behaviour("Cancel is 202 with the body null, its Location 202 {} and then 200")
def test_cancel(ml_client: MLClient, arm_call: Call) -> None:
    """A canceled job has ended when its Location says so, and its status stays."""
    job = command(
        name="answers-canceled",
        command="sleep 100",
        environment=Environment(image="registry.example/answers:1"),
        compute="cpu-cluster",
    )
    ml_client.jobs.create_or_update(job)
    begun = arm_call("POST", "/jobs/answers-canceled/cancel")
    assert (begun.status_code, begun.text) == (202, "null")
    assert "retry-after" not in {name.lower() for name in begun.headers}
    ml_client.jobs.begin_cancel("answers-canceled").result()
    asked = arm_call("GET", begun.headers["Location"])
    assert (asked.status_code, asked.content) in [(200, b""), (202, b"{}")]
    assert ml_client.jobs.get("answers-canceled").status == "Canceled"


@pytest.mark.behaviour("The statuses of a job come in order")
def test_statuses(ml_emulator: Emulator, quick_job: Any) -> None:
    """Every change of status is an event, so none is skipped and none goes back."""
    name = quick_job("answers-ordered")
    url = f"{ml_emulator.url}/_emulator/events"
    kind = "Microsoft.MachineLearningServices.RunStatusChanged"
    events = requests.get(url, params={"type": kind}, timeout=5).json()["value"]
    seen = [one["data"]["runStatus"] for one in events if one["data"]["runId"] == name]
    assert seen == ["Preparing", "Queued", "Running", "Finalizing", "Completed"]


@pytest.mark.behaviour("Operations that the emulator does not have are 501 by name")
@pytest.mark.parametrize("kind", ["Sweep", "AutoML", "Spark", "Labeling"])
def test_kinds_of_jobs(arm_call: Call, kind: str, emulator_home: Any) -> None:
    """A kind of job that cannot run is refused by its name, which is logged too."""
    refused = arm_call("PUT", f"/jobs/answers-{kind}", {"properties": {"jobType": kind}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (501, "NotImplemented")
    words = f"A job of type {kind} is not implemented by the emulator."
    assert refused.json()["error"]["message"] == words
    assert words in (emulator_home / "logs" / "emulator.log").read_text()
    assert arm_call("GET", f"/jobs/answers-{kind}").status_code == 404


@pytest.mark.behaviour("The same job name with another body is 400, with the same body 200")
def test_names_of_jobs(ml_client: MLClient, quick_job: Any) -> None:
    """A job that was sent twice is one job."""
    name = quick_job("answers-named", "echo one")
    again = quick_job(name, "echo one")
    assert again == name
    with pytest.raises(HttpResponseError, match="already exists") as refusal:
        quick_job(name, "echo two")
    assert refusal.value.status_code == 400


@pytest.mark.behaviour("Job lists are newest first, by page, view and type")
def test_lists_of_jobs(ml_client: MLClient, arm_call: Call, quick_job: Any) -> None:
    """An archived job leaves the list and comes back."""
    for name in ("answers-a", "answers-b", "answers-c"):
        quick_job(name, tags={"listed": "yes"})
    listed = {"jobType": "Command", "tag": "listed=yes", "$top": 2}
    first = arm_call("GET", "/jobs", **listed).json()
    second = arm_call("GET", first["nextLink"]).json()
    names = [one["name"] for page in (first, second) for one in page["value"]]
    assert names == ["answers-c", "answers-b", "answers-a"]
    ml_client.jobs.archive("answers-b")
    active = arm_call("GET", "/jobs", tag="listed").json()["value"]
    assert [one["name"] for one in active] == ["answers-c", "answers-a"]
    archived = arm_call("GET", "/jobs", tag="listed", listViewType="ArchivedOnly").json()["value"]
    assert [one["name"] for one in archived] == ["answers-b"]
    ml_client.jobs.restore("answers-b")
    assert "answers-b" in {job.name for job in ml_client.jobs.list()}


@pytest.mark.behaviour("A job that has ended can be deleted, one that runs cannot")
def test_deleting_jobs(arm_call: Call, quick_job: Any, ml_client: MLClient) -> None:
    """Deleting is a long-running operation."""
    name = quick_job("answers-deleted")
    ml_client.jobs.begin_delete(name).result()
    assert arm_call("GET", f"/jobs/{name}").status_code == 404
    assert arm_call("DELETE", f"/jobs/{name}").status_code == 204


def inner_code(answer: requests.Response) -> str:
    """Give the precise code inside an error."""
    for info in answer.json()["error"]["additionalInfo"]:
        if info["type"] == "InnerError":
            return str(info["info"]["value"]["innerError"]["code"])
    return ""
