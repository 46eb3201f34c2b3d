"""Several models in one process, each under a path of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.app import create_app
from backend.settings import Settings
from tests.backend.conftest import started
from tests.tiny_models import tiny_folder

Ask = Callable[[httpx.AsyncClient], Awaitable[Any]]


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    """Two models that multiply, by 2 and by 3."""
    for name, factor in (("double", 2.0), ("triple", 3.0)):
        folder = tmp_path / name / "v1"
        folder.mkdir(parents=True)
        for file, content in tiny_folder(factor).items():
            (folder / file).write_bytes(content)
    return tmp_path


def asked(models_dir: Path, ask: Ask) -> Any:
    """What a client finds out from a service over these models."""

    async def connect() -> Any:
        async with started(create_app(Settings(models_dir=models_dir))) as client:
            return await ask(client)

    return asyncio.run(connect())


def test_each_model_answers_under_its_name(models_dir: Path) -> None:
    """Which model is meant is said by the path; without a name nobody guesses."""

    async def ask(client: httpx.AsyncClient) -> Any:
        body = {"rows": [{"x": 10}]}
        paths = ("/models/double/score", "/models/triple/score", "/score", "/models/other/score")
        return [await client.post(path, json=body) for path in paths]

    double, triple, unnamed, other = asked(models_dir, ask)
    assert double.json() == {"predictions": [{"value": 20.0}]}
    assert triple.json() == {"predictions": [{"value": 30.0}]}
    assert (unnamed.status_code, other.status_code) == (404, 404)


def test_the_models_are_listed_and_described(models_dir: Path) -> None:
    """A caller finds names, paths and columns without knowing the folders."""

    async def ask(client: httpx.AsyncClient) -> Any:
        paths = ("/models", "/models/double/schema", "/schema", "/health/ready", "/openapi.json")
        return [await client.get(path) for path in paths]

    models, schema, unnamed, ready, document = asked(models_dir, ask)
    assert models.json() == {
        "models": [
            {"name": name, "score": f"/models/{name}/score", "ready": True}
            for name in ("double", "triple")
        ]
    }
    assert schema.json()["target"] == "y"
    assert unnamed.status_code == 404
    assert ready.json() == {"status": "ready", "model": None, "models": ["double", "triple"]}
    assert {"/models/double/score", "/models/triple/score"} < set(document.json()["paths"])


def test_one_that_cannot_be_served_does_not_take_the_others_along(models_dir: Path) -> None:
    """The others answer; the readiness and the metrics name the one that does not."""
    (models_dir / "triple/v1/model.onnx").write_bytes(b"no graph")

    async def ask(client: httpx.AsyncClient) -> Any:
        body = {"rows": [{"x": 10}]}
        posts = [await client.post(f"/models/{n}/score", json=body) for n in ("double", "triple")]
        return posts, await client.get("/health/ready"), (await client.get("/metrics")).text

    (double, triple), ready, metrics = asked(models_dir, ask)
    assert (double.status_code, triple.status_code, ready.status_code) == (200, 503, 503)
    assert "model.onnx" in ready.json()["detail"]
    assert 'scoring_ready{model="triple"} 0.0' in metrics
    assert 'scoring_requests_total{model="triple",status="503"} 1.0' in metrics
    assert 'scoring_rows_total{model="double"} 1.0' in metrics
    assert 'scoring_request_seconds_count{model="double"} 1.0' in metrics


def test_a_single_model_has_both_paths(backend_models: dict[str, Path]) -> None:
    """The name in schema.json does as well as no name."""

    async def ask() -> list[Any]:
        async with started(create_app(Settings(backend_models["minutes"]))) as client:
            body = {"rows": [{"distance": 500, "origin": "JFK"}]}
            return [(await client.post(f"{p}/score", json=body)).json() for p in ("", NAMED)]

    plain, named = asyncio.run(ask())
    assert plain == named
    assert "predictions" in plain


NAMED = "/models/delay"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (shutil.rmtree, "is not a folder"),
        (lambda path: [shutil.rmtree(each) for each in path.iterdir()], "it holds no folders"),
        (lambda path: (path / "a b").mkdir(), "'a b' cannot be a model's name"),
    ],
    ids=["absent", "empty", "name"],
)
def test_a_folder_of_models_that_is_none_stops_the_start(
    models_dir: Path, change: Callable[[Path], object], words: str
) -> None:
    """What cannot be served under any path is said at once."""
    change(models_dir)
    with pytest.raises(ValueError, match=words):
        create_app(Settings(models_dir=models_dir))


def test_sources_exclude_each_other() -> None:
    """It is never a question which folder or storage a model came from."""
    with pytest.raises(ValueError, match="AZUREML_MODEL_DIR and SCORING_MODELS_DIR exclude"):
        Settings.from_environment({"AZUREML_MODEL_DIR": "/a", "SCORING_MODELS_DIR": "/b"})
    environment = {"SCORING_AUTH": "off", "SCORING_ENVIRONMENT_VERSION": "1"}
    for urls, words in (
        ("https://a/one https://b/one", "two models of the same name"),
        ("https://a/o%6ee", "must end with the model's name"),
    ):
        with pytest.raises(ValueError, match=words):
            Settings.from_environment({**environment, "SCORING_SERVING_URL": urls})
    two = Settings.from_environment(
        {**environment, "SCORING_SERVING_URL": "https://a/x https://a/y"}
    )
    assert two.serving_urls == ("https://a/x", "https://a/y")


def test_names_in_metrics_are_those_of_the_paths(models_dir: Path) -> None:
    """Whoever reads a count knows which path it belongs to."""
    schema = json.loads((models_dir / "double/v1/schema.json").read_text())
    assert schema["model"] == "tiny"

    async def ask(client: httpx.AsyncClient) -> str:
        return (await client.get("/metrics")).text

    assert 'model="double"' in asked(models_dir, ask)
    assert 'model="tiny"' not in asked(models_dir, ask)
