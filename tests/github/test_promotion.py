"""Promotion between branches: real bare repositories, and GitHub's API as a local server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".github" / "scripts" / "promote.py"
COMMAND = (
    *(sys.executable, str(SCRIPT), "--source", "test", "--target", "main"),
    *("--grace-seconds", "0"),
)
WORKFLOWS = "/repos/noon/noon/actions/workflows"


@dataclass
class Api:
    """What GitHub would answer about workflow runs, with its published field names."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    dispatches: list[str] = field(default_factory=list)
    workflows: list[str] = field(default_factory=list)
    """Those that were dispatched."""
    starts: bool = True
    heads: Any = None
    url: str = ""

    def add_run(
        self,
        commit: str,
        branch: str,
        conclusion: str | None = "success",
        workflow: str = "ci.yml",
    ) -> None:
        """Let a run of a workflow exist."""
        number = len(self.runs) + 1
        self.runs.append(
            {
                "id": number,
                "path": f".github/workflows/{workflow}",
                "run_number": number,
                "run_attempt": 1,
                "head_sha": commit,
                "head_branch": branch,
                "status": "completed" if conclusion else "in_progress",
                "conclusion": conclusion,
                "html_url": f"https://github.com/noon/noon/actions/runs/{number}",
            }
        )

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Give status and body of one call."""
        parts = urlsplit(path)
        workflow, _, what = parts.path.removeprefix(f"{WORKFLOWS}/").partition("/")
        if (method, what) == ("GET", "runs"):
            asked = parse_qs(parts.query)
            runs = [
                run
                for run in reversed(self.runs)
                if run["path"].endswith(f"/{workflow}")
                and [run["head_sha"]] == asked["head_sha"]
                and [run["head_branch"]] == asked["branch"]
            ]
            return 200, {"total_count": len(runs), "workflow_runs": runs}
        if (method, what) == ("POST", "dispatches"):
            self.dispatches.append(body["ref"])
            self.workflows.append(workflow)
            if self.starts:
                self.add_run(self.heads(body["ref"]), body["ref"], None, workflow)
            return 204, None
        return 404, {"message": "Not Found"}


def serve(api: Api) -> ThreadingHTTPServer:
    """Serve the API on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = api.answer(self.command, self.path, body)
            self.send_response(status)
            self.end_headers()
            if answer is not None:
                self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = _do  # noqa: N815 - the names that the server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever).start()
    return server


@dataclass
class Project:
    """A bare repository with the branches development, test and main, and a clone of it."""

    folder: Path
    api: Api

    @property
    def remote(self) -> Path:
        """The bare repository."""
        return self.folder / "remote.git"

    def git(self, *arguments: str, where: str = "clone") -> str:
        """Run git and give what it printed."""
        identity = {
            f"GIT_{who}_{what}": f"{who.lower()}@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder / where,
            env={**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def commit(self, branch: str, subject: str) -> str:
        """Commit on a branch, push it, give the commit."""
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "--quiet", "-B", branch, f"origin/{branch}")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        self.git("push", "--quiet", "origin", branch)
        return self.git("rev-parse", "HEAD")

    def head(self, branch: str) -> str:
        """Give where a branch of the remote is."""
        return self.git("rev-parse", f"refs/heads/{branch}", where="remote.git")

    def promote(self, commit: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run the script as the workflow does."""
        environment = {
            **os.environ,
            "GITHUB_API_URL": self.api.url,
            "GITHUB_REPOSITORY": "noon/noon",
            "GITHUB_TOKEN": "token",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
        }
        return subprocess.run(
            [*COMMAND, "--commit", commit, *more],
            cwd=self.folder / "clone",
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project whose main and test are at one commit."""
    api = Api()
    server = serve(api)
    project = Project(tmp_path, api)
    api.heads = project.head
    (tmp_path / "clone").mkdir()
    project.git("init", "--quiet", "--bare", "-b", "main", str(project.remote))
    project.git("clone", "--quiet", str(project.remote), ".")
    project.git("commit", "--quiet", "--allow-empty", "-m", "First")
    project.git("push", "--quiet", "origin", "HEAD:refs/heads/main", "HEAD:refs/heads/test")
    yield project
    server.shutdown()
    server.server_close()


def test_a_green_commit_moves_main_on_and_its_workflow_starts(project: Project) -> None:
    """Fast-forward to exactly that commit."""
    commit = project.commit("test", "Better")
    project.api.add_run(commit, "test")
    done = project.promote(commit)
    assert done.returncode == 0, done.stderr
    assert project.head("main") == commit
    assert project.api.dispatches == ["main"]
    assert "main moved on from" in (project.folder / "summary.md").read_text()
    assert (project.folder / "output").read_text() == "outcome=promoted\n"


def test_the_same_promotion_again_changes_nothing(project: Project) -> None:
    """Neither the branch nor the runs."""
    commit = project.commit("test", "Better")
    project.api.add_run(commit, "test")
    project.promote(commit)
    again = project.promote(commit)
    assert (again.returncode, project.api.dispatches) == (0, ["main"])
    assert "was there already" in again.stdout


@pytest.mark.parametrize(
    ("conclusion", "words"), [("failure", "is failure"), (None, "is in_progress")]
)
def test_a_run_that_is_not_green_promotes_nothing(
    project: Project, conclusion: str | None, words: str
) -> None:
    """The refusal names the run."""
    before = project.head("main")
    commit = project.commit("test", "Worse")
    project.api.add_run(commit, "test", conclusion)
    done = project.promote(commit)
    assert (done.returncode, project.head("main")) == (1, before)
    assert words in done.stderr
    assert "/actions/runs/1" in done.stderr


def test_a_rerun_that_failed_counts_more_than_the_run_before(project: Project) -> None:
    """The newest run of the commit decides."""
    commit = project.commit("test", "Flaky")
    project.api.add_run(commit, "test")
    project.api.add_run(commit, "test", "failure")
    assert project.promote(commit).returncode == 1


def test_the_green_run_of_another_commit_or_branch_does_not_count(project: Project) -> None:
    """Green is green for exactly this commit of this branch."""
    other = project.commit("test", "Tested")
    project.api.add_run(other, "test")
    commit = project.commit("test", "Not tested")
    project.api.add_run(commit, "development")
    done = project.promote(commit)
    assert done.returncode == 1
    assert "there is no run of ci.yml on test" in done.stderr


def test_a_commit_that_was_overtaken_is_not_promoted(project: Project) -> None:
    """The newer one has a run of its own."""
    commit = project.commit("test", "Tested")
    project.api.add_run(commit, "test")
    newer = project.commit("test", "Newer")
    done = project.promote(commit)
    assert done.returncode == 1
    assert f"test has moved on to {newer[:12]}" in done.stderr
    assert project.head("main") != commit


def test_a_main_that_went_its_own_way_is_never_forced(project: Project) -> None:
    """The refusal names what is only there."""
    hotfix = project.commit("main", "Hotfix on main")
    commit = project.commit("test", "Better")
    project.api.add_run(commit, "test")
    done = project.promote(commit)
    assert (done.returncode, project.head("main")) == (1, hotfix)
    assert "Hotfix on main" in done.stderr


def test_a_protected_branch_says_why(project: Project) -> None:
    """What the remote says is passed on."""
    hook = project.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed'\nexit 1\n")
    commit_before = project.head("main")
    hook.chmod(0o644)  # not executable: pushes of the test itself still pass
    commit = project.commit("test", "Better")
    hook.chmod(0o755)
    project.api.add_run(commit, "test")
    done = project.promote(commit)
    assert (done.returncode, project.head("main")) == (1, commit_before)
    assert "GH006: Protected branch update failed" in done.stderr


def test_two_promotions_at_once_are_one(project: Project) -> None:
    """Both end well, and main is where it should be."""
    commit = project.commit("test", "Better")
    project.api.add_run(commit, "test")
    results: list[int] = []
    copies = [project.folder / name for name in ("one", "two")]
    for copy in copies:
        project.git("clone", "--quiet", str(project.remote), str(copy))

    def run(copy: Path) -> None:
        environment = {
            **os.environ,
            "GITHUB_API_URL": project.api.url,
            "GITHUB_REPOSITORY": "noon/noon",
            "GITHUB_TOKEN": "token",
        }
        command = [*COMMAND, "--commit", commit]
        done = subprocess.run(command, cwd=copy, env=environment, timeout=60, check=False)
        results.append(done.returncode)

    threads = [threading.Thread(target=run, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0, 0]
    assert project.head("main") == commit


def test_every_workflow_of_the_target_is_started(project: Project) -> None:
    """The tests and the images, each for exactly the commit."""
    commit = project.commit("test", "Better")
    project.api.add_run(commit, "test")
    done = project.promote(commit, "--workflow", "ci.yml", "--workflow", "images.yml")
    assert done.returncode == 0, done.stderr
    assert project.api.workflows == ["ci.yml", "images.yml"]
    started = [run for run in project.api.runs if run["head_branch"] == "main"]
    assert [run["head_sha"] for run in started] == [commit, commit]


def in_process(project: Project, wait: Callable[[float], None]) -> str:
    """Promote the newest commit with a time that is handed in."""
    script = loaded()
    environment = {"GITHUB_API_URL": project.api.url, "GITHUB_REPOSITORY": "noon/noon"}
    github = script.GitHub(environment | {"GITHUB_TOKEN": "token"})
    promotion = script.Promotion("test", "main", project.head("test"), ("ci.yml",), "ci.yml")
    repository = script.Repository(project.folder / "clone")
    said: str = script.promote(promotion, repository, github, wait)
    return said


def loaded() -> Any:
    """The script as a module."""
    spec = spec_from_file_location("promote", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    sys.modules["promote"] = script
    spec.loader.exec_module(script)
    return script


def test_a_run_that_the_push_starts_is_not_started_twice(project: Project) -> None:
    """GitHub takes some seconds from a push to its run."""
    commit = project.commit("test", "Better")
    project.api.add_run(commit, "test")
    in_process(project, lambda _: project.api.add_run(commit, "main", None))
    assert project.api.dispatches == []


def test_a_workflow_that_does_not_start_is_told(project: Project) -> None:
    """The branch has moved, and somebody must look."""
    commit = project.commit("test", "Better")
    project.api.add_run(commit, "test")
    project.api.starts = False
    waits: list[float] = []
    with pytest.raises(Exception, match=r"no run of ci\.yml started"):
        in_process(project, waits.append)
    assert sum(waits) >= 120
    assert project.api.dispatches == ["main"]
    assert project.head("main") == commit


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--commit", "abc"], "full id"), ([], "--commit")],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], words: str) -> None:
    """In a sentence."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
