"""What the scoring service answers to rows that fit the model."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxruntime
import pytest


def sample_rows(model_dir: Path) -> list[dict[str, Any]]:
    """The rows that lie beside the model."""
    rows: list[dict[str, Any]] = json.loads((model_dir / "model/sample.json").read_text())["rows"]
    return rows


def posted(service_client: Any, model_dir: Path, rows: list[Any], **limits: int) -> httpx.Response:
    """The answer to rows, from a service that was started for them."""

    async def post() -> httpx.Response:
        async with service_client(model_dir, **limits) as client:
            response: httpx.Response = await client.post("/score", json={"rows": rows})
            return response

    return asyncio.run(post())


@pytest.mark.parametrize(
    ("name", "labels", "keys"),
    [
        ("late", {False, True}, ["false", "true"]),
        ("stars", {3, 4, 5}, ["3", "4", "5"]),
        ("colour", {"blue", "red"}, ["blue", "red"]),
    ],
)
def test_a_classification_answers_labels_of_the_schema(
    backend_models: dict[str, Path], service_client: Any, name: str, labels: set[Any], keys: Any
) -> None:
    """Each row gets a class as the schema writes it and a share for every class."""
    rows = sample_rows(backend_models[name])
    response = posted(service_client, backend_models[name], rows)
    assert response.status_code == 200
    predictions = response.json()["predictions"]
    assert len(predictions) == len(rows)
    for prediction in predictions:
        assert prediction["label"] in labels
        assert type(prediction["label"]) in {type(label) for label in labels}
        assert list(prediction["probabilities"]) == keys
        assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        key = max(prediction["probabilities"], key=prediction["probabilities"].__getitem__)
        label = prediction["label"]
        assert key == (label if isinstance(label, str) else json.dumps(label))


def test_a_regression_answers_values_in_the_order_of_the_rows(
    backend_models: dict[str, Path], service_client: Any
) -> None:
    """The service gives exactly what the graph gives for the same arrays."""
    model_dir = backend_models["minutes"]
    rows = sample_rows(model_dir)
    response = posted(service_client, model_dir, rows)
    session = onnxruntime.InferenceSession((model_dir / "model/model.onnx").read_bytes())
    numbers = np.array([[row["distance"]] for row in rows], dtype=np.float32)
    texts = np.array([[row["origin"] or ""] for row in rows], dtype=object)
    (expected,) = session.run(["value"], {"numbers": numbers, "texts": texts})
    values = [prediction["value"] for prediction in response.json()["predictions"]]
    assert values == expected.ravel().tolist()
    assert len(set(values)) > 1


def test_the_order_of_columns_in_a_row_does_not_matter(
    backend_models: dict[str, Path], service_client: Any
) -> None:
    """Columns are found by name."""
    row = {"distance": 1089, "hour": 17, "origin": "EWR"}
    turned = dict(reversed(row.items()))
    response = posted(service_client, backend_models["late"], [row, turned])
    first, second = response.json()["predictions"]
    assert first == second


def test_null_is_a_missing_value(backend_models: dict[str, Path], service_client: Any) -> None:
    """A null category is the empty text that the training saw; a null number is no zero."""
    rows = [
        {"distance": 900, "hour": 6, "origin": None},
        {"distance": 900, "hour": 6, "origin": ""},
        {"distance": 900, "hour": None, "origin": "EWR"},
        {"distance": 900, "hour": 0, "origin": "EWR"},
    ]
    response = posted(service_client, backend_models["late"], rows)
    none, empty, missing, zero = response.json()["predictions"]
    assert none == empty
    assert missing != zero


def test_a_category_that_the_training_never_saw_is_answered(
    backend_models: dict[str, Path], service_client: Any
) -> None:
    """A new airport is no mistake of the caller."""
    row = {"distance": 900, "hour": 6, "origin": "Zürich\u0000✈"}
    assert posted(service_client, backend_models["late"], [row]).status_code == 200


def test_a_large_batch_is_answered_like_its_rows(
    backend_models: dict[str, Path], service_client: Any
) -> None:
    """The batch that is scored in a thread gets the same answers in the same order."""
    rows = sample_rows(backend_models["late"])
    few = posted(service_client, backend_models["late"], rows)
    many = posted(service_client, backend_models["late"], rows * 500)
    assert many.json()["predictions"] == few.json()["predictions"] * 500


def test_schema_and_openapi_show_the_columns(
    backend_models: dict[str, Path], service_client: Any
) -> None:
    """A page that knows nothing of the model can build a form and check an answer."""

    async def get() -> tuple[bytes, dict[str, Any]]:
        async with service_client(backend_models["late"]) as client:
            return (await client.get("/schema")).content, (await client.get("/openapi.json")).json()

    schema, document = asyncio.run(get())
    assert schema == (backend_models["late"] / "model/schema.json").read_bytes()
    assert set(document["paths"]) == {
        "/score",
        "/models/late/score",
        "/schema",
        "/models",
        "/models/{name}/schema",
        "/metrics",
        "/health/live",
        "/health/ready",
    }
    content = document["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]
    row = content["schema"]["properties"]["rows"]["items"]
    assert row["required"] == ["origin", "distance", "hour"]
    assert row["properties"]["origin"] == {"type": ["string", "null"], "examples": ["JFK"]}
