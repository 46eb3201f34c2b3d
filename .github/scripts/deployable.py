"""Says whether a commit may be deployed, and waits until its images are there.

    python .github/scripts/deployable.py --branch main --commit SHA --wait-for images.yml

It refuses, with the reason, unless the commit is one of the branch, its own run is green there, and
the run that builds its images has ended well. On a rerun an older commit than the newest is refused
too, unless somebody asked for it by hand.

Environment: as for promote.py. Writes `commit=…` to GITHUB_OUTPUT.
Exit codes: 0 it may, 1 refused, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from promote import GitHub, RefusedError, Repository, newest_run

WAIT_SECONDS_MAX = 2400.0
POLL_SECONDS = 15.0


def check(
    repository: Repository,
    github: GitHub,
    given: argparse.Namespace,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Return when the commit may be deployed; raises RefusedError with the reason if it may not."""
    branch, commit = given.branch, given.commit
    repository.fetch(branch)
    head = repository.head(branch)
    if not repository.contains(head, commit):
        raise RefusedError(f"{commit[:12]} is no commit of {branch}")
    if head != commit and not given.by_hand:
        raise RefusedError(f"{branch} is at {head[:12]} already, whose own run will deploy it")
    _wait_until_green(github, given, given.tested_by, wait)
    _wait_until_green(github, given, given.wait_for, wait)


def _wait_until_green(
    github: GitHub, given: argparse.Namespace, workflow: str, wait: Callable[[float], None]
) -> None:
    where = f"{workflow} on {given.branch} for {given.commit[:12]}"
    waited = 0.0
    run = newest_run(github.runs(workflow, given.commit, given.branch))
    while run is not None and run["status"] != "completed":
        if waited >= WAIT_SECONDS_MAX:
            raise RefusedError(f"the run of {where} is {run['status']}: {run['html_url']}")
        wait(POLL_SECONDS)
        waited += POLL_SECONDS
        run = newest_run(github.runs(workflow, given.commit, given.branch))
    if run is None:
        raise RefusedError(f"there is no run of {where}: start it by hand")
    if run["conclusion"] != "success":
        raise RefusedError(f"the run of {where} is {run['conclusion']}: {run['html_url']}")


def main() -> int:
    """Check as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--branch", default="main", help="branch that is deployed")
    parser.add_argument("--commit", required=True, help="full id of the commit")
    parser.add_argument("--tested-by", default="ci.yml", help="whose run must be green")
    parser.add_argument("--wait-for", default="images.yml", help="whose run must have ended")
    given = parser.parse_args()
    if not re.fullmatch(r"[0-9a-f]{40}", given.commit):
        parser.error(f"--commit must be a full id of 40 characters, not {given.commit!r}")
    given.by_hand = os.environ.get("GITHUB_EVENT_NAME") == "workflow_dispatch"
    outcome, line = 0, f"{given.commit} of {given.branch} may be deployed"
    try:
        check(Repository(Path.cwd()), GitHub(os.environ), given)
        _write("GITHUB_OUTPUT", f"commit={given.commit}")
    except RefusedError as refusal:
        outcome, line = 1, f"not deployed: {refusal}"
    print(line, file=sys.stderr if outcome else sys.stdout)
    _write("GITHUB_STEP_SUMMARY", line)
    return outcome


def _write(variable: str, line: str) -> None:
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
