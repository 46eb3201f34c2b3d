"""The function app as a host sees it: layout, import cost, settings."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import Settings

ROOT = Path(__file__).parents[2]
SAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
HEAVY = ("azure.ai.ml", "numpy", "pandas", "aiohttp", "azure.identity", "azure.storage.blob")
FUNCTIONS = {
    "daily_training": "timerTrigger",
    "tick": "timerTrigger",
    "data_landed": "eventGridTrigger",
    "job_finished": "eventGridTrigger",
    "reconcile": "queueTrigger",
    "health": "httpTrigger",
    "predict": "httpTrigger",
    "train": "httpTrigger",
    "rollout": "httpTrigger",
    "why": "httpTrigger",
    "alerts": "httpTrigger",
    "tell": "queueTrigger",
    "openapi": "httpTrigger",
    "models": "httpTrigger",
    "model": "httpTrigger",
    "model_schema": "httpTrigger",
    "model_versions": "httpTrigger",
    "model_runs": "httpTrigger",
    "model_rollout": "httpTrigger",
    "model_decisions": "httpTrigger",
}
"""Every function of the app, with the kind of its trigger."""


def run_python(code: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, with the sample's settings and the changes."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | SAMPLE | changes
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_marker_is_a_docstring_only() -> None:
    """The worker wants the file and never runs it: code there would be dead."""
    (only,) = ast.parse((ROOT / "function_app.py").read_text()).body
    assert isinstance(only, ast.Expr)
    assert (ROOT / "host.json").exists()


def test_import_is_light() -> None:
    """Importing the app loads no Azure ML SDK, no numpy and no client library."""
    code = f"import function_app, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    ran = run_python(code)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"


def test_functions_are_those_of_the_design() -> None:
    """Every trigger is there, with its kind and its place."""
    code = (
        "import json, function_app as f\n"
        "print(json.dumps({x.get_function_name(): x.get_trigger().get_dict_repr() "
        "for x in f.app.get_functions()}, default=str))"
    )
    ran = run_python(code)
    assert ran.returncode == 0, ran.stderr
    triggers = json.loads(ran.stdout)
    kinds = {name: trigger["type"] for name, trigger in triggers.items()}
    assert kinds == FUNCTIONS
    assert triggers["daily_training"]["schedule"] == "%TRAINING_SCHEDULE%"
    assert triggers["tick"]["schedule"] == "%TICK_SCHEDULE%"
    assert "ANONYMOUS" in triggers["health"]["authLevel"]
    assert "FUNCTION" in triggers["predict"]["authLevel"]
    assert "FUNCTION" in triggers["train"]["authLevel"]
    assert "FUNCTION" in triggers["why"]["authLevel"]
    assert "FUNCTION" in triggers["alerts"]["authLevel"]
    assert triggers["tell"]["queueName"] == "%NOON_NOTICES_QUEUE_NAME%"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NOON_WORKSPACE", "", "NOON_WORKSPACE"),
        ("NOON_TABLE_URL", "http://127.0.0.1:10002/a", "NOON_TABLE_URL"),
        ("NOON_LEASE_SECONDS", "5", "NOON_LEASE_SECONDS"),
        ("NOON_PROFILE", "prod", "NOON_PROFILE"),
        ("NOON_GITHUB_REPOSITORY", "noon", "NOON_GITHUB_REPOSITORY"),
        ("NOON_GITHUB_REPOSITORY", "a/noon", "NOON_GITHUB_PRIVATE_KEY"),
        ("NOON_EVENTS_TOPIC_URL", "http://t.example.org/api/events", "NOON_EVENTS_TOPIC_URL"),
        ("NOON_MODELS_DIR", "nowhere", "no model file"),
    ],
)
def test_wrong_settings_stop_the_start(name: str, value: str, words: str) -> None:
    """A wrong setting is named before the first function is shown."""
    ran = run_python("import function_app", **{name: value})
    assert ran.returncode != 0
    assert words in ran.stderr.splitlines()[-1]


def test_container_without_an_address_stops_the_start(tmp_path: Path) -> None:
    """A model that nobody could ask is found out before anything starts."""
    flights = (ROOT / "models" / "flights.toml").read_text()
    (tmp_path / "flights.toml").write_text(flights.replace("managed_endpoint", "container"))
    ran = run_python("import shared.bootstrap as b; b.runtime()", NOON_MODELS_DIR=str(tmp_path))
    assert ran.returncode != 0
    assert 'NOON_CONTAINER_URL: flights has serving = "container"' in ran.stderr


def test_sample_holds_every_setting() -> None:
    """What the settings class knows stands in the sample, and nothing else of that name."""
    fields = Settings.model_fields
    known = {f"NOON_{name.upper()}" for name in fields if not fields[name].validation_alias}
    assert known == {name for name in SAMPLE if name.startswith("NOON_")}


def test_what_was_loaded_is_not_looked_through_again() -> None:
    """The garbage collector of a worker process leaves the imports alone and comes seldom."""
    ran = run_python(
        "import function_app, gc; print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0])"
    )
    assert ran.stdout.split() == ["True", "50000"], ran.stderr
