"""`make demo`: the whole story without a terminal, and one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from azure_emulator.testing import listening

from noon.home import Home

pytestmark = pytest.mark.e2e

Cli = Callable[..., CompletedProcess[str]]


def test_the_demo_ends_with_its_figures(noon_cli: Cli, cli_home: Path) -> None:
    """A script gets exactly one line, with what landed, what was trained and what it says."""
    shown = noon_cli("up", "--demo", "--days", "10", "--timeout", "200", seconds=240)
    assert shown.returncode == 0, shown.stderr
    [line] = shown.stdout.splitlines()
    figures = json.loads(line)
    assert (figures["model"], figures["version"]) == ("flights", 1)
    assert figures["deployment"] == "v1-e1"
    assert figures["rows_landed"] == figures["trained_rows"] + figures["holdout_rows"]
    assert figures["holdout_metric"]["value"] > 0.5
    assert 0 < figures["interval"]["low"] <= figures["interval"]["high"]
    easy, hard = (figures["predictions"][name] for name in ("easy", "hard"))
    assert easy["row"]["departure_minute"] < hard["row"]["departure_minute"]
    for prediction in (easy, hard):
        assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    assert figures["seconds"] > 0
    record = Home(cli_home / "demo").record()
    assert record is not None
    assert [port for port in record.ports.values() if listening(port)] == []


def test_a_demo_without_time_says_where_it_was(noon_cli: Cli) -> None:
    """A build that fails says at which stage, and leaves nothing running."""
    shown = noon_cli("up", "--demo", "--days", "10", "--timeout", "1")
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert "no prediction in time, still at" in shown.stderr
    assert "Traceback" not in shown.stderr
