"""The workflows' jobs as a runner plays them: which run, in which order, with what in hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.github.act import Run, Runner

COMMIT = "c0ffee0000000000000000000000000000000000"
FORMER = "0ddba11000000000000000000000000000000000"
AZURE = {
    "AZURE_CLIENT_ID": "client",
    "AZURE_TENANT_ID": "tenant",
    "AZURE_SUBSCRIPTION_ID": "subscription",
    "AZURE_ENV_NAME": "prod",
    "AZURE_LOCATION": "westeurope",
    "NOON_STAGE": "prod",
    "NOON_CONTACT": "ops@example.org",
    "NOON_STORAGE_ACCOUNT": "noonprod",
}
OURS = {"full_name": "noon/noon"}


def finished(
    branch: str, conclusion: str = "success", event: str = "push", by: str = "noon/noon"
) -> dict[str, Any]:
    """The event that a run of ci.yml has ended."""
    run = {"head_sha": COMMIT, "head_branch": branch, "conclusion": conclusion, "event": event}
    run["head_repository"] = {"full_name": by}
    return {"action": "completed", "workflow_run": run, "repository": OURS}


def pull_request(head: str = "noon/noon") -> dict[str, Any]:
    """The event of a pull request from a repository."""
    opened = {"number": 7, "head": {"sha": COMMIT, "repo": {"full_name": head}, "ref": "x"}}
    opened["base"] = {"ref": "development", "sha": FORMER}
    return {"action": "opened", "number": 7, "pull_request": opened, "repository": OURS}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner on the branch main."""
    return Runner(tmp_path)


# ci.yml


def ci(runner: Runner, event: str, payload: dict[str, Any] | None = None) -> Run:
    """A run of ci.yml where Azure is known."""
    return runner.run("ci.yml", event, payload, AZURE)


def test_a_push_is_checked_and_tested_and_its_coverage_is_kept(tmp_path: Path) -> None:
    """As an artifact, and by branch and commit in the data store, signed in without a secret."""
    run = ci(Runner(tmp_path, "development"), "push")
    assert run.succeeded, run.log
    assert {"make check", "make coverage"} <= set(run.lines("make"))
    (kept,) = run.used("actions/upload-artifact")
    assert (kept.inputs["name"], kept.inputs["path"]) == ("reports", "reports/")
    (upload,) = run.lines("az")
    assert "--account-name noonprod --destination reports --destination-path development/" in upload
    (login,) = run.used("azure/login")
    assert set(login.inputs) == {"client-id", "tenant-id", "subscription-id"}
    assert login.job == "store-coverage"


def test_a_pull_request_reaches_nothing_of_azure(runner: Runner) -> None:
    """It is checked and tested, and that is all."""
    run = ci(runner, "pull_request", pull_request())
    assert run.succeeded, run.log
    assert run.used("azure/login") == []
    assert run.jobs == {"check", "test"}


def test_the_reports_of_a_red_run_are_kept_too(runner: Runner) -> None:
    """That is when they are needed; the data store gets them from green runs alone."""
    runner.fail("make coverage")
    run = ci(runner, "push")
    assert not run.succeeded
    assert len(run.used("actions/upload-artifact")) == 1
    assert "store-coverage" not in run.jobs


# promote.yml

PROMOTE = "python3 .github/scripts/promote.py"
STARTED = "--workflow ci.yml --workflow images.yml"


def test_a_green_run_of_test_is_promoted_to_main(runner: Runner) -> None:
    """Exactly its commit, with the token of the GitHub App, by main's own script."""
    run = runner.run("promote.yml", "workflow_run", finished("test"), {"NOON_APP_ID": "1"})
    assert run.succeeded, run.log
    (call,) = [call for call in run.calls if call.name == "python3"]
    assert call.line == (f"{PROMOTE} --source test --target main --commit {COMMIT} {STARTED}")
    assert call.environment["GITHUB_TOKEN"] == "token-of-the-app"
    (checkout,) = run.used("actions/checkout")
    assert checkout.inputs["ref"] == "main"
    assert "NOON_APP_PRIVATE_KEY" not in call.environment


@pytest.mark.parametrize(
    "payload",
    [
        finished("test", "failure"),
        finished("test", "cancelled"),
        finished("test", event="pull_request"),
        finished("test", by="stranger/noon"),
    ],
    ids=["red", "cancelled", "of a pull request", "of a fork"],
)
@pytest.mark.parametrize("workflow", ["promote.yml", "docs.yml", "deploy.yml"])
def test_nothing_follows_a_run_that_is_not_ours_and_green(
    runner: Runner, workflow: str, payload: dict[str, Any]
) -> None:
    """No promotion, no publication, no deployment."""
    run = runner.run(workflow, "workflow_run", payload, {"NOON_APP_ID": "1", **AZURE})
    assert run.calls == []


def test_a_maintainer_promotes_development_to_test(runner: Runner) -> None:
    """By the commit that he names."""
    asked = {"inputs": {"commit": FORMER}, "repository": OURS}
    run = runner.run("promote.yml", "workflow_dispatch", asked, {"NOON_APP_ID": "1"})
    assert run.lines("python3") == [
        f"{PROMOTE} --source development --target test --commit {FORMER} {STARTED}"
    ]


# docs.yml


def test_every_push_builds_the_documentation_and_publishes_nothing(runner: Runner) -> None:
    """Warnings are errors on every branch."""
    run = runner.run("docs.yml", "push")
    assert run.succeeded, run.log
    assert run.lines("make") == ["make docs"]
    assert run.jobs == {"build"}
    assert run.used("actions/upload-pages-artifact") == []


def test_the_documentation_of_a_green_test_is_published(runner: Runner) -> None:
    """Of the very commit that was tested."""
    run = runner.run("docs.yml", "workflow_run", finished("test"))
    assert run.succeeded, run.log
    (checkout,) = run.used("actions/checkout")
    assert checkout.inputs["ref"] == COMMIT
    order = [call.name for call in run.calls if call.name.startswith("actions/")]
    assert order[-2:] == ["actions/upload-pages-artifact", "actions/deploy-pages"]


# codeql.yml


def test_every_language_is_analysed(runner: Runner) -> None:
    """Python, the page's TypeScript, and these workflows."""
    run = runner.run("codeql.yml", "push")
    assert run.succeeded, run.log
    categories = {call.inputs["category"] for call in run.used("github/codeql-action/analyze")}
    assert categories == {
        "/language:python",
        "/language:javascript-typescript",
        "/language:actions",
    }


# infra.yml


def test_a_pull_request_is_told_what_it_would_change(runner: Runner) -> None:
    """After the compiler, as a comment; nothing is deployed."""
    run = runner.run("infra.yml", "pull_request", pull_request(), AZURE)
    assert run.succeeded, run.log
    assert run.lines("noon") == ["noon deploy --what-if"]
    (comment,) = run.lines("gh")
    assert comment.startswith("gh pr comment 7 --repo noon/noon --edit-last --create-if-none")
    assert "az bicep build --file infra/events.bicep --stdout" in run.lines("az")
    assert [call.job for call in run.used("azure/login")] == ["what-if"]


@pytest.mark.parametrize(
    ("event", "payload"),
    [("push", None), ("pull_request", pull_request("stranger/noon"))],
    ids=["push", "fork"],
)
def test_a_push_and_a_fork_reach_nothing_of_azure(
    runner: Runner, event: str, payload: dict[str, Any] | None
) -> None:
    """They are compiled and compared alone."""
    run = runner.run("infra.yml", event, payload, AZURE)
    assert run.succeeded, run.log
    assert run.jobs == {"lint"}
    assert run.used("azure/login") == []
