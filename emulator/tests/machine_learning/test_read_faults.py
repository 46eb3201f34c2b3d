"""Reads that are behind, and refusals as the service words them, of any resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.ai.ml.entities import Data
from azure.core.exceptions import ResourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.ai.ml import MLClient
    from azure_emulator.testing import Emulator

PATH = "azureml://datastores/workspaceblobstore/paths/any/"


@pytest.fixture
def fault(ml_emulator: Emulator) -> Iterator[Callable[..., Any]]:
    """Adds a fault; all are gone after the test."""
    url = f"{ml_emulator.url}/_emulator/faults"

    def add(**rule: Any) -> Any:
        answer = requests.post(url, json=rule, timeout=5)
        return answer.status_code, answer.json()

    yield add
    requests.delete(url, timeout=5).raise_for_status()


def named(client: MLClient, name: str) -> list[str]:
    """The versions of a data asset that are listed."""
    return sorted(str(one.version) for one in client.data.list(name=name))


def test_what_was_made_can_be_missing_for_some_reads(
    ml_client: MLClient, fault: Callable[..., Any]
) -> None:
    """A data asset exists, but is 404 and missing in lists; its neighbour is seen."""
    for version in ("1", "2"):
        ml_client.data.create_or_update(
            Data(name="late", version=version, path=PATH, type="uri_folder")
        )
    fault(operation="Hidden.late.2", resource="data/*", count=2)
    with pytest.raises(ResourceNotFoundError):
        ml_client.data.get("late", "2")
    assert named(ml_client, "late") == ["1"]
    assert named(ml_client, "late") == ["1", "2"]


def test_a_read_can_show_what_was_before_the_last_change(
    ml_client: MLClient, fault: Callable[..., Any]
) -> None:
    """The description of before comes back as often as told, by get and by list."""
    for words in ("before", "after"):
        ml_client.data.create_or_update(
            Data(name="stale", version="1", path=PATH, type="uri_folder", description=words)
        )
    fault(operation="Stale.stale.1", count=2)
    seen = [ml_client.data.get("stale", "1").description]
    seen += [one.description for one in ml_client.data.list(name="stale")]
    seen.append(ml_client.data.get("stale", "1").description)
    assert seen == ["before", "before", "after"]


def test_a_job_can_be_missing_or_behind(
    ml_client: MLClient,
    tiny_job: Any,
    until_ended: Callable[[str], str],
    fault: Callable[..., Any],
) -> None:
    """It has run to its end, but reads do not find it, and then show the status of before."""
    ml_client.jobs.create_or_update(tiny_job("tiny-behind"))
    fault(operation="Hidden.tiny-behind", resource="jobs/*")
    with pytest.raises(ResourceNotFoundError):
        ml_client.jobs.get("tiny-behind")
    assert until_ended("tiny-behind") == "Completed"
    fault(operation="Stale.tiny-behind", count=2)
    seen = [ml_client.jobs.get("tiny-behind").status for _ in range(3)]
    assert seen[2] == "Completed"
    assert "Completed" not in seen[:2]


def test_a_step_can_fail_and_take_longer(
    ml_client: MLClient,
    tiny_job: Any,
    until_ended: Callable[[str], str],
    fault: Callable[..., Any],
) -> None:
    """One step of the job fails with the rule's words, in its log too; the others are spared."""
    fault(operation="Step.tiny-preempted.train", code="Lost", message="the node is gone")
    fault(id="slow", operation="Step.tiny-preempted.prepare", delay_seconds=0.3)
    ml_client.jobs.create_or_update(tiny_job("tiny-preempted"))
    assert until_ended("tiny-preempted") == "Failed"
    steps = {
        child.display_name: child.status
        for child in ml_client.jobs.list(parent_job_name="tiny-preempted")
    }
    assert steps == {"prepare": "Completed", "train": "Failed"}


def test_what_never_changed_is_not_stale(ml_client: MLClient, fault: Callable[..., Any]) -> None:
    """There is nothing older to show, and no hit is counted."""
    ml_client.data.create_or_update(Data(name="once", version="1", path=PATH, type="uri_folder"))
    fault(operation="Stale.once.1")
    assert ml_client.data.get("once", "1").version == "1"
    assert fault(operation="Stale.once.1", id="again")[0] == 201


@pytest.mark.behaviour("429 carries no Retry-After and its code is UserError")
def test_429_has_words_but_no_header(ml_emulator: Emulator, fault: Callable[..., Any]) -> None:
    """The preset answers as the service does: three calls, then it is over."""
    fault(preset="throttled", operation="DataContainers.List")
    url = f"{ml_emulator.url}{ml_emulator.workspace_id}/data"
    header = {"authorization": "Bearer x"}
    answers = [requests.get(url, headers=header, timeout=5) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
    assert answers[0].json()["error"]["code"] == "UserError"
    assert "retry-after" not in answers[0].headers


@pytest.mark.behaviour("502 and 504 speak HTML")
@pytest.mark.unmodelled("a gateway's page")
def test_a_gateway_speaks_html(ml_emulator: Emulator, fault: Callable[..., Any]) -> None:
    """It stands before the service and knows nothing of its errors."""
    fault(operation="DataContainers.List", status=502)
    url = f"{ml_emulator.url}{ml_emulator.workspace_id}/data"
    answer = requests.get(url, headers={"authorization": "Bearer x"}, timeout=5)
    assert answer.status_code == 502
    assert answer.headers["content-type"].startswith("text/html")


def test_a_refused_rule_says_what_to_write(fault: Callable[..., Any]) -> None:
    """400 with error and hint, whatever was sent."""
    status, answer = fault(operation="OnlineDeployment.Get", status=404)
    assert status == 400
    assert "OnlineDeployments.Get" in answer["hint"]
    assert fault(operation="Jobs.Get", stats=1) == (
        400,
        {"error": "A rule has no field 'stats'.", "hint": "Did you mean 'status'?"},
    )


def test_the_catalogue_of_presets_can_be_read(ml_emulator: Emulator) -> None:
    """Each with its meaning and its rule."""
    url = f"{ml_emulator.url}/_emulator/fault-presets"
    presets = {one["name"]: one for one in requests.get(url, timeout=5).json()["value"]}
    assert presets["quota"]["rule"]["inner"] == "OutOfQuota"
    assert all(one["meaning"] for one in presets.values())


@pytest.mark.parametrize("pace", [{"operation_seconds": "fast"}, {"speed": 1}, [1]])
def test_a_pace_that_makes_no_sense_is_refused(ml_emulator: Emulator, pace: object) -> None:
    """400 with words, and the pace stays."""
    url = f"{ml_emulator.url}/_emulator/pace"
    before = requests.get(url, timeout=5).json()
    answer = requests.put(url, json=pace, timeout=5)
    assert (answer.status_code, requests.get(url, timeout=5).json()) == (400, before)
    assert answer.json()["error"]
