"""Where scoring containers may be, and which tokens they must take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.application.retention import DECISION_DAYS
from shared.domain.errors import SettingsError
from shared.settings import load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The sample's settings in the environment."""
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


TAKEN = [
    ("", "", None),
    ("http://127.0.0.1:8000", "", None),
    ("http://10.1.2.3:8000/", "", None),
    ("http://localhost:8000", "", None),
    ("http://score-{model}:8000", "", None),
    ("https://10.1.2.3", "", None),
    ("https://score-{model}.example.org", "api://noon", "api://noon/.default"),
]


@pytest.mark.parametrize(("url", "audience", "scope"), TAKEN)
def test_addresses_that_are_taken(
    sample: pytest.MonkeyPatch, url: str, audience: str, scope: str | None
) -> None:
    """TLS anywhere with a token; in the own network also without either."""
    sample.setenv("NOON_CONTAINER_URL", url)
    sample.setenv("NOON_CONTAINER_AUDIENCE", audience)
    settings = load_settings()
    assert settings.container_url == url.rstrip("/")
    assert settings.container_scope == scope


REFUSED = [
    ("http://score.example.org", "api://noon", "NOON_CONTAINER_URL: .*use https://"),
    ("http://8.8.8.8", "api://noon", "NOON_CONTAINER_URL: .*use https://"),
    ("score.example.org", "api://noon", "NOON_CONTAINER_URL: .*must be an address"),
    ("ftp://10.1.2.3", "", "NOON_CONTAINER_URL: .*must be an address"),
    ("https://score.example.org", "", "NOON_CONTAINER_AUDIENCE is needed"),
]


@pytest.mark.parametrize(("url", "audience", "words"), REFUSED)
def test_addresses_that_are_refused(
    sample: pytest.MonkeyPatch, url: str, audience: str, words: str
) -> None:
    """Rows do not travel in the clear, nor to a stranger who asks for no token."""
    sample.setenv("NOON_CONTAINER_URL", url)
    sample.setenv("NOON_CONTAINER_AUDIENCE", audience)
    with pytest.raises(SettingsError, match=words):
        load_settings()


def test_decisions_are_kept_as_long_as_the_settings_say(sample: pytest.MonkeyPatch) -> None:
    """More than a year unless it is said otherwise, and never no time at all."""
    sample.delenv("NOON_DECISION_DAYS")
    assert load_settings().decision_days == DECISION_DAYS
    sample.setenv("NOON_DECISION_DAYS", "0")
    with pytest.raises(SettingsError, match="NOON_DECISION_DAYS"):
        load_settings()
