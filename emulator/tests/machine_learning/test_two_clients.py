"""Two clients at once: what both make is made once, and what each makes is there."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import MLClient, command
from azure.ai.ml.entities import Environment
from azure.identity import DefaultAzureCredential

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure_emulator.testing import Emulator

ROUNDS = 20


def at_once(*works: Callable[[], None]) -> None:
    """Run all in threads that begin together; an error of one is an error here."""
    gate = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        gate.wait(10)
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors, errors


@pytest.mark.behaviour("Of two clients that make one version, one makes it and one is refused")
def test_one_version(arm_call: Any) -> None:
    """201 for one, 400 for the other whose content differs; never two winners, never none."""
    answers: list[tuple[int, int]] = []

    def client(own: str) -> Callable[[], None]:
        def work() -> None:
            for version in range(ROUNDS):
                body = {"properties": {"image": f"registry.example/{own}:1"}}
                path = f"/environments/raced/versions/{version}"
                answers.append((version, arm_call("PUT", path, body).status_code))

        return work

    at_once(client("one"), client("other"))
    assert Counter(answers) == {
        (version, status): 1 for version in range(ROUNDS) for status in (201, 400)
    }


def test_versions_that_are_numbered_by_the_service(ml_emulator: Emulator, arm_call: Any) -> None:
    """Each of two clients takes the next version until it has it: none is lost or doubled."""
    taken: list[str] = []

    def client(own: str) -> Callable[[], None]:
        def work() -> None:
            taken.extend(take_next(arm_call, f"{own}{number}") for number in range(10))

        return work

    at_once(client("a"), client("b"))
    assert sorted(taken, key=int) == [str(number) for number in range(1, 21)]
    assert arm_call("GET", "/data/raced-data").json()["properties"]["nextVersion"] == "21"


def take_next(arm_call: Any, own: str) -> str:
    """Make the next version as the SDK does: ask for its number, and again when it is gone."""
    uri = f"azureml://datastores/workspaceblobstore/paths/raced/{own}"
    for _ in range(100):
        known = arm_call("GET", "/data/raced-data")
        number = known.json()["properties"]["nextVersion"] if known.ok else "1"
        body = {"properties": {"dataType": "uri_file", "dataUri": uri}}
        if arm_call("PUT", f"/data/raced-data/versions/{number}", body).status_code == 201:
            return str(number)
    raise AssertionError(f"{own} never got a version")


@pytest.mark.behaviour("A job that two clients submit under one name runs once")
def test_one_job(ml_emulator: Emulator, ml_client: MLClient, until_ended: Any) -> None:
    """The second is told of the job that the first one made."""
    environment = ml_client.environments.create_or_update(
        Environment(name="raced-jobs", version="1", image="registry.example/raced:1")
    )
    names: list[str] = []

    def submit() -> None:
        client = MLClient(
            DefaultAzureCredential(),
            ml_emulator.subscription,
            ml_emulator.resource_group,
            ml_emulator.workspace,
        )
        for number in range(3):
            job = command(
                name=f"raced-{number}",
                command="echo ran",
                environment=str(environment.id),
                compute="cpu-cluster",
            )
            names.append(str(client.jobs.create_or_update(job).name))

    at_once(submit, submit)
    assert Counter(names) == {"raced-0": 2, "raced-1": 2, "raced-2": 2}
    assert {until_ended(name) for name in names} == {"Completed"}
    for name in set(names):
        log = ml_emulator.home / "jobs" / name / name / "std_log.txt"
        assert log.read_text() == "ran\n"
