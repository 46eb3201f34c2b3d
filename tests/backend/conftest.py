"""Real small models, trained and exported once a run, and clients that talk to the service."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from backend.app import ScoringService, create_app
from backend.settings import Settings
from tests.backend.trained import trained_folder

ORIGINS = ["EWR", "JFK", "LGA"]
ROWS = 400

ServiceClient = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session")
def backend_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Directories as AZUREML_MODEL_DIR shows them, one for each shape of model."""
    root = tmp_path_factory.mktemp("models")
    table = _table()
    late = table["delay"] > table["delay"].median()
    colour = pd.Series(np.where(table["origin"] == "JFK", "blue", "red"))
    stars = (table["hour"] // 8).astype(int) + 3
    return {
        "late": _write(root / "late", table, ["distance", "hour", "origin"], "late", late),
        "minutes": _write(root / "minutes", table, ["distance", "origin"], "delay", table["delay"]),
        "stars": _write(root / "stars", table, ["distance", "hour"], "stars", stars),
        "colour": _write(root / "colour", table, ["origin"], "colour", colour),
    }


@pytest.fixture(scope="session")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the training step wrote: the whole graph, and the trees by themselves."""
    return trained_folder(tmp_path_factory.mktemp("trained") / "job")


@pytest.fixture(scope="session")
def service_client() -> ServiceClient:
    """A client for the service over one model directory, once its model was loaded or refused."""

    @asynccontextmanager
    async def connect(model_dir: Path | None, **limits: Any) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(Settings(model_dir=model_dir, **limits))
        async with started(app) as client:
            yield client

    return connect


@asynccontextmanager
async def started(app: ScoringService) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a socket, once all models of the app were loaded or refused."""
    async with app.router.lifespan_context(app):
        await app.loading.ended()
        async with httpx.AsyncClient(
            transport=WholeBodies(app), base_url="http://service"
        ) as client:
            yield client


class WholeBodies(httpx.AsyncBaseTransport):
    """Hands a body over in one piece, as a server does with one that came in one packet."""

    def __init__(self, app: ScoringService) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request to the app, and what the app sent."""
        body = await request.aread()
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "path": request.url.path,
            "raw_path": request.url.raw_path,
            "query_string": request.url.query,
            "root_path": "",
            "scheme": "http",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
        }
        # A turn of its own, as for requests that come one by one.
        await next_turn()
        await self._app(scope, receive, send)
        start, *parts = sent
        content = b"".join(part["body"] for part in parts)
        return httpx.Response(start["status"], headers=start["headers"], content=content)


async def next_turn() -> None:
    """Return when the event loop has done all that waits now."""
    loop = asyncio.get_running_loop()
    turn = loop.create_future()
    loop.call_soon(turn.set_result, None)
    await turn


def _table() -> pd.DataFrame:
    random = np.random.default_rng(7)
    table = pd.DataFrame(
        {
            "distance": random.uniform(100, 2900, ROWS).round(),
            "hour": random.integers(5, 24, ROWS).astype(float),
            "origin": random.choice(ORIGINS, ROWS),
        }
    )
    table["delay"] = table["hour"] * 2 + (table["origin"] == "EWR") * 15 + random.normal(0, 3, ROWS)
    table.loc[:9, "distance"] = np.nan
    table.loc[10:19, "origin"] = ""
    return table


def _write(
    folder: Path, table: pd.DataFrame, columns: list[str], target: str, answers: pd.Series[Any]
) -> Path:
    """Train, export and describe one model; the folder lies one level below the directory."""
    numbers = [name for name in columns if name != "origin"]
    categories = [name for name in columns if name == "origin"]
    classes = None if target == "delay" else sorted(answers.unique().tolist())
    learner = HistGradientBoostingRegressor if classes is None else HistGradientBoostingClassifier
    # Columns by place, because the graph's inputs are arrays without names.
    inputs = table[numbers + categories].set_axis(range(len(columns)), axis="columns")
    transformer = ColumnTransformer(_by_place(numbers, categories), remainder="drop")
    model = make_pipeline(transformer, learner(max_iter=20)).fit(inputs, _exportable(answers))
    model_folder = folder / "model"
    model_folder.mkdir(parents=True)
    onnx.save(_exported(model, len(numbers), len(categories)), model_folder / "model.onnx")
    schema = _schema(target, classes, numbers, categories)
    sample = table[columns].head(20).astype(object)
    rows = sample.where(sample.notna() & (sample != ""), None).to_dict(orient="records")
    (model_folder / "schema.json").write_text(json.dumps(schema))
    (model_folder / "sample.json").write_text(json.dumps({"rows": rows}))
    return folder


def _exportable(answers: pd.Series[Any]) -> pd.Series[Any]:
    # Classes that are no text are exported as their places; the exporter knows no booleans.
    if pd.api.types.is_float_dtype(answers) or not pd.api.types.is_numeric_dtype(answers):
        return answers
    return answers.rank(method="dense").astype(int) - 1


def _by_place(numbers: list[str], categories: list[str]) -> list[tuple[str, Any, list[int]]]:
    steps: list[tuple[str, Any, list[int]]] = []
    if numbers:
        steps.append(("number", "passthrough", list(range(len(numbers)))))
    if categories:
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        steps.append(("category", encoder, [len(numbers)]))
    return steps


def _exported(model: Any, numbers: int, categories: int) -> onnx.ModelProto:
    inputs = []
    if numbers:
        inputs.append(("numbers", FloatTensorType([None, numbers])))
    if categories:
        inputs.append(("texts", StringTensorType([None, categories])))
    classifier = hasattr(model, "predict_proba")
    options = {"zipmap": False} if classifier else None
    with warnings.catch_warnings():
        # The exporter hands numpy's booleans to protobuf as indices, which numpy deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        exported: onnx.ModelProto = to_onnx(model, initial_types=inputs, options=options)
    if not classifier:
        (output,) = exported.graph.output
        exported.graph.node.append(helper.make_node("Identity", [output.name], ["value"]))
        output.name = "value"
    return exported


def _schema(
    target: str, classes: list[Any] | None, numbers: list[str], categories: list[str]
) -> dict[str, Any]:
    features: list[dict[str, Any]] = [
        {"name": name, "kind": "category", "categories": ORIGINS, "example": "JFK"}
        for name in categories
    ]
    features += [
        {"name": name, "kind": "number", "minimum": 0.0, "maximum": 2900.0, "example": 20.0}
        for name in numbers
    ]
    return {
        "schema": 1,
        "model": target,
        "task": "regression" if classes is None else "classification",
        "target": target,
        "classes": classes,
        "features": features,
        "inputs": {
            "number": "numbers" if numbers else None,
            "category": "texts" if categories else None,
        },
    }
