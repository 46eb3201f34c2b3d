"""What holds for every workflow: least rights, no long-lived secrets, the control plane's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.github.act import ROOT, WORKFLOWS

FILES = sorted(WORKFLOWS.glob("*.yml"))
NAMES = [path.name for path in FILES]
SECRETS = {"NOON_APP_PRIVATE_KEY"}
"""The one that GitHub itself gives no other way for."""
NEEDS_A_TOKEN = ("azure/login", "actions/deploy-pages", "actions/attest", "docker/")


def workflow(name: str) -> dict[str, Any]:
    """A workflow as data."""
    content: dict[str, Any] = yaml.safe_load((WORKFLOWS / name).read_text())
    return content


def jobs(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The jobs of a workflow."""
    yield from workflow(name)["jobs"].items()


@pytest.mark.parametrize("name", NAMES)
def test_rights_are_given_job_by_job(name: str) -> None:
    """A workflow as a whole may read the code at the most."""
    assert workflow(name)["permissions"] in ({}, {"contents": "read"})


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_commit_and_says_its_version(name: str) -> None:
    """A tag can come to mean another commit."""
    for line in (WORKFLOWS / name).read_text().splitlines():
        if "uses:" in line and "uses: ./" not in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d", line), line


@pytest.mark.parametrize("name", NAMES)
def test_every_job_ends(name: str) -> None:
    """In minutes that it says itself."""
    assert [job for job, body in jobs(name) if not body.get("timeout-minutes")] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_long_lived_secret_is_used(name: str) -> None:
    """Azure is signed in to by the run's own identity token, only in the jobs that need one."""
    text = (WORKFLOWS / name).read_text()
    used = set(re.findall(r"secrets\.(\w+)", text)) | set(re.findall(r"secrets\[", text))
    assert used <= SECRETS | {"GITHUB_TOKEN"}
    for job, body in jobs(name):
        wants = (body.get("permissions") or {}).get("id-token") == "write"
        uses = [str(step.get("uses", "")).lower() for step in body.get("steps", ())]
        needs = any(use.startswith(NEEDS_A_TOKEN) for use in uses)
        assert needs or not wants, job
        if any(use.startswith("azure/login") for use in uses):
            assert wants, job
            assert body.get("environment"), job


def test_nothing_that_deploys_touches_an_endpoint_or_a_deployment() -> None:
    """They belong to the control plane: an endpoint without its traffic map loses all traffic."""
    places = [*FILES, *(ROOT / ".github" / "scripts").glob("*.py")]
    places += [ROOT / name for name in ("Makefile", "azure.yaml", "noon/deployed.py")]
    places += sorted((ROOT / "noon" / "commands").glob("de*.py"))
    places += sorted((ROOT / "infra").rglob("*.bicep"))
    wrong = re.compile(
        r"online[-_ ]?(endpoint|deployment)s?\b|batch[-_ ]?(endpoint|deployment)s?\b|"
        r"az ml (online|batch)|begin_create_or_update",
        re.IGNORECASE,
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in places
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if wrong.search(line)
    ]
    assert found == []


def test_azd_subscribes_to_events_as_the_workflow_does() -> None:
    """The same template with the same parameters, after the code runs."""
    said = [
        set(re.findall(r'(\w+)="\$(\w+)"', text.partition("infra/events.bicep")[2][:400]))
        for text in ((ROOT / "azure.yaml").read_text(), (WORKFLOWS / "deploy.yml").read_text())
    ]
    assert said[0] == said[1] != set()
    taken = set(re.findall(r"^param (\w+)", (ROOT / "infra" / "events.bicep").read_text(), re.M))
    assert {name for name, _ in said[0]} <= taken


def test_every_ecosystem_is_watched_for_newer_versions() -> None:
    """Each folder that has a manifest."""
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    assert {each["package-ecosystem"] for each in updates} == {
        "github-actions",
        "pip",
        "npm",
        "docker",
    }
    assert {each["target-branch"] for each in updates} == {"development"}


def test_azd_knows_every_service_and_hook() -> None:
    """By azd's schema: these hosts want a project, hooks are of known moments."""
    azd = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert {name: each["host"] for name, each in azd["services"].items()} == {
        "functions": "function",
        "web": "staticwebapp",
    }
    moments = {"restore", "build", "package", "publish", "deploy", "provision", "up", "down"}
    for part in (azd, *azd["services"].values()):
        for hook, body in part.get("hooks", {}).items():
            assert re.sub(r"^(pre|post)", "", hook) in moments
            assert body["shell"] == "sh"
    tagged = "\n".join(path.read_text() for path in (ROOT / "infra").rglob("*.bicep"))
    for name in azd["services"]:
        assert f"'azd-service-name': '{name}'" in tagged, "azd finds a service by this tag"
