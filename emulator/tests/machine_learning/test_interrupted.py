"""Jobs that ran when the emulator died: what its next start makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.ai.ml import MLClient, command, dsl
from azure.ai.ml.entities import Environment
from azure_emulator.in_process import InProcessAzure
from azure_emulator.store import Store
from azure_emulator.testing import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def nested() -> Any:
    """A pipeline in a pipeline, whose step never ends by itself."""
    hang = command(name="hang", command="sleep 4321", environment=Environment(image="any:1"))

    @dsl.pipeline()
    def inner():  # type: ignore[no-untyped-def]
        hang()

    @dsl.pipeline(default_compute="cpu-cluster")
    def outer():  # type: ignore[no-untyped-def]
        inner()

    return outer()


def tree(client: MLClient, name: str) -> list[str]:
    """The statuses of a job and of all below it, from the top down."""
    statuses = [status_of(client.jobs.get(name))]
    for child in client.jobs.list(parent_job_name=name):
        statuses += tree(client, child.name)
    return statuses


def status_of(job: Any) -> str:
    """A status as a word, whether the SDK gives it as one or not."""
    return str(getattr(job.status, "value", job.status))


@pytest.mark.behaviour("Jobs under way at a crash are Failed, those being cancelled Canceled")
def test_a_start_settles_what_ran(tmp_path: Path) -> None:
    """Job, inner pipeline and step alike; a job whose cancel had been asked for is Canceled."""
    names = ("cut-off", "being-cancelled")
    with InProcessAzure(tmp_path) as azure:
        client = azure.client()
        for name in names:
            job = nested()
            job.name = name
            client.jobs.create_or_update(job)
        wait_until(lambda: tree(client, names[1]) == ["Running"] * 3, what="the step to run")
        asked = f"{azure.settings.workspace_id}/runs/{names[1]}"
    store = Store(tmp_path / "emulator.sqlite")
    store.change(asked, lambda body, _: body.update(status="CancelRequested"))
    store.close()
    with InProcessAzure(tmp_path) as azure:
        client = azure.client()
        assert tree(client, "cut-off") == ["Failed"] * 3
        assert tree(client, "being-cancelled") == ["Canceled"] * 3


def test_cancelling_reaches_the_innermost_step(tmp_path: Path) -> None:
    """All levels of a pipeline are Canceled when the operation has ended."""
    with InProcessAzure(tmp_path) as azure:
        client = azure.client()
        name = str(client.jobs.create_or_update(nested()).name)
        wait_until(lambda: tree(client, name) == ["Running"] * 3, what="the step to run")
        client.jobs.begin_cancel(name).result()
        assert tree(client, name) == ["Canceled"] * 3
