"""Model files: the real ones load, and every kind of mistake is refused by file and key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.model_files import load_model, load_models
from shared.domain.errors import SettingsError

ROOT = Path(__file__).parents[2]
FLIGHTS = (ROOT / "models" / "flights.toml").read_text()


def test_flights_load() -> None:
    """The model that ships is valid, and its local profile only shortens waiting."""
    azure = load_models(ROOT / "models")["flights"]
    local = load_models(ROOT / "models", "local")["flights"]
    assert azure.retraining.quiet == timedelta(minutes=2)
    assert local.retraining.quiet < azure.retraining.quiet
    assert (local.gate, local.training_spec) == (azure.gate, azure.training_spec)
    assert local.rollout.steps == azure.rollout.steps


def test_diabetes_loads_beside_flights() -> None:
    """The second table needs no code."""
    spec = load_model(ROOT / "examples" / "diabetes" / "diabetes.toml")
    assert (spec.name, spec.task) == ("diabetes", "regression")
    assert spec.training_spec["metric"] == "neg_mean_absolute_error"


def test_training_spec_holds_what_the_components_read() -> None:
    """Columns, target and parameters travel; policies stay with the control plane."""
    spec = load_models(ROOT / "models")["flights"].training_spec
    assert set(spec) == {
        "schema",
        "model",
        "task",
        "time_column",
        "holdout_days",
        "target",
        "features",
        "identifiers",
        "metric",
        "slices",
        "training",
        "evaluation",
    }


@pytest.mark.parametrize("serving", ["managed_endpoint", "container"])
def test_serving_kinds(tmp_path: Path, serving: str) -> None:
    """Both kinds are told from the file."""
    (tmp_path / "flights.toml").write_text(FLIGHTS.replace("managed_endpoint", serving))
    assert load_models(tmp_path)["flights"].serving == serving


MISTAKES: list[tuple[str, str, str, str]] = [
    ("no_toml", 'name = "flights"', "name = flights", "cannot be read"),
    ("bad_name", 'name = "flights"', 'name = "Flights!"', "name: String should match"),
    ("schema", "schema = 1", "schema = 2", "schema: Input should be 1"),
    ("task", '"classification"', '"ranking"', "'classification' or 'regression'"),
    ("typo", "quiet_seconds = 120", "quiet_secs = 120", "allowed are schedule, time_zone"),
    ("section", "[gate]", "[gates]", "gate: Field required"),
    ("negative", "quiet_seconds = 120", "quiet_seconds = -1", "retraining.quiet_seconds"),
    ("text", "holdout_days = 7", 'holdout_days = "7"', "data.holdout_days: Input should be"),
    ("cron", '"0 12 * * *"', '"0 25 * * *"', "retraining.schedule '0 25 * * *'"),
    ("six_fields", '"0 12 * * *"', '"0 0 12 * * *"', "five fields"),
    ("zone", "America/New_York", "America/Gotham", "time zone 'America/Gotham' is unknown"),
    ("kind", 'carrier = "category"', 'carrier = "text"', "features.carrier"),
    ("target_as_feature", 'target = "late"', 'target = "carrier"', "carrier cannot be a feature"),
    ("slice", 'slices = ["origin"]', 'slices = ["sky"]', "sky is not a feature"),
    ("steps", "[10, 50, 100]", "[50, 10]", "steps must rise and end with 100"),
    ("prefix", 'prefix = "flights/"', 'prefix = "/flights"', "data.prefix"),
    ("serving", '"managed_endpoint"', '"kubernetes"', "'managed_endpoint' or 'container'"),
]


@pytest.mark.parametrize(
    ("name", "old", "new", "words"), MISTAKES, ids=[row[0] for row in MISTAKES]
)
def test_mistakes_are_refused_by_name(
    tmp_path: Path, name: str, old: str, new: str, words: str
) -> None:
    """A broken file stops the start with file, key and what is allowed."""
    assert old in FLIGHTS
    path = tmp_path / "broken.toml"
    path.write_text(FLIGHTS.replace(old, new, 1))
    with pytest.raises(SettingsError) as refused:
        load_models(tmp_path)
    assert str(path) in str(refused.value)
    assert words in str(refused.value)


def test_profiles_are_checked_too(tmp_path: Path) -> None:
    """A typo in a profile is as wrong as one above it."""
    path = tmp_path / "flights.toml"
    path.write_text(FLIGHTS + "\n[profiles.test.rollout]\nsmoke = 1\n")
    load_models(tmp_path)
    with pytest.raises(SettingsError, match=r"rollout\.smoke.*allowed are steps"):
        load_models(tmp_path, "test")


def test_same_name_twice(tmp_path: Path) -> None:
    """Two files for one model would be a coin toss."""
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(FLIGHTS)
    with pytest.raises(SettingsError, match="another file"):
        load_models(tmp_path)


def test_no_model_at_all(tmp_path: Path) -> None:
    """A folder without models is a wrong folder."""
    with pytest.raises(SettingsError, match="no model file"):
        load_models(tmp_path)
