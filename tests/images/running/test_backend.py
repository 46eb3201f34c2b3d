"""The image of the scoring service: alone, and as Azure ML runs it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from images.catalogue import IMAGES
from tests.images.running.containers import Container, Podman

IMAGE = IMAGES["noon-backend"].tag
KEY = "0123456789abcdef0123456789abcdef"
PORT = 8000


def asked(container: Container, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
    """Status and JSON of an answer."""
    headers = {"Content-Type": "application/json"} | (
        {"Authorization": f"Bearer {key}"} if key else {}
    )
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(container.url + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def rows_of(model: Path) -> Any:
    """The rows that the training left for a smoke test."""
    return {"rows": json.loads((model / "sample.json").read_text())["rows"]}


def test_managed_endpoint_finds_the_model_one_level_down(podman: Podman, model: Path) -> None:
    """Azure ML mounts the registered folder below AZUREML_MODEL_DIR; nobody is asked for a key,
    since the endpoint in front has asked already."""
    options = [f"--volume={model}:/var/azureml-app/azureml-models/made-up/7/draft:ro"]
    options += ["--env=AZUREML_MODEL_DIR=/var/azureml-app/azureml-models/made-up/7"]
    with podman.running(IMAGE, port=PORT, options=options) as container:
        container.wait_healthy()
        assert container.inspect()["State"]["Health"]["Status"] == "healthy"
        body = rows_of(model)
        status, answer = asked(container, "/score", body)
        assert status == 200
        assert len(answer["predictions"]) == len(body["rows"])
        assert all(0 <= one["probabilities"]["true"] <= 1 for one in answer["predictions"])
        for probe in ("live", "ready"):
            assert asked(container, f"/health/{probe}")[0] == 200
        status, problem = asked(container, "/score", {"rows": [{}]})
        assert (status, problem["errors"][0]["row"]) == (422, 0)
        assert container.stop() == 0
        assert "Finished server process" in container.logs()


def test_alone_it_serves_a_folder_of_models_to_who_has_a_key(podman: Podman, model: Path) -> None:
    """The same image, told by SCORING_MODELS_DIR and SCORING_AUTH."""
    options = [f"--volume={model}:/models/made-up:ro", "--env=SCORING_MODELS_DIR=/models"]
    options += ["--env=SCORING_AUTH=key", f"--env=SCORING_API_KEYS={KEY}"]
    with podman.running(IMAGE, port=PORT, options=options) as container:
        container.wait_healthy()
        assert asked(container, "/models/made-up/score", rows_of(model))[0] == 401
        status, answer = asked(container, "/models/made-up/score", rows_of(model), KEY)
        assert status == 200
        assert answer["predictions"]
        assert container.stop() == 0


def test_without_a_model_it_says_what_is_wrong(podman: Podman) -> None:
    """One line and an exit code, no traceback."""
    done = podman.once(IMAGE, options=["--env=SCORING_MODELS_DIR=/models"])
    assert done.returncode == 2
    assert "SCORING_AUTH" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_is_not_there_never_becomes_healthy(podman: Podman) -> None:
    """The health check is the readiness, not that a process exists."""
    options = ["--env=AZUREML_MODEL_DIR=/nowhere"]
    refused = pytest.raises((AssertionError, TimeoutError))
    with podman.running(IMAGE, port=PORT, options=options) as container, refused:
        container.wait_healthy(6)
