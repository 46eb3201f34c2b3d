"""A second table, a regression, through the same components."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.steps import Job


def test_regression_beats_the_mean(diabetes_job: Job) -> None:
    """The components know nothing of flights: a regression is trained and judged as well."""
    metrics = diabetes_job.read("model/metrics.json")
    assert metrics["task"] == "regression"
    assert metrics["metric"] == {"name": "neg_mean_absolute_error", "higher_is_better": True}
    assert metrics["baseline"]["name"] == "mean"
    assert metrics["versus_baseline"]["low"] > 0
    assert metrics["parity"]["flipped"] == 0
    assert diabetes_job.read("model/schema.json")["classes"] is None


@pytest.fixture(scope="module")
def narrower_job(diabetes_job: Job, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A later job whose toml made the feature s6 an identifier; the champion still needs it."""
    features = {name: kind for name, kind in diabetes_job.spec["features"].items() if name != "s6"}
    spec = {**diabetes_job.spec, "features": features, "identifiers": ["s6"]}
    job = replace(
        diabetes_job,
        home=tmp_path_factory.mktemp("narrower"),
        spec=spec,
        earlier={"champion": str(diabetes_job.home / "model"), "champion_version": "3"},
    )
    return job.succeed("prepare", "train", "evaluate")


def test_champion_with_an_older_column_is_scored(diabetes_job: Job, narrower_job: Job) -> None:
    """A champion that needs a column which is no feature any more is judged while files have it."""
    before = diabetes_job.read("model/metrics.json")
    after = narrower_job.read("model/metrics.json")
    assert after["champion"] == {"version": "3", "value": before["challenger"]["value"]}
    assert after["versus_champion"] is not None
    assert narrower_job.read("model/lineage.json")["notes"] == []


def test_champion_whose_column_is_gone_is_null_with_a_reason(
    narrower_job: Job, tmp_path: Path
) -> None:
    """A champion that cannot be scored is not left out: its value is null and a note says why."""
    job = replace(narrower_job, home=tmp_path)
    (tmp_path / "draft").symlink_to(narrower_job.home / "draft")
    (tmp_path / "data").mkdir()
    for name in ("prepared.json", "train.npz"):
        (tmp_path / "data" / name).symlink_to(narrower_job.home / "data" / name)
    with np.load(narrower_job.home / "data" / "holdout.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files if name != "column:s6"}
    np.savez(tmp_path / "data" / "holdout.npz", **kept)
    ran = job.step("evaluate")
    assert ran.code == 0, ran.errors
    metrics = job.read("model/metrics.json")
    assert metrics["champion"] == {"version": "3", "value": None}
    assert metrics["versus_champion"] is None
    reason = "version 3 cannot be scored: it needs columns that the data lacks: s6"
    assert job.read("model/lineage.json")["notes"] == [reason]
    assert reason in ran.errors


def test_champion_folder_without_a_model_is_null_with_a_reason(
    diabetes_job: Job, narrower_job: Job, tmp_path: Path
) -> None:
    """A champion folder without a model is neither no champion nor one of value zero."""
    (tmp_path / "empty").mkdir()
    job = replace(narrower_job, home=tmp_path, earlier={})
    for name in ("data", "draft"):
        (tmp_path / name).symlink_to(narrower_job.home / name)
    job.succeed("evaluate", champion=tmp_path / "empty", champion_version="4")
    assert job.read("model/metrics.json")["champion"] == {"version": "4", "value": None}
    assert "0 files named schema.json" in job.read("model/lineage.json")["notes"][0]
    shutil.copytree(diabetes_job.home / "model", tmp_path / "nested" / "diabetes")
    job.succeed("evaluate", champion=tmp_path / "nested", champion_version="3")
    assert job.read("model/metrics.json")["champion"]["value"] is not None
    (tmp_path / "nested" / "diabetes" / "model.onnx").write_bytes(b"no graph")
    job.succeed("evaluate", champion=tmp_path / "nested", champion_version="3")
    assert job.read("model/metrics.json")["champion"] == {"version": "3", "value": None}
    assert "it does not load" in job.read("model/lineage.json")["notes"][0]


def test_a_model_without_its_version_is_refused(narrower_job: Job, tmp_path: Path) -> None:
    """What cannot be named in the decision is not compared with."""
    job = replace(narrower_job, home=tmp_path, earlier={"anchor": str(tmp_path)})
    ran = job.step("evaluate")
    assert ran.code == 2
    assert "--anchor and --anchor-version belong together" in ran.errors


def test_small_slices_have_no_interval(narrower_job: Job, tmp_path: Path) -> None:
    """A slice with too few rows has a value, and no difference that could stop a promotion."""
    evaluation = {**narrower_job.spec["evaluation"], "slice_rows_min": 1000}
    spec = {**narrower_job.spec, "evaluation": evaluation}
    job = replace(narrower_job, home=tmp_path, spec=spec)
    for name in ("data", "draft"):
        (tmp_path / name).symlink_to(narrower_job.home / name)
    slices = job.succeed("evaluate").read("model/metrics.json")["slices"]
    assert [(part["column"], part["value"]) for part in slices] == [("sex", "1"), ("sex", "2")]
    assert all(part["challenger"] < 0 and part["difference"] is None for part in slices)
    assert all(part["difference"] for part in narrower_job.read("model/metrics.json")["slices"])
