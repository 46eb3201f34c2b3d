"""Jobs over real data that several tests of the training components look at."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from examples import diabetes, flights
from tests.training.steps import ROOT, Job, manifest_of, spec_of


@pytest.fixture(scope="session")
def january_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing folder with the flights of January."""
    landing = tmp_path_factory.mktemp("january")
    flights.write_days(date(2013, 1, 1), date(2013, 1, 31), landing / "flights")
    return landing


@pytest.fixture(scope="session")
def january_job(january_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """January trained and judged, with no champion yet."""
    job = Job(
        home=tmp_path_factory.mktemp("january-job"),
        landing=january_landing,
        spec=spec_of(ROOT / "models" / "flights.toml"),
        manifest=manifest_of(january_landing, "flights"),
    )
    return job.succeed("prepare", "train", "evaluate")


@pytest.fixture(scope="session")
def diabetes_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing folder with the diabetes table."""
    landing = tmp_path_factory.mktemp("diabetes")
    diabetes.write_days(landing / "diabetes")
    return landing


@pytest.fixture(scope="session")
def diabetes_job(diabetes_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The diabetes table trained and judged, with no champion yet."""
    job = Job(
        home=tmp_path_factory.mktemp("diabetes-job"),
        landing=diabetes_landing,
        spec=spec_of(ROOT / "examples" / "diabetes" / "diabetes.toml"),
        manifest=manifest_of(diabetes_landing, "diabetes"),
        name="diabetes-order-20240127t0800-a1",
    )
    return job.succeed("prepare", "train", "evaluate")
