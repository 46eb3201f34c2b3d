"""Calls made up from the service's own OpenAPI document, and a corpus of hurtful bodies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from azure_emulator.testing import LocalProcess, free_port

from tests.backend.test_process import environment, ready
from tests.made_up_calls import made_up_calls

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))


@contextmanager
def running(model_dir: Path, log: Path, batching: str) -> Iterator[str]:
    """The address of a service process for a model."""
    port = free_port()
    process = LocalProcess(
        [sys.executable, "-m", "backend", "--port", str(port)],
        log,
        environment(AZUREML_MODEL_DIR=str(model_dir), SCORING_BATCHING=batching),
    )
    url = f"http://127.0.0.1:{port}"
    try:
        process.wait_ready(lambda: ready(url))
        yield url
    finally:
        process.close()


@pytest.fixture(scope="module", params=["off", "on"], ids="batching {}".format)
def called_url(
    request: pytest.FixtureRequest, trained_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A process that scores each request by itself, and one that shares runs."""
    log = tmp_path_factory.mktemp("called") / "log"
    with running(trained_model, log, request.param) as url:
        yield url


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_each_body_of_the_corpus_is_answered_as_its_name_says(called_url: str, path: Path) -> None:
    """What broke other services is an answer or a refusal that is named, and never a failure."""
    response = httpx.post(f"{called_url}/score", content=path.read_bytes())
    assert response.status_code == int(path.name[:3]), response.text
    if response.status_code == 200:
        assert response.json()["predictions"]
    else:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["title"]


def test_made_up_calls_get_what_the_document_says(trained_model: Path, tmp_path: Path) -> None:
    """Schemathesis finds no 5xx, no undocumented answer, no good call refused, no bad one taken."""
    with running(trained_model, tmp_path / "log", "auto") as url:
        assert "Tested: 8" in made_up_calls(f"{url}/openapi.json", 25, 120)
        assert ready(url)
