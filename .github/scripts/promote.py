"""Moves a branch on to a commit that was tested, and sees to it that the next workflow starts.

    python .github/scripts/promote.py --source test --target main --commit SHA \\
        --workflow ci.yml --workflow images.yml

It refuses, with the reason, unless the run of the source branch is green for exactly that commit,
the commit is still the newest of the source, and the target can be fast-forwarded to it. A push
made with the workflow's own token starts no workflow: what the push did not start within the grace
is started by name, and the script waits until a run of each workflow exists for the commit.

Environment: GITHUB_REPOSITORY (owner/name), GITHUB_TOKEN, GITHUB_API_URL; GITHUB_STEP_SUMMARY and
GITHUB_OUTPUT are written when they are set. Needs git and a clone whose remote is `origin`.

Exit codes: 0 promoted or promoted before, 1 refused or not started, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STARTED_SECONDS_MAX = 120.0
GRACE_SECONDS = 20.0
POLL_SECONDS = 3.0
ANSWER_SECONDS = 30.0


class RefusedError(Exception):
    """The promotion must not happen; the text says why and what to do."""


@dataclass(frozen=True)
class Promotion:
    """What is to be promoted where."""

    source: str
    target: str
    commit: str
    workflows: tuple[str, ...]
    tested_by: str
    grace_seconds: float = GRACE_SECONDS

    def __str__(self) -> str:
        """Give a line for people."""
        return f"{self.source} → {self.target} at {self.commit[:12]}"


class Repository:
    """The clone that the script runs in, and its remote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, *branches: str) -> None:
        """Learn where the branches are; raises RefusedError when one does not exist."""
        refs = [f"+refs/heads/{name}:refs/remotes/origin/{name}" for name in branches]
        done = self._git("fetch", "--quiet", "--no-tags", "origin", *refs)
        if done.returncode:
            raise RefusedError(f"the branches cannot be fetched: {_last_line(done.stderr)}")

    def head(self, branch: str) -> str:
        """Give the commit that a fetched branch is at."""
        done = self._git("rev-parse", "--verify", f"refs/remotes/origin/{branch}")
        if done.returncode:
            raise RefusedError(f"there is no branch {branch}")
        return done.stdout.strip()

    def contains(self, newer: str, older: str) -> bool:
        """Tell whether one commit is another's descendant, or the same."""
        return self._git("merge-base", "--is-ancestor", older, newer).returncode == 0

    def only_in(self, branch: str, commit: str) -> list[str]:
        """Give the subjects of what a branch has and a commit lacks."""
        log = self._git("log", "--oneline", "--max-count=5", f"{commit}..origin/{branch}")
        return log.stdout.splitlines()

    def push(self, commit: str, branch: str) -> str:
        """Move a remote branch on to a commit, never back; give why not, or nothing."""
        done = self._git("push", "--porcelain", "origin", f"{commit}:refs/heads/{branch}")
        return "" if done.returncode == 0 else _reason(done.stdout + done.stderr)

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own arguments
            ["git", *arguments],  # noqa: S607 - the runner's git
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )


class GitHub:
    """The few calls of GitHub's REST API that a promotion needs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        base = environment.get("GITHUB_API_URL", "https://api.github.com")
        self._base = f"{base}/repos/{environment['GITHUB_REPOSITORY']}/actions/workflows"
        self._token = environment["GITHUB_TOKEN"]

    def runs(self, workflow: str, commit: str, branch: str) -> list[dict[str, Any]]:
        """Give the runs of a workflow for exactly this commit of this branch, newest first."""
        query = f"head_sha={commit}&branch={branch}&per_page=20"
        found = self._call("GET", f"{workflow}/runs?{query}")["workflow_runs"]
        return [run for run in found if run["head_sha"] == commit]

    def start(self, workflow: str, branch: str) -> None:
        """Start a workflow on a branch."""
        self._call("POST", f"{workflow}/dispatches", {"ref": branch})

    def _call(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the API's own address
            f"{self._base}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "authorization": f"Bearer {self._token}",
                "accept": "application/vnd.github+json",
                "x-github-api-version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                content = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")[:300]
            raise RefusedError(f"GitHub answered {error.code} to {method} {path}: {text}") from None
        except OSError as error:
            raise RefusedError(f"GitHub cannot be reached: {error}") from None
        return json.loads(content) if content else None


def promote(
    promotion: Promotion,
    repository: Repository,
    github: GitHub,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Promote, and give what happened; raises RefusedError with the reason when it must not."""
    repository.fetch(promotion.source, promotion.target)
    _check_green(promotion, github)
    newest = repository.head(promotion.source)
    if newest != promotion.commit:
        raise RefusedError(
            f"{promotion.source} has moved on to {newest[:12]}: its own run will promote it"
        )
    before = repository.head(promotion.target)
    if before == promotion.commit:
        _start(promotion, github, wait)
        return f"{promotion.target} was there already"
    if not repository.contains(promotion.commit, before):
        strangers = "; ".join(repository.only_in(promotion.target, promotion.commit))
        raise RefusedError(
            f"{promotion.target} has what {promotion.source} has not: {strangers}. Merge "
            f"{promotion.target} into {promotion.source} first; nothing is ever forced"
        )
    _push(promotion, repository)
    _start(promotion, github, wait)
    return f"{promotion.target} moved on from {before[:12]}"


def newest_run(runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Give the run that counts: the newest, and of that the newest attempt."""
    return max(runs, key=lambda run: (run["run_number"], run.get("run_attempt", 1)), default=None)


def _check_green(promotion: Promotion, github: GitHub) -> None:
    runs = github.runs(promotion.tested_by, promotion.commit, promotion.source)
    where = f"{promotion.tested_by} on {promotion.source} for {promotion.commit[:12]}"
    newest = newest_run(runs)
    if newest is None:
        raise RefusedError(f"there is no run of {where}")
    if newest["status"] != "completed":
        raise RefusedError(f"the run of {where} is {newest['status']}: {newest['html_url']}")
    if newest["conclusion"] != "success":
        raise RefusedError(f"the run of {where} is {newest['conclusion']}: {newest['html_url']}")


def _push(promotion: Promotion, repository: Repository) -> None:
    problem = repository.push(promotion.commit, promotion.target)
    if not problem:
        return
    repository.fetch(promotion.target)
    now = repository.head(promotion.target)
    if now == promotion.commit:
        return  # Somebody else promoted the same commit at the same time.
    if repository.contains(now, promotion.commit):
        raise RefusedError(f"{promotion.target} is further already, at {now[:12]}")
    raise RefusedError(f"the push to {promotion.target} was refused: {problem}")


def _start(promotion: Promotion, github: GitHub, wait: Callable[[float], None]) -> None:
    """See to it that each of the target's workflows runs for exactly the commit."""
    for workflow in promotion.workflows:
        _start_one(promotion, workflow, github, wait)


def _start_one(
    promotion: Promotion, workflow: str, github: GitHub, wait: Callable[[float], None]
) -> None:
    """Wait for the run that the push starts; after the grace start one, and wait for that."""
    commit, target = promotion.commit, promotion.target
    waited, asked = 0.0, False
    while waited <= STARTED_SECONDS_MAX:
        if github.runs(workflow, commit, target):
            return
        if waited >= promotion.grace_seconds and not asked:
            github.start(workflow, target)
            asked = True
            continue
        wait(POLL_SECONDS)
        waited += POLL_SECONDS
    raise RefusedError(
        f"{target} is at {commit[:12]}, but no run of {workflow} started for it within "
        f"{STARTED_SECONDS_MAX:g} s: start it by hand"
    )


def _reason(text: str) -> str:
    """Give what the remote said of a refused push, without git's own hints."""
    said = [line.removeprefix("remote:").strip() for line in text.splitlines() if "remote:" in line]
    rejected = re.findall(r"\[(?:remote )?rejected\]\s*\(([^)]*)\)|\[rejected\]\s*\((.*?)\)", text)
    words = [word for pair in rejected for word in pair if word]
    return "; ".join([*words, *filter(None, said)]) or _last_line(text)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "git said nothing"


def _tell(environment: Mapping[str, str], promotion: Promotion, outcome: str, text: str) -> None:
    print(f"{promotion}: {text}", file=sys.stderr if outcome == "refused" else sys.stdout)
    for name, line in (
        ("GITHUB_STEP_SUMMARY", f"**{promotion}**: {outcome}. {text}\n"),
        ("GITHUB_OUTPUT", f"outcome={outcome}\n"),
    ):
        if path := environment.get(name):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(line)


def main(arguments: list[str] | None = None) -> int:
    """Promote as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", required=True, help="branch whose run must be green")
    parser.add_argument("--target", required=True, help="branch that moves on")
    parser.add_argument("--commit", required=True, help="full id of the tested commit")
    parser.add_argument(
        "--workflow", action="append", help="must run on the target afterwards (ci.yml)"
    )
    parser.add_argument("--tested-by", default="ci.yml", help="whose run must be green")
    parser.add_argument(
        "--grace-seconds", type=float, default=GRACE_SECONDS, help="for the push to start them"
    )
    given = parser.parse_args(arguments)
    if not re.fullmatch(r"[0-9a-f]{40}", given.commit):
        parser.error(f"--commit must be a full id of 40 characters, not {given.commit!r}")
    missing = [name for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN") if not os.environ.get(name)]
    if missing:
        parser.error(f"set {' and '.join(missing)}")
    promotion = Promotion(
        source=given.source,
        target=given.target,
        commit=given.commit,
        workflows=tuple(given.workflow or ["ci.yml"]),
        tested_by=given.tested_by,
        grace_seconds=given.grace_seconds,
    )
    try:
        text = promote(promotion, Repository(Path.cwd()), GitHub(os.environ))
    except RefusedError as refusal:
        _tell(os.environ, promotion, "refused", str(refusal))
        return 1
    _tell(os.environ, promotion, "promoted", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
