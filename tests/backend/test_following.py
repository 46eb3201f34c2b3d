"""The scoring service that follows what is published: a real process, storage and identity."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.storage.blob import ContainerClient
from azure_emulator.testing import (
    Azurite,
    Emulator,
    LocalProcess,
    free_port,
    start_azurite,
    wait_until,
)

from tests.tiny_models import tiny_folder

ROOT = Path(__file__).resolve().parents[2]
HEADER = "azureml-model-deployment"
THREADS = 4
REQUESTS_MIN = 500


@dataclass
class Service:
    """A service process, and the blobs that it follows."""

    blobs: ContainerClient
    url: str

    def publish(self, role: str, version: int, factor: float, **changes: Any) -> None:
        """Publish a model as the control plane does; changes go into the pointer."""
        files = tiny_folder(factor)
        folder = f"v{version}"
        for name, content in files.items():
            self.blobs.upload_blob(f"tiny/{folder}/{name}", content, overwrite=True)
        listed = [
            {"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        ]
        pointer = {"schema": 1, "version": version, "folder": folder, "digest": f"d{version}"}
        pointer |= {"files": listed} | changes
        self.blobs.upload_blob(f"tiny/{role}.json", json.dumps(pointer).encode(), overwrite=True)

    def serving(self) -> dict[str, Any]:
        """What the service says that it has."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/serving").json()
        return answer

    def has(self, role: str, version: int) -> None:
        """Wait until the service has that version in that role."""
        wait_until(
            lambda: (self.serving()[role] or {}).get("version") == version,
            what=f"{role} {version}",
        )

    def score(self, deployment: str = "", rows: Any = None) -> httpx.Response:
        """One question, perhaps to one deployment."""
        headers = {HEADER: deployment} if deployment else {}
        body = {"rows": [{"x": 10}] if rows is None else rows}
        return httpx.post(f"{self.url}/score", json=body, headers=headers)

    def refusal(self) -> str:
        """Why a published version is not served, once that is known."""
        refused = wait_until(lambda: self.serving()["refused"], what="a refusal")
        return str(refused[0]["reason"])


def blobs_of(azurite: Azurite, name: str) -> ContainerClient:
    """A new container of blobs."""
    blobs = ContainerClient(
        azurite.blob_url,
        name,
        credential=azurite.account_key,
        connection_verify=os.environ["REQUESTS_CA_BUNDLE"],
    )
    blobs.create_container()
    return blobs


def followed(azurite: Azurite, name: str, log: Path) -> tuple[ContainerClient, LocalProcess, str]:
    """A container of blobs and a service process that follows `tiny` in it."""
    blobs = blobs_of(azurite, name)
    port = free_port()
    process = LocalProcess(
        [sys.executable, "-m", "backend", "--port", str(port)],
        log,
        {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCORING_SERVING_URL": f"{azurite.blob_url}/{name}/tiny",
            "SCORING_ENVIRONMENT_VERSION": "3",
            "SCORING_POLL_SECONDS": "1",
            "SCORING_AUTH": "off",
            "SCORING_DRAIN_SECONDS": "0",
        },
    )
    return blobs, process, f"http://127.0.0.1:{port}"


def answers(url: str) -> bool:
    """Whether the service is ready."""
    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def service(
    request: pytest.FixtureRequest, azurite: Azurite, local_azure: Emulator, tmp_path: Path
) -> Iterator[Service]:
    """A service process for which nothing is published yet."""
    name = "following-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    blobs, process, url = followed(azurite, name, tmp_path / "log")
    with blobs:
        try:
            process.wait_ready(lambda: answers(url))
            yield Service(blobs, url)
        finally:
            process.close()


@dataclass
class Callers:
    """Threads that ask all the time over kept connections and remember every answer."""

    url: str
    seen: list[tuple[int, str, float]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Callers:
        self._threads = [threading.Thread(target=self._ask) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def by(self, deployment: str) -> int:
        """How many answers a deployment gave."""
        return Counter(name for _, name, _ in self.seen)[deployment]

    def _ask(self) -> None:
        with httpx.Client(base_url=self.url, timeout=10) as client:
            while not self._stop.is_set():
                try:
                    response = client.post("/score", json={"rows": [{"x": 10}]})
                    value = response.json()["predictions"][0]["value"]
                    answer = (response.status_code, response.headers[HEADER], value)
                except (httpx.HTTPError, KeyError) as error:
                    self.lost.append(repr(error))
                else:
                    self.seen.append(answer)
                # Without a breath they would take the processor from whom they ask.
                self._stop.wait(0.01)


def test_a_swap_under_load_fails_no_request(service: Service) -> None:
    """Callers never notice: each answer is whole, and is signed by the model that gave it."""
    service.publish("champion", 1, 2.0)
    service.has("champion", 1)
    with Callers(service.url) as callers:
        for version, factor in ((2, 3.0), (3, 5.0)):
            enough = len(callers.seen) + REQUESTS_MIN // 2
            wait_until(lambda enough=enough: len(callers.seen) > enough, what="callers")
            service.publish("challenger", version, factor)
            service.has("challenger", version)
            service.publish("champion", version, factor)
            wait_until(lambda v=version: callers.by(f"v{v}-e3") > 100, what=f"answers of {version}")
    assert callers.lost == []
    assert len(callers.seen) >= REQUESTS_MIN
    expected = {"v1-e3": 20.0, "v2-e3": 30.0, "v3-e3": 50.0}
    assert {(status, name, value) for status, name, value in callers.seen} == {
        (200, name, value) for name, value in expected.items()
    }
    print(f"{len(callers.seen)} requests, 0 failed: {Counter(n for _, n, _ in callers.seen)}")


def test_before_anything_is_published_the_service_is_ready_and_answers_nobody(
    service: Service,
) -> None:
    """Whoever brings it its first model must be able to reach it; callers are told why not."""
    assert httpx.get(f"{service.url}/health/ready").json() == {"status": "ready", "model": None}
    assert service.score().status_code == 503
    assert service.score().json()["detail"] == "nothing is published yet"
    assert HEADER not in service.score().headers


def test_a_challenger_answers_only_who_asks_for_it(service: Service) -> None:
    """By header, with its own name on the answer, also where the rows are refused."""
    service.publish("champion", 1, 2.0)
    service.publish("challenger", 2, 3.0)
    service.has("champion", 1)
    service.has("challenger", 2)
    assert service.score().headers[HEADER] == "v1-e3"
    assert service.score("v2-e3").json() == {"predictions": [{"value": 30.0}]}
    assert service.score("v2-e3").headers[HEADER] == "v2-e3"
    bad = service.score("v2-e3", [{"x": "ten"}])
    assert (bad.status_code, bad.headers[HEADER]) == (422, "v2-e3")
    assert service.score("v9-e9").status_code == 404


def test_a_failure_is_signed_too(service: Service) -> None:
    """Whoever counts failures by deployment learns whose this one was."""
    service.publish("champion", 1, 2.0)
    service.has("champion", 1)
    overflow = service.score(rows=[{"x": 3e38}])
    assert (overflow.status_code, overflow.headers[HEADER]) == (500, "v1-e3")


OTHER = [{"path": "model.onnx", "size": 3, "sha256": "00"}]
OUTSIDE = [{"path": "../model.onnx", "size": 3, "sha256": "00"}]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"files": OTHER}, "not the content that was published"),
        ({"files": OUTSIDE}, "not a path within the folder"),
        ({"files": []}, "no schema.json"),
    ],
    ids=["changed content", "path outside", "empty"],
)
def test_a_bad_folder_is_refused_and_the_old_model_goes_on(
    service: Service, changes: dict[str, Any], words: str
) -> None:
    """A champion that cannot be served is none, whatever its pointer says."""
    service.publish("champion", 1, 2.0)
    service.has("champion", 1)
    service.publish("champion", 2, 3.0, **changes)
    assert words in service.refusal()
    assert service.score().headers[HEADER] == "v1-e3"
    service.publish("champion", 3, 5.0)
    service.has("champion", 3)
    assert service.serving()["refused"] == []


def test_a_bad_first_folder_shows_in_the_readiness(service: Service) -> None:
    """Without any other model a refusal is why the service is not ready."""
    service.publish("champion", 1, 2.0, files=OTHER)
    service.refusal()
    wait_until(lambda: httpx.get(f"{service.url}/health/ready").status_code == 503, what="503")
    assert "not the content" in httpx.get(f"{service.url}/health/ready").json()["detail"]


def test_storage_that_is_gone_takes_no_model_away(local_azure: Emulator, tmp_path: Path) -> None:
    """The service goes on with what it has, and follows again when storage is back."""
    # A storage of its own, which nobody else misses, under a certificate that all believe.
    shutil.copytree(local_azure.home / "tls", tmp_path / "tls")
    azurite = start_azurite(tmp_path)
    ports = (azurite.blob_port, azurite.queue_port, azurite.table_port)
    blobs, process, url = followed(azurite, "outage", tmp_path / "log")
    service = Service(blobs, url)
    try:
        process.wait_ready(lambda: answers(url))
        service.publish("champion", 1, 2.0)
        service.has("champion", 1)
        azurite.close()
        log = tmp_path / "log"
        wait_until(lambda: "cannot see what is published" in log.read_text(), what="the outage")
        assert service.score().headers[HEADER] == "v1-e3"
        azurite = start_azurite(tmp_path, ports)
        service.publish("champion", 2, 3.0)
        service.has("champion", 2)
    finally:
        process.close()
        blobs.close()
        azurite.close()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"SCORING_SERVING_URL": "http://a/b"}, "SCORING_SERVING_URL must begin with https://"),
        ({"SCORING_SERVING_URL": "https://a/b"}, "SCORING_ENVIRONMENT_VERSION is needed"),
        (
            {"SCORING_SERVING_URL": "https://a/b", "AZUREML_MODEL_DIR": "/m"},
            "AZUREML_MODEL_DIR and SCORING_SERVING_URL exclude each other",
        ),
    ],
    ids=["no TLS", "no version", "both sources"],
)
def test_contradictions_stop_the_start(values: dict[str, str], words: str) -> None:
    """A service that would follow the wrong thing does not start."""
    result = subprocess.run(
        [sys.executable, "-m", "backend", "--port", str(free_port())],
        env={**os.environ, "PYTHONPATH": str(ROOT), **values},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert words in result.stderr
