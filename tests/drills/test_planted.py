"""Bugs that are planted into a copy of the sources, each found by the drill that it names."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUGS: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("planted.toml").read_text(encoding="utf-8")
)
COPIED = ("shared", "simulation", "training_components")
PLAY = """
import dataclasses, json, sys
from simulation.drills.sets import play
chosen = set(sys.argv[2:])
results = [dataclasses.asdict(each) for each in play(sys.argv[1], chosen)]
print(json.dumps(results))
"""


def played(root: Path, name: str, drills: list[str]) -> dict[str, bool]:
    """Which of these drills pass with the sources of that folder."""
    done = subprocess.run(
        [sys.executable, "-c", PLAY, name, *drills],
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return {result["name"]: result["passed"] for result in json.loads(done.stdout)}


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the drills run."""
    copy = tmp_path_factory.mktemp("sources")
    for name in COPIED:
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    return copy


@pytest.mark.parametrize("name", BUGS)
def test_planted_bug_is_found(sources: Path, tmp_path: Path, name: str) -> None:
    """The drills that the bug breaks, which all pass without it, miss with it."""
    bug = BUGS[name]
    copy = tmp_path / "copy"
    shutil.copytree(sources, copy)
    file = copy / bug["file"]
    text = file.read_text(encoding="utf-8")
    assert text.count(bug["code"]) == 1, "the code to replace is there once"
    file.write_text(text.replace(bug["code"], bug["instead"]), encoding="utf-8")
    assert played(copy, bug["set"], bug["found_by"]) == dict.fromkeys(bug["found_by"], False)


def test_copied_sources_pass(sources: Path) -> None:
    """It is the bug that makes a drill miss, not the copying."""
    assert played(sources, "rollout", ["errors at 10 %"]) == {"errors at 10 %": True}
