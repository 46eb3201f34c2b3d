"""The service answers what the exported graph answers, to the last bit."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxruntime
import pytest

from tests.backend.trained import MAKERS, ORIGINS

ROWS = 10_000
FLOAT32_MAX = float(np.finfo(np.float32).max)
NUMBERS = [
    *(0, -0.0, 1, -1, 2013, 2013.0, 1e-45, -1e-45, 1e-46, 5e-324, 1.5e-39, 1e38, -1e38),
    *(FLOAT32_MAX, -FLOAT32_MAX, 2**24 + 1, 2**53 + 1, 10**38, 0.1, 1 / 3, 1979.5, None),
]
TEXTS = [*MAKERS, *ORIGINS, None, " BOEING", "boeing", "e\u0301", "é", "✈" * 50, '"\\\n', "\u2028"]


def rows_of_all_kinds() -> list[dict[str, Any]]:
    """Usual rows, and rows of everything that JSON and float32 allow at their edges."""
    random = np.random.default_rng(11)
    rows: list[dict[str, Any]] = []
    for _ in range(ROWS):
        usual = random.random() < 0.5
        number = random.uniform(0, 3000) if usual else None
        rows.append(
            {
                "maker": TEXTS[random.integers(len(TEXTS))],
                "year": int(random.integers(1950, 2014)) if usual else picked(random),
                "gust": number if number is not None else picked(random),
                "origin": TEXTS[random.integers(len(TEXTS))],
            }
        )
    return rows


def picked(random: np.random.Generator) -> float | None:
    """One of the edges."""
    return NUMBERS[random.integers(len(NUMBERS))]


def reference(folder: Path, rows: list[dict[str, Any]], threads: int = 1) -> tuple[Any, Any]:
    """Labels and probabilities of a session that was fed by hand."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(folder / "model.onnx", options)
    schema = json.loads((folder / "schema.json").read_text())
    names = {
        kind: [each["name"] for each in schema["features"] if each["kind"] == kind]
        for kind in ("number", "category")
    }
    numbers = [
        [np.nan if row[n] is None else float(row[n]) for n in names["number"]] for row in rows
    ]
    texts = [[row[name] or "" for name in names["category"]] for row in rows]
    feed = {
        "number": np.array(numbers).astype(np.float32),
        "category": np.array(texts, dtype=object),
    }
    labels, probabilities = session.run(["label", "probabilities"], feed)
    return labels, probabilities


def assert_equal(predictions: list[Any], labels: Any, probabilities: Any) -> None:
    """No label and no bit of a probability differs."""
    shares = [[each["probabilities"][key] for key in ("false", "true")] for each in predictions]
    assert [each["label"] for each in predictions] == [bool(label) for label in labels]
    assert np.array_equal(np.array(shares), probabilities.astype(np.float64))


def without_trees(folder: Path, copy: Path) -> Path:
    """The folder as an older training wrote it."""
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("trees.*"))
    return copy


@pytest.mark.parametrize("whole", [False, True], ids=["trees alone", "whole graph"])
@pytest.mark.parametrize("together", [1, 7, 1000], ids="{} a request".format)
@pytest.mark.parametrize("batching", ["off", "on"])
def test_rows_are_answered_as_the_graph_answers_them(
    trained_model: Path,
    service_client: Any,
    tmp_path: Path,
    whole: bool,
    together: int,
    batching: str,
) -> None:
    """10,000 rows, looked up here or in the graph, alone or in a shared run: the same bits."""
    folder = without_trees(trained_model, tmp_path / "old") if whole else trained_model
    rows = rows_of_all_kinds()
    if together < 1000:
        rows = rows[::20]
    parts = [rows[start : start + together] for start in range(0, len(rows), together)]

    async def ask() -> list[httpx.Response]:
        async with service_client(
            folder, batching=batching, queue_milliseconds_max=60_000
        ) as client:
            asked = [client.post("/score", json={"rows": part}) for part in parts]
            return await asyncio.gather(*asked)

    responses = asyncio.run(ask())
    assert {response.status_code for response in responses} == {200}
    predictions = [one for response in responses for one in response.json()["predictions"]]
    assert_equal(predictions, *reference(trained_model, rows))
    assert len({one["probabilities"]["true"] for one in predictions}) > 20


def test_more_threads_change_the_last_bit_only(trained_model: Path) -> None:
    """Why the service has one: several add the trees up in an order that depends on the batch."""
    rows = rows_of_all_kinds()
    (labels, one), (same, several) = (reference(trained_model, rows, count) for count in (1, 2))
    assert np.array_equal(labels, same)
    assert np.abs(one - several).max() <= 2.5e-7


def test_a_text_with_a_zero_in_it_is_another_text(trained_model: Path, service_client: Any) -> None:
    """Where the whole graph cuts a text at the zero and sees a known one, the look-up does not."""
    rows = [
        {"maker": "BOEING", "year": 1960, "gust": 9, "origin": origin}
        for origin in ("EWR", "EWR\u0000", "never seen")
    ]

    async def ask() -> Any:
        async with service_client(trained_model) as client:
            return (await client.post("/score", json={"rows": rows})).json()["predictions"]

    known, zero, unseen = asyncio.run(ask())
    assert zero == unseen != known


def test_other_trees_are_not_served(
    trained_model: Path, service_client: Any, tmp_path: Path
) -> None:
    """Trees that answer one category otherwise than the whole graph make the folder unfit."""
    folder = tmp_path / "folder"
    shutil.copytree(trained_model, folder)
    trees = json.loads((folder / "trees.json").read_text())
    (codes,) = [each["codes"] for each in trees["categories"] if each["name"] == "origin"]
    codes["EWR"], codes["LGA"] = codes["LGA"], codes["EWR"]
    for content, words in (
        (json.dumps(trees), "its graph answers otherwise than model.onnx"),
        (json.dumps({**trees, "numbers": ["year"]}), "its columns are not those of schema.json"),
        (json.dumps({**trees, "file": "../trees.onnx"}), "is not a file of the folder"),
        (json.dumps({**trees, "input": "x"}), "trees.onnx: its inputs are"),
        ("{", "trees.json: "),
    ):
        (folder / "trees.json").write_text(content)
        assert words in asyncio.run(reason(service_client, folder))
    (folder / "trees.onnx").unlink()
    shutil.copyfile(trained_model / "trees.json", folder / "trees.json")
    assert "trees.onnx: No such file" in asyncio.run(reason(service_client, folder))


async def reason(service_client: Any, folder: Path) -> str:
    """Why the service over a folder is not ready."""
    async with service_client(folder) as client:
        document: dict[str, str] = (await client.get("/health/ready")).json()
        return document.get("detail", "")
