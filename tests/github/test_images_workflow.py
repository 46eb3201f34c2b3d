"""images.yml as a runner plays it: what has changed is built, run, pushed and copied to Azure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.github.act import Run, Runner
from tests.github.test_workflows import AZURE, pull_request

REGISTRY = {**AZURE, "NOON_REGISTRY": "noonprod"}


def images(
    folder: Path, names: list[str], branch: str = "main", event: str = "push", broken: str = ""
) -> Run:
    """A run in which these images are concerned."""
    runner = Runner(folder, branch)
    runner.answer("python3 -m images changed", json.dumps(names))
    runner.answer("python3 -m images describe", "dockerfile=some/Dockerfile\ntags=some:tag")
    if broken:
        runner.fail(broken)
    payload = pull_request() if event == "pull_request" else {"before": "0" * 40}
    return runner.run("images.yml", event, payload, REGISTRY)


def test_images_that_changed_are_built_run_pushed_and_copied(tmp_path: Path) -> None:
    """On main to Azure too, by commit and branch, with what says how they were made."""
    run = images(tmp_path, ["noon-backend", "noon-cli"])
    assert run.succeeded, run.log
    assert run.lines("sudo") == ["sudo --preserve-env=PATH make test-images"]
    pushed = run.used("docker/build-push-action")
    assert [call.inputs["tags"] for call in pushed] == ["some:tag", "some:tag"]
    assert {(call.inputs["sbom"], call.inputs["provenance"]) for call in pushed} == {
        ("true", "mode=max")
    }
    copied = sorted(line for line in run.lines("docker") if "imagetools create" in line)
    assert len(copied) == 2
    assert "--tag noonprod.azurecr.io/noon-backend:main ghcr.io/noon/noon-backend:" in copied[0]
    assert {call.job for call in run.used("azure/login")} == {"registry"}


def test_where_no_image_is_concerned_nothing_is_built(tmp_path: Path) -> None:
    """The run is green, which a deployment waits for."""
    run = images(tmp_path, [])
    assert run.succeeded, run.log
    assert run.jobs == {"changed"}


@pytest.mark.parametrize(
    ("branch", "event", "jobs"),
    [
        ("x", "pull_request", {"changed", "test"}),
        ("development", "push", {"changed", "test", "push"}),
    ],
)
def test_only_branches_push_and_only_main_reaches_azure(
    tmp_path: Path, branch: str, event: str, jobs: set[str]
) -> None:
    """A pull request builds and runs them, and that is all."""
    run = images(tmp_path, ["noon-frontend"], branch, event)
    assert run.succeeded, run.log
    assert run.jobs == jobs


def test_an_image_that_does_not_run_is_not_pushed(tmp_path: Path) -> None:
    """Building is not enough."""
    run = images(tmp_path, ["noon-backend"], broken="sudo")
    assert not run.succeeded
    assert run.jobs == {"changed", "test"}
