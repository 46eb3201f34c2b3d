"""A month of flights through prepare, train and evaluate, and then a month with wrong labels."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema
import numpy as np
import onnxruntime
import pytest

from examples import flights
from tests.training.steps import COMPONENTS, Job, manifest_of


@pytest.fixture(scope="module")
def february_job(
    january_job: Job, january_landing: Path, tmp_path_factory: pytest.TempPathFactory
) -> Job:
    """February beside January, its labels inverted on the days that are trained on."""
    landing = tmp_path_factory.mktemp("february")
    shutil.copytree(january_landing / "flights", landing / "flights")
    for name, content in flights.day_files(date(2013, 2, 1), date(2013, 2, 28)):
        inverted = name < "2013-02-22.csv"
        (landing / "flights" / name).write_bytes(_inverted(content) if inverted else content)
    job = replace(
        january_job,
        home=tmp_path_factory.mktemp("february-job"),
        landing=landing,
        manifest=manifest_of(landing, "flights"),
        earlier={"champion": str(january_job.home / "model"), "champion_version": "1"},
    )
    return job.succeed("prepare", "train", "evaluate")


def _inverted(content: bytes) -> bytes:
    rows = list(csv.reader(io.StringIO(content.decode())))
    for row in rows[1:]:
        row[-1] = {"true": "false", "false": "true"}[row[-1]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def test_january_beats_the_prior(january_job: Job) -> None:
    """A month of flights makes a model that is clearly better than knowing nothing."""
    metrics = january_job.read("model/metrics.json")
    assert metrics["challenger"]["value"] > 0.6
    assert metrics["baseline"] == {"name": "prior", "value": 0.5}
    assert metrics["versus_baseline"]["low"] > 0.1
    assert metrics["champion"] is None
    assert metrics["versus_champion"] is None


def test_metrics_are_as_published(january_job: Job, february_job: Job) -> None:
    """What evaluate writes is valid by the published schema, with and without a champion."""
    published = json.loads((COMPONENTS / "metrics.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(published)
    for job in (january_job, february_job):
        validator.validate(job.read("model/metrics.json"))


def test_every_landed_row_is_trained_or_held_out(january_job: Job) -> None:
    """Training rows and holdout rows together are the rows that landed; the newest are held out."""
    landed = sum(
        len(path.read_text().splitlines()) - 1 for path in january_job.landing.rglob("*.csv")
    )
    metrics = january_job.read("model/metrics.json")
    assert metrics["landed_rows"] == landed
    assert metrics["trained_rows"] + metrics["holdout"]["rows"] == landed
    assert (metrics["holdout"]["from"], metrics["holdout"]["to"]) == ("2013-01-25", "2013-01-31")
    assert january_job.read("report/prepared.json")["trained"]["to"] == "2013-01-24"


def test_exported_model_agrees_with_the_trained_one(january_job: Job) -> None:
    """No class flips on the holdout, on training rows, on unseen categories and on blank rows."""
    parity = january_job.read("model/metrics.json")["parity"]
    assert parity["flipped"] == 0
    assert parity["max_difference"] < 1e-5
    assert parity["rows"] > january_job.read("model/metrics.json")["holdout"]["rows"]


def test_one_row_is_answered_quickly(january_job: Job) -> None:
    """Evaluate times single rows and asks every sample row."""
    metrics = january_job.read("model/metrics.json")
    assert metrics["latency"]["rows"] == 200
    assert 0 < metrics["latency"]["p50_ms"] <= metrics["latency"]["p95_ms"] < 20
    assert metrics["sample_rows"] == len(january_job.read("model/sample.json")["rows"]) == 20


def test_model_folder_is_complete_and_answers(january_job: Job) -> None:
    """The folder alone is enough to answer its own sample rows by its own schema."""
    folder = january_job.home / "model"
    names = {path.name for path in folder.iterdir()}
    described = {"schema.json", "metrics.json", "sample.json", "lineage.json"}
    assert names == {"model.onnx", "trees.onnx", "trees.json"} | described
    schema = january_job.read("model/schema.json")
    assert schema["classes"] == [False, True]
    rows = january_job.read("model/sample.json")["rows"]
    inputs = {}
    for kind, dtype, missing in (("number", np.float32, np.nan), ("category", object, "")):
        columns = [about["name"] for about in schema["features"] if about["kind"] == kind]
        cells = [[missing if row[name] is None else row[name] for name in columns] for row in rows]
        inputs[schema["inputs"][kind]] = np.array(cells, dtype=dtype)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    label, probabilities = session.run(["label", "probabilities"], inputs)
    assert probabilities.shape == (20, 2)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (label == probabilities.argmax(axis=1)).all()


def test_schema_describes_what_was_trained_on(january_job: Job) -> None:
    """Categories, ranges and examples come from the training rows, in the order of the toml."""
    features = january_job.read("model/schema.json")["features"]
    assert [about["name"] for about in features] == list(january_job.spec["features"])
    by_name = {about["name"]: about for about in features}
    assert by_name["origin"]["categories"] == ["EWR", "JFK", "LGA"]
    assert by_name["origin"]["example"] in by_name["origin"]["categories"]
    assert "" not in by_name["maker"]["categories"]
    distance = by_name["distance_miles"]
    assert 80 <= distance["minimum"] < distance["example"] < distance["maximum"] == 4983


def test_lineage_names_data_code_job_and_packages(january_job: Job) -> None:
    """Who finds a model can say which data, commit, job and packages made it."""
    lineage = january_job.read("model/lineage.json")
    assert lineage["data_version"] == january_job.manifest["data_version"]
    assert lineage["job"] == january_job.name
    assert lineage["code_commit"] == "0123abc"
    assert lineage["packages"]["scikit-learn"] == "1.9.1"


def test_inverted_labels_lose_against_the_champion(february_job: Job) -> None:
    """Wrong labels make a model clearly worse than the champion, which itself stays sound."""
    metrics = february_job.read("model/metrics.json")
    assert metrics["champion"]["version"] == "1"
    assert metrics["versus_champion"]["high"] < -0.02
    assert metrics["champion"]["value"] > metrics["baseline"]["value"] + 0.05
    assert metrics["holdout"]["from"] == "2013-02-22"


def test_slices_compare_each_airport(february_job: Job) -> None:
    """Each airport has its rows, both models' values, and their difference with an interval."""
    metrics = february_job.read("model/metrics.json")
    slices = metrics["slices"]
    assert [part["value"] for part in slices] == ["EWR", "JFK", "LGA"]
    assert sum(part["rows"] for part in slices) == metrics["holdout"]["rows"]
    for part in slices:
        difference = part["challenger"] - part["champion"]
        assert part["difference"]["low"] < difference < part["difference"]["high"]


def test_a_model_beside_itself_differs_by_nothing(january_job: Job, tmp_path: Path) -> None:
    """The resamples are paired: a model compared with itself has an interval of width zero."""
    job = replace(january_job, home=tmp_path)
    for name in ("data", "draft"):
        (tmp_path / name).symlink_to(january_job.home / name)
    itself = january_job.home / "model"
    versions = {"champion_version": "2", "anchor_version": "1"}
    job.succeed("evaluate", champion=itself, anchor=itself, **versions)
    metrics = job.read("model/metrics.json")
    for versus in ("versus_champion", "versus_anchor"):
        assert (metrics[versus]["low"], metrics[versus]["high"]) == (0, 0)
    assert metrics["champion"]["version"] == "2"
    assert metrics["anchor"]["version"] == "1"
    assert metrics["challenger"] == january_job.read("model/metrics.json")["challenger"]


def test_swapped_export_is_noticed(january_job: Job, february_job: Job, tmp_path: Path) -> None:
    """An exported file that is not the trained model flips classes, and the parity says so."""
    job = replace(february_job, home=tmp_path)
    (tmp_path / "data").symlink_to(february_job.home / "data")
    shutil.copytree(february_job.home / "draft", tmp_path / "draft")
    for name in ("model.onnx", "trees.onnx", "trees.json"):
        shutil.copyfile(january_job.home / "draft" / name, tmp_path / "draft" / name)
    parity = job.succeed("evaluate").read("model/metrics.json")["parity"]
    assert parity["flipped"] > 100
    assert parity["max_difference"] > 0.1


@pytest.mark.parametrize("swapped", ["trees.onnx", "trees.json"])
def test_trees_that_are_not_the_model_are_noticed(
    january_job: Job, february_job: Job, tmp_path: Path, swapped: str
) -> None:
    """The second export is compared too, bit by bit: each row that it answers otherwise counts."""
    job = replace(february_job, home=tmp_path)
    (tmp_path / "data").symlink_to(february_job.home / "data")
    shutil.copytree(february_job.home / "draft", tmp_path / "draft")
    path = tmp_path / "draft" / swapped
    if swapped == "trees.json":
        trees = json.loads(path.read_text())
        codes = trees["categories"][0]["codes"]
        codes["AA"], codes["UA"] = codes["UA"], codes["AA"]
        path.write_text(json.dumps(trees))
    else:
        shutil.copyfile(january_job.home / "draft" / swapped, path)
    parity = job.succeed("evaluate").read("model/metrics.json")["parity"]
    assert parity["flipped"] > 100
    assert parity["max_difference"] < 1e-5


def test_same_data_makes_the_same_model(january_job: Job, tmp_path: Path) -> None:
    """The same manifest, in any order, gives the same holdout, model and samples, byte by byte."""
    manifest = {**january_job.manifest, "files": january_job.manifest["files"][::-1]}
    again = replace(january_job, home=tmp_path, manifest=manifest).succeed("prepare", "train")
    assert again.read("data/prepared.json") == january_job.read("data/prepared.json")
    graphs = ("model.onnx", "trees.onnx", "trees.json")
    for name in (*graphs, "schema.json", "sample.json", "lineage.json"):
        first, second = (job.home / "draft" / name for job in (january_job, again))
        assert first.read_bytes() == second.read_bytes(), name
