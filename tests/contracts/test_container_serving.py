"""What every ContainerServing keeps to; the real one with a real container and real blobs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure_emulator.testing import LocalProcess, free_port, wait_until

from shared.adapters.azure_blobs import AzureContainer
from shared.adapters.azure_container import AzureContainerServing
from shared.adapters.clock import SystemClock
from shared.adapters.credential import LazyCredential
from shared.adapters.memory.container import MemoryContainerServing
from shared.adapters.memory.files import MemoryRunFiles
from shared.domain.errors import RefusedError
from shared.domain.facts import ContainerFacts, Probe
from shared.domain.places import output_path, serving_path
from shared.ports import ContainerServing
from tests.tiny_models import tiny_folder

ROOT = Path(__file__).parents[2]
ROWS: list[dict[str, object]] = [{"x": 1.0}, {"x": 3.0}]


@dataclass(frozen=True)
class ServingUnderTest:
    """A container of environment 3 for the model flights, and how jobs leave models."""

    serving: ContainerServing
    write: Callable[[str, bytes], object]
    break_versions: Callable[[int], object]
    """Where a container cannot find out by itself that a model is broken."""
    stop: Callable[[], object]

    def job(self, name: str, factor: float) -> str:
        """A job that left a model folder."""
        for file, content in tiny_folder(factor).items():
            self.write(output_path(name, "model", file), content)
        return name

    def facts(self) -> ContainerFacts:
        """What is so now."""
        return self.serving.get("flights")

    def until(self, what: Callable[[ContainerFacts], bool]) -> ContainerFacts:
        """What is so once it holds."""
        found: list[ContainerFacts] = []

        def holds() -> bool:
            found.append(self.facts())
            return what(found[-1])

        try:
            wait_until(holds, what="the container")
        except TimeoutError:
            raise AssertionError(f"the container still has {found[-1]}") from None
        return found[-1]


@pytest.fixture(params=["memory", "azure"])
def container(request: pytest.FixtureRequest) -> ServingUnderTest:
    """Nothing is published yet; the container runs."""
    if request.param == "azure":
        azure: ServingUnderTest = request.getfixturevalue("real_container")
        return azure
    files = MemoryRunFiles()
    memory = MemoryContainerServing(files)
    inside = memory.container("flights")
    inside.environment = 3
    return ServingUnderTest(
        memory, files.write_once, inside.broken.add, lambda: setattr(inside, "running", False)
    )


@pytest.fixture
def real_container(
    azure_container: AzureContainer, credential: LazyCredential, tmp_path: Path
) -> Iterator[ServingUnderTest]:
    """A real scoring container that follows a container of blobs of this test alone."""
    port, client = free_port(), azure_container.client()
    url = f"http://127.0.0.1:{port}"
    serving = AzureContainerServing(azure_container, credential, SystemClock(), url, None)
    process = LocalProcess(
        [sys.executable, "-m", "backend", "--port", str(port)],
        tmp_path / "log",
        {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCORING_SERVING_URL": f"{client.url}/{serving_path('flights', '')}",
            "SCORING_ENVIRONMENT_VERSION": "3",
            "SCORING_POLL_SECONDS": "1",
            "SCORING_AUTH": "off",
            "SCORING_DRAIN_SECONDS": "0",
        },
    )

    def write(path: str, content: bytes) -> None:
        client.upload_blob(path, content, overwrite=True)

    try:
        process.wait_ready(lambda: serving.get("flights").says is not None)
        yield ServingUnderTest(serving, write, lambda _: None, process.close)
    finally:
        process.close()


def test_nothing_is_published(container: ServingUnderTest) -> None:
    """A new model's container runs, says its image and has nothing."""
    facts = container.facts()
    assert (facts.champion, facts.challenger) == (None, None)
    assert facts.says is not None
    assert (facts.says.environment, facts.says.champion) == (3, None)


def test_challenger_answers_by_name_only(container: ServingUnderTest) -> None:
    """What is published as challenger is loaded and asked by header, and is no champion."""
    container.serving.publish("flights", "challenger", 1, container.job("job-1", 2.0))
    facts = container.until(lambda f: f.says is not None and f.says.challenger is not None)
    assert facts.says is not None
    assert facts.says.challenger == facts.challenger
    assert (facts.champion, facts.says.champion) == (None, None)
    smoke = container.serving.smoke("flights", "v1-e3", ROWS)
    assert (smoke.probe, smoke.text) == (Probe.PASSED, "2 of 2 rows answered")
    other = container.serving.smoke("flights", "v9-e3", ROWS)
    assert other.probe is Probe.NO_DATA


def test_switch_and_way_back(container: ServingUnderTest) -> None:
    """The champion is whatever its pointer names, whether that is newer or older."""
    one, two = container.job("job-1", 2.0), container.job("job-2", 3.0)
    for version, job in ((1, one), (2, two), (1, one)):
        container.serving.publish("flights", "champion", version, job)
        facts = container.facts()
        assert facts.champion is not None
        assert facts.champion.version == version
        container.until(lambda f: f.says is not None and f.says.champion == f.champion)
        smoke = container.serving.smoke("flights", f"v{version}-e3", ROWS)
        assert smoke.probe is Probe.PASSED


def test_withdrawn_challenger_is_forgotten(container: ServingUnderTest) -> None:
    """A version that was given up takes no memory and answers nobody; twice is once."""
    container.serving.publish("flights", "challenger", 1, container.job("job-1", 2.0))
    container.until(lambda f: f.says is not None and f.says.challenger is not None)
    for _ in range(2):
        container.serving.withdraw("flights", "challenger")
    container.until(lambda f: f.says is not None and f.says.challenger is None)
    assert container.facts().challenger is None
    assert container.serving.smoke("flights", "v1-e3", ROWS).probe is Probe.NO_DATA


def test_champion_outlives_its_pointer(container: ServingUnderTest) -> None:
    """Somebody who deletes the pointer does not take the model from its callers."""
    container.serving.publish("flights", "champion", 1, container.job("job-1", 2.0))
    container.until(lambda f: f.says is not None and f.says.champion is not None)
    container.serving.withdraw("flights", "champion")
    container.serving.publish("flights", "challenger", 2, container.job("job-2", 3.0))
    facts = container.until(lambda f: f.says is not None and f.says.challenger is not None)
    assert facts.champion is None
    assert facts.says is not None
    assert facts.says.champion is not None
    assert facts.says.champion.version == 1


def test_publishing_twice_is_publishing_once(container: ServingUnderTest) -> None:
    """The same version of the same job is the same folder under the same digest."""
    job = container.job("job-1", 2.0)
    container.serving.publish("flights", "champion", 1, job)
    first = container.facts().champion
    container.serving.publish("flights", "champion", 1, job)
    container.serving.publish("flights", "challenger", 1, job)
    facts = container.facts()
    assert facts.champion == facts.challenger == first
    container.serving.publish("flights", "champion", 1, container.job("job-2", 3.0))
    assert container.facts().champion != first


def test_broken_model_is_refused_by_its_digest(container: ServingUnderTest) -> None:
    """A folder that cannot be served is named with the reason, and the champion goes on."""
    container.serving.publish("flights", "champion", 1, container.job("job-1", 2.0))
    container.until(lambda f: f.says is not None and f.says.champion is not None)
    container.job("job-2", 3.0)
    container.write(output_path("job-3", "model", "model.onnx"), b"no graph")
    for file in ("schema.json", "sample.json"):
        container.write(output_path("job-3", "model", file), tiny_folder(1.0)[file])
    container.break_versions(2)
    container.serving.publish("flights", "challenger", 2, "job-3")
    facts = container.until(lambda f: f.says is not None and bool(f.says.refused))
    assert facts.says is not None
    assert facts.challenger is not None
    assert facts.says.refused[facts.challenger.digest]
    assert facts.says.champion == facts.champion
    assert facts.says.challenger is None


def test_job_without_a_model_cannot_be_published(container: ServingUnderTest) -> None:
    """What is not there is refused for good, and nothing points at it."""
    with pytest.raises(RefusedError, match="job-9"):
        container.serving.publish("flights", "challenger", 1, "job-9")
    assert container.facts().challenger is None


def test_container_that_does_not_run_says_nothing(container: ServingUnderTest) -> None:
    """What is published is known all the same, and why there is no answer."""
    container.serving.publish("flights", "champion", 1, container.job("job-1", 2.0))
    container.stop()
    facts = container.facts()
    assert facts.champion is not None
    assert facts.says is None
    assert facts.silence
    assert container.serving.smoke("flights", "v1-e3", ROWS).probe is Probe.NO_DATA


def test_pointer_that_cannot_be_read_is_written_anew(
    real_container: ServingUnderTest,
) -> None:
    """Whatever somebody put in the pointer's place, the next publication repairs it."""
    job = real_container.job("job-1", 2.0)
    for junk in (b"", b"[]", b'{"version": "one"}', b"\xff"):
        real_container.write(serving_path("flights", "champion.json"), junk)
        assert real_container.facts().champion is None
        real_container.serving.publish("flights", "champion", 1, job)
        facts = real_container.facts()
        assert facts.champion is not None
        assert facts.champion.version == 1
