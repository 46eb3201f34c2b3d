"""When the scoring service is ready, and what it says while it is not."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import onnx
import pytest
from onnx import helper

from backend.settings import Settings

Break = Callable[[Path], object]


def edited(path: Path, **changes: Any) -> None:
    """Write a JSON document with some of its fields changed."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def ready_reason(service_client: Any, model_dir: Path | None) -> str:
    """Why the service is not ready; everything but the liveness says the same."""

    async def ask() -> list[httpx.Response]:
        async with service_client(model_dir) as client:
            assert (await client.get("/health/live")).status_code == 200
            return [
                await client.get("/health/ready"),
                await client.get("/schema"),
                await client.post("/score", json={"rows": [{}]}),
            ]

    responses = asyncio.run(ask())
    assert [response.status_code for response in responses] == [503, 503, 503]
    (reason,) = {response.json()["detail"] for response in responses}
    assert isinstance(reason, str)
    return reason


def _second_schema(root: Path) -> None:
    shutil.copytree(root / "model", root / "copy")


def _other_columns(root: Path) -> None:
    features = json.loads((root / "model/schema.json").read_text())["features"]
    edited(root / "model/schema.json", features=features[:-1])


def _unlikely_labels(root: Path) -> None:
    model = onnx.load(root / "model/model.onnx")
    for node in model.graph.node:
        node.output[:] = ["unused" if name == "label" else name for name in node.output]
    unlikely = helper.make_node("ArgMin", ["probabilities"], ["label"], axis=1, keepdims=0)
    model.graph.node.append(unlikely)
    onnx.save(model, root / "model/model.onnx")


def _schema(**changes: Any) -> Break:
    return lambda root: edited(root / "model/schema.json", **changes)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: (root / "model/schema.json").unlink(), "no schema.json below"),
        (_second_schema, "more than one schema.json below"),
        (lambda root: (root / "model/model.onnx").unlink(), "model.onnx: No such file"),
        (lambda root: (root / "model/model.onnx").write_bytes(b"\x00junk"), "model.onnx: "),
        (lambda root: (root / "model/sample.json").unlink(), "sample.json: No such file"),
        (lambda root: edited(root / "model/sample.json", rows=[]), "sample.json: no rows"),
        (
            lambda root: edited(root / "model/sample.json", rows=[{"distance": "x"}]),
            "sample.json does not fit schema.json: 3 mistakes",
        ),
        (lambda root: (root / "model/schema.json").write_text("{"), "schema.json: "),
        (_schema(schema=2), "schema.json: "),
        (_schema(features=[]), "schema.json: no features"),
        (_schema(classes=None), "schema.json: classes belong to a classification"),
        (_schema(classes=[True, "true"]), "schema.json: two classes have the same name"),
        (_schema(classes=["a", "b", "c"]), "model.onnx cannot score sample.json: probabilities"),
        (_unlikely_labels, "model.onnx cannot score sample.json: label"),
        (_schema(task="regression", classes=None), "model.onnx: no output 'value'"),
        (_schema(inputs={"number": "numbers"}), "schema.json: inputs.category"),
        (_schema(inputs={"number": "a", "category": "b"}), "model.onnx: its inputs are"),
        (_schema(inputs={"number": "texts", "category": "numbers"}), "model.onnx: input 'texts'"),
        (_other_columns, "model.onnx: input 'numbers' is tensor(float) with 2 columns"),
    ],
)
def test_a_damaged_model_folder_is_named(
    backend_models: dict[str, Path], service_client: Any, tmp_path: Path, damage: Break, words: str
) -> None:
    """The service lives, is not ready, and says which file is wrong and how."""
    root = tmp_path / "mount"
    shutil.copytree(backend_models["late"], root)
    damage(root)
    assert words in ready_reason(service_client, root)


def test_no_model_directory_is_named(service_client: Any, tmp_path: Path) -> None:
    """A forgotten setting and a wrong path are told apart."""
    assert ready_reason(service_client, None) == "AZUREML_MODEL_DIR is not set"
    assert "is not a folder" in ready_reason(service_client, tmp_path / "absent")


def test_a_linked_model_folder_is_found_once(
    backend_models: dict[str, Path], service_client: Any, tmp_path: Path
) -> None:
    """Mounts made of links, even circular ones, hold one model."""
    (tmp_path / "current").symlink_to(backend_models["late"])
    (tmp_path / "again").symlink_to(backend_models["late"])
    (tmp_path / "circle").symlink_to(tmp_path)

    async def ask() -> httpx.Response:
        async with service_client(tmp_path) as client:
            response: httpx.Response = await client.get("/health/ready")
            return response

    assert asyncio.run(ask()).json() == {"status": "ready", "model": "late"}


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²"])
def test_settings_refuse_what_is_no_count(value: str) -> None:
    """A wrong setting stops the start and is named."""
    with pytest.raises(ValueError, match="SCORING_ROWS_MAX must be a whole number above zero"):
        Settings.from_environment({"SCORING_ROWS_MAX": value})


def test_settings_come_from_the_environment() -> None:
    """What is set is taken, what is empty or absent has its default."""
    settings = Settings.from_environment({"AZUREML_MODEL_DIR": "/m", "SCORING_ROWS_MAX": ""})
    assert settings == Settings(model_dir=Path("/m"))
    assert Settings.from_environment({"SCORING_INTRA_OP_THREADS": "4"}).intra_op_threads == 4
