"""The checkers are checked: each of many planted bugs is found by some seed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUGS = tomllib.loads(Path(__file__).with_name("planted.toml").read_text())["bug"]
SEEDS, DAYS = 3, 30
SEEDS_MAX = 60
"""For bugs that only show in what happens rarely; the first seed that finds one ends the search,
which begins where `seed` says."""
PLAY = (
    "import sys; from simulation.run import run_simulation; "
    "first, seeds = map(int, sys.argv[1:]); "
    f"played = dict(seeds=seeds, first=first, days={DAYS}, as_json=True, fail_fast=True); "
    "sys.exit(run_simulation(**played))"
)


def play(root: Path, first: int, seeds: int) -> tuple[int, str]:
    """Exit code and output of a short simulation with the sources of a folder."""
    run = subprocess.run(
        [sys.executable, "-c", PLAY, str(first), str(seeds)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    return run.returncode, run.stdout + run.stderr


def planted(text: str, old: str, new: str) -> str:
    """The text with the one place changed, however it is laid out."""
    tokens = re.findall(r"\w+|[^\w\s]", old)
    pattern = re.compile(r"\s*".join(re.escape(token) for token in tokens))
    changed, places = pattern.subn(lambda _: new, text)
    assert places == 1, f"{places} places look like {old!r}"
    return changed


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the code that is simulated and of the simulation."""
    for folder in ("shared", "simulation"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def test_there_are_enough_bugs() -> None:
    """So many different mistakes are planted."""
    assert len({bug["name"] for bug in BUGS}) == len(BUGS) >= 16


@pytest.mark.parametrize("bug", BUGS, ids=[bug["name"] for bug in BUGS])
def test_a_planted_bug_is_found(sources: Path, bug: dict[str, Any]) -> None:
    """A simulation that stays silent about a known mistake proves nothing."""
    path = sources / bug["file"]
    path.write_text(planted(path.read_text(), bug["old"], bug["new"]))
    code, output = play(sources, bug.get("seed", 1), SEEDS_MAX)
    assert code == 1, output
    (found,) = json.loads(output)["failed"]
    # Found by an invariant, not because the planted line cannot be run.
    assert found["invariant"] != "unforeseen", found


def test_the_sources_as_they_are_have_nothing_to_find(sources: Path) -> None:
    """The same short simulation is silent without a planted bug."""
    code, output = play(sources, 1, SEEDS)
    assert code == 0, output
