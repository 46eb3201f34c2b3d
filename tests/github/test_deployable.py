"""What may be deployed: a real bare repository, and GitHub's API as a local server."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from tests.github.test_promotion import Project, project

__all__ = ["project"]

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / ".github" / "scripts"


def may(project: Project, commit: str, event: str = "workflow_run") -> tuple[int, str]:
    """Exit code and words of the script, as the workflow runs it."""
    environment = {
        **os.environ,
        "GITHUB_API_URL": project.api.url,
        "GITHUB_REPOSITORY": "noon/noon",
        "GITHUB_TOKEN": "token",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_OUTPUT": str(project.folder / "output"),
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "deployable.py"), "--commit", commit],
        cwd=project.folder / "clone",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_newest_green_commit_may_be_deployed(project: Project) -> None:
    """Once its images are there."""
    commit = project.commit("main", "Better")
    project.api.add_run(commit, "main")
    assert "there is no run of images.yml" in may(project, commit)[1]
    project.api.add_run(commit, "main", workflow="images.yml")
    assert may(project, commit)[0] == 0
    assert (project.folder / "output").read_text() == f"commit={commit}\n"


@pytest.mark.parametrize(
    ("workflow", "conclusion", "words"),
    [
        ("ci.yml", "failure", "the run of ci.yml on main"),
        ("images.yml", "failure", "the run of images.yml on main"),
    ],
)
def test_what_is_red_is_not_deployed(
    project: Project, workflow: str, conclusion: str, words: str
) -> None:
    """The refusal names the run."""
    commit = project.commit("main", "Better")
    project.api.add_run(commit, "main")
    project.api.add_run(commit, "main", conclusion, workflow)
    code, said = may(project, commit)
    assert (code, words in said, "is failure: https://" in said) == (1, True, True)
    assert not (project.folder / "output").exists()


def test_only_commits_of_main_that_ran_are_deployed(project: Project) -> None:
    """Neither one of another branch, nor one that nothing tested."""
    stranger = project.commit("test", "Not promoted")
    assert "is no commit of main" in may(project, stranger)[1]
    commit = project.commit("main", "Better")
    assert "there is no run of ci.yml" in may(project, commit)[1]


def test_an_overtaken_commit_is_deployed_only_by_hand(project: Project) -> None:
    """A late run must not bring old code back; a person may."""
    commit = project.commit("main", "Better")
    project.api.add_run(commit, "main")
    project.api.add_run(commit, "main", workflow="images.yml")
    project.commit("main", "Newer")
    code, said = may(project, commit)
    assert (code, "whose own run will deploy it" in said) == (1, True)
    assert may(project, commit, "workflow_dispatch")[0] == 0


def script(name: str) -> Any:
    """A script as a module."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = spec_from_file_location(name, SCRIPTS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    return module


@pytest.mark.parametrize("ends", [True, False])
def test_images_that_are_being_built_are_waited_for(project: Project, ends: bool) -> None:
    """Up to a deadline."""
    deployable = script("deployable")
    commit = project.commit("main", "Better")
    project.api.add_run(commit, "main")
    project.api.add_run(commit, "main", None, "images.yml")
    github = deployable.GitHub(
        {"GITHUB_API_URL": project.api.url, "GITHUB_REPOSITORY": "noon/noon", "GITHUB_TOKEN": "t"}
    )
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if ends:
            project.api.runs[-1] |= {"status": "completed", "conclusion": "success"}

    given = argparse.Namespace(
        branch="main", commit=commit, tested_by="ci.yml", wait_for="images.yml", by_hand=False
    )
    repository = deployable.Repository(project.folder / "clone")
    if ends:
        deployable.check(repository, github, given, wait)
        assert len(waited) == 1
    else:
        with pytest.raises(deployable.RefusedError, match=r"images\.yml .* is in_progress"):
            deployable.check(repository, github, given, wait)
        assert sum(waited) >= deployable.WAIT_SECONDS_MAX


def test_a_page_is_told_where_its_api_is(tmp_path: Path) -> None:
    """In its configuration, and in the rules that keep the browser from calling others."""
    command = [sys.executable, str(SCRIPTS / "point_site.py"), str(tmp_path), "--api"]
    missing = subprocess.run([*command, "https://x"], capture_output=True, text=True, check=False)
    assert (missing.returncode, "is not a built page" in missing.stderr) == (1, True)
    (tmp_path / "index.html").write_text("<html>")
    rules = tmp_path / "staticwebapp.config.json"
    rules.write_text('{"policy": "connect-src \'self\' ${NOON_API_ORIGIN}"}')
    subprocess.run([*command, "https://func.example.org"], check=True)
    assert (tmp_path / "config.json").read_text() == '{"apiUrl": "https://func.example.org"}\n'
    assert rules.read_text() == '{"policy": "connect-src \'self\' https://func.example.org"}'
    wrong = subprocess.run([*command, "func"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, "must be an origin" in wrong.stderr) == (2, True)


def test_the_package_holds_what_azure_needs_and_no_more(tmp_path: Path) -> None:
    """What is neither packed nor kept back by .funcignore would be forgotten in one of the two."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(clone)], check=True)
    subprocess.run(["make", "package", "COMMIT=HEAD"], cwd=clone, check=True)
    names = set(zipfile.ZipFile(clone / ".noon" / "package.zip").namelist())
    needed = {"host.json", "requirements.txt", "function_app.py", "function_app/__init__.py"}
    assert needed | {"models/flights.toml", "shared/bootstrap.py"} <= names
    packed = {name.partition("/")[0] for name in names}
    kept_back = (clone / ".funcignore").read_text().split()
    forgotten = [
        path.name
        for path in clone.iterdir()
        if path.name not in packed and not any(fnmatch(path.name, k.rstrip("/")) for k in kept_back)
    ]
    assert sorted(set(forgotten) - {"azure.yaml", "compose.yaml"}) == []
