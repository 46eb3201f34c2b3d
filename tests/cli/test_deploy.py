"""`noon deploy` and `noon destroy`, with an Azure CLI that answers in Azure's published shapes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from noon.what_if import changes, markdown, summary
from tests.cli.azure_stub import AzureCli
from tests.cli.conftest import cli_environment

Cli = Callable[..., CompletedProcess[str]]

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-noon-dev"
APP = f"{GROUP}/providers/Microsoft.Web/sites/func-noon-dev"
SUBSCRIBED = (
    f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/evgt/eventSubscriptions/noon-landings"
)
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-noon-dev"
SECOND = ("--environment", "dev", "--location", "westeurope")


def foretold(*entries: dict[str, Any]) -> dict[str, Any]:
    """The answer of `az deployment sub what-if --no-pretty-print`."""
    return {"status": "Succeeded", "error": None, "changes": list(entries)}


WHAT_IF = foretold(
    {"resourceId": GROUP, "changeType": "NoChange", "before": {}, "after": {}, "delta": None},
    {
        "resourceId": APP,
        "changeType": "Modify",
        "before": {"properties": {}},
        "after": {"properties": {}},
        "delta": [
            {
                "path": "properties.siteConfig",
                "propertyChangeType": "Modify",
                "before": None,
                "after": None,
                "children": [
                    {
                        "path": "http20Enabled",
                        "propertyChangeType": "Modify",
                        "before": False,
                        "after": True,
                        "children": None,
                    },
                    {
                        "path": "appSettings",
                        "propertyChangeType": "NoEffect",
                        "before": None,
                        "after": "x",
                        "children": None,
                    },
                ],
            }
        ],
    },
    {"resourceId": SUBSCRIBED, "changeType": "Create", "before": None, "after": {"id": "x"}},
    {"resourceId": WORKSPACE, "changeType": "Delete", "before": {"id": "x"}, "after": None},
    {
        "resourceId": f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/1",
        "changeType": "Unsupported",
        "unsupportedReason": "the name is only known when it is deployed",
    },
    {"resourceId": f"{GROUP}/providers/Microsoft.App/x/y", "changeType": "Ignore"},
)


@pytest.fixture
def azure(tmp_path: Path) -> AzureCli:
    """An Azure CLI that is signed in to nothing yet."""
    return AzureCli(tmp_path / "bin")


@pytest.fixture
def cli(azure: AzureCli, noon_cli: Cli) -> Cli:
    """Runs `noon` with that Azure CLI first on PATH."""

    def run(*arguments: str, **values: str) -> CompletedProcess[str]:
        path = f"{azure.folder}{os.pathsep}{os.environ['PATH']}"
        return noon_cli(*arguments, PATH=path, **values)

    return run


def test_deletions_are_told_first_and_properties_by_their_whole_path() -> None:
    """What can hurt comes first; what stays as it is is not told."""
    found = changes(WHAT_IF)
    assert [(each.what, each.kind, each.name) for each in found] == [
        ("delete", "Microsoft.MachineLearningServices/workspaces", "mlw-noon-dev"),
        ("change", "Microsoft.Web/sites", "func-noon-dev"),
        ("create", "Microsoft.EventGrid/systemTopics/eventSubscriptions", "evgt/noon-landings"),
        ("unknown", "Microsoft.Authorization/roleAssignments", "1"),
    ]
    assert found[1].properties == ("properties.siteConfig.http20Enabled: False → True",)
    assert found[3].properties == ("the name is only known when it is deployed",)
    assert summary(found) == "1 to delete, 1 to change, 1 to create, 1 of which Azure cannot tell"
    assert "| delete | Microsoft.MachineLearningServices/workspaces |" in markdown(found)


def test_a_deployment_that_changes_nothing_says_so() -> None:
    """Also when Azure leaves the list out, and for a group that is new."""
    assert summary(changes({"status": "Succeeded"})) == "nothing changes"
    new = changes(foretold({"resourceId": GROUP, "changeType": "Create"}))
    assert (new[0].kind, new[0].name) == ("resource group", "rg-noon-dev")


def test_what_if_tells_and_deploys_nothing(cli: Cli, azure: AzureCli, tmp_path: Path) -> None:
    """With the parameters of the stage, and this commit; a workflow's page gets the table too."""
    azure.answers("deployment sub what-if", WHAT_IF)
    page = tmp_path / "page.md"
    given = {"NOON_CODE_COMMIT": "abc", "GITHUB_STEP_SUMMARY": str(page)}
    shown = cli("deploy", "--what-if", *SECOND, "--stage", "prod", **given)
    assert shown.returncode == 0, shown.stderr
    assert "rg-noon-dev in westeurope (prod): 1 to delete" in shown.stdout
    assert "http20Enabled: False → True" in shown.stdout
    assert "What would change: 1 to delete" in page.read_text()
    (call,) = azure.calls
    assert call[:3] == ["deployment", "sub", "what-if"]
    assert call[call.index("--parameters") + 1].endswith("infra/prod.bicepparam")
    assert call[call.index("--template-file") + 1].endswith("infra/main.bicep")
    wanted = {"AZURE_ENV_NAME": "dev", "AZURE_LOCATION": "westeurope", "NOON_CODE_COMMIT": "abc"}
    assert wanted.items() <= azure.environment.items()


def test_what_if_for_scripts_is_json(cli: Cli, azure: AzureCli) -> None:
    """One object, whatever changes."""
    azure.answers("deployment sub what-if", WHAT_IF)
    told = json.loads(cli("deploy", "--what-if", "--json", *SECOND).stdout)
    assert [change["what"] for change in told["changes"]][:2] == ["delete", "change"]


def test_deploying_gives_the_outputs_as_variables(cli: Cli, azure: AzureCli) -> None:
    """Azure Resource Manager is free with the case of names: they come out as written in Bicep."""
    outputs = {"nooN_FUNCTION_APP": {"type": "String", "value": "func-noon-dev"}}
    azure.answers("deployment sub create", {"properties": {"outputs": outputs}})
    shown = cli("deploy", *SECOND, NOON_SERVING_IMAGE="noon.azurecr.io/noon-backend@sha256:1")
    assert (shown.returncode, shown.stdout) == (0, "NOON_FUNCTION_APP=func-noon-dev\n")
    assert azure.environment["NOON_SCORING_IMAGE"] == "noon-backend@sha256:1"
    assert "NOON_CONTAINER_MODELS" not in azure.environment


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Two models, of which one is scored by a container."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "boxed.toml").write_text('serving = "container"\n')
    (folder / "managed.toml").write_text('serving = "managed_endpoint"\n')
    return folder


def container(image: str, version: str) -> dict[str, Any]:
    """The answer of `az containerapp show`, as far as it is read."""
    env = [{"name": "SCORING_ENVIRONMENT_VERSION", "value": version}]
    return {"properties": {"template": {"containers": [{"image": image, "env": env}]}}}


def test_infrastructure_leaves_the_running_containers_as_they_are(
    cli: Cli, azure: AzureCli, models: Path
) -> None:
    """A new image is only for `noon deploy containers`, once its environment is registered."""
    azure.answers("deployment sub create", {"properties": {"outputs": {}}})
    azure.answers("containerapp show", container("noon.azurecr.io/noon-backend@sha256:1", "3"))
    new = {"NOON_SERVING_IMAGE": "noon.azurecr.io/noon-backend@sha256:2"}
    shown = cli("deploy", *SECOND, NOON_MODELS_DIR=str(models), **new)
    assert shown.returncode == 0, shown.stderr
    assert azure.environment["NOON_SCORING_IMAGE"] == "noon-backend@sha256:1"
    sent = json.loads(azure.environment["NOON_CONTAINER_MODELS"])
    assert sent == [{"model": "boxed", "environmentVersion": "3"}]
    azure.answers("containerapp show", error="(ResourceNotFound) ca-noon-boxed was not found")
    cli("deploy", *SECOND, NOON_MODELS_DIR=str(models), **new)
    assert azure.environment["NOON_SCORING_IMAGE"] == "noon-backend@sha256:2"


def test_containers_get_a_new_image_once(
    cli: Cli, azure: AzureCli, models: Path, tmp_path: Path
) -> None:
    """With the version of the environment that it was registered as; the same again is nothing."""
    image = "noon.azurecr.io/noon-backend@sha256:2"
    azure.answers("containerapp show", container("noon.azurecr.io/noon-backend@sha256:1", "3"))
    azure.answers("containerapp update", {})
    given = {"AZURE_RESOURCE_GROUP": "rg-noon-dev", "NOON_MODELS_DIR": str(models)}
    release = tmp_path / "release.json"
    release.write_text('{"component": "noon-pipeline:1", "environment": 4}')
    options = ("--release", str(release), "--image", image, "--json")
    shown = cli("deploy", "containers", *options, **given)
    assert json.loads(shown.stdout) == {"updated": ["boxed"]}, shown.stderr
    assert "SCORING_ENVIRONMENT_VERSION=4" in azure.calls[-1]
    assert image in azure.calls[-1]
    azure.answers("containerapp show", container(image, "4"))
    assert json.loads(cli("deploy", "containers", *options, **given).stdout) == {"updated": []}


def test_the_commit_that_runs_is_known_for_a_rollback(cli: Cli, azure: AzureCli) -> None:
    """Before the first deployment there is none."""
    azure.answers("group exists", answer=False)
    running = ("deploy", "running", "--environment", "dev")
    assert cli(*running).stdout == "commit=\n"
    azure.answers("group exists", answer=True)
    azure.answers("functionapp list", [])
    assert cli(*running).stdout == "commit=\n"
    azure.answers("functionapp list", [{"name": "func-noon-dev"}])
    settings = [
        {"name": "NOON_COMPUTE", "value": "x"},
        {"name": "NOON_CODE_COMMIT", "value": "abc"},
    ]
    azure.answers("functionapp config appsettings list", settings)
    assert cli(*running).stdout == "commit=abc\n"


def test_an_image_is_named_by_its_digest(cli: Cli, azure: AzureCli) -> None:
    """The commit's own, else the branch's: a backend that did not change is not built again."""
    asked = ("deploy", "image", "abc", "main", "--registry", "noon.azurecr.io")
    show = "acr repository show --name noon --image noon-backend:"
    azure.answers(f"{show}abc", error="the specified tag does not exist: MANIFEST_UNKNOWN")
    azure.answers(f"{show}main", {"digest": "sha256:1"})
    assert cli(*asked).stdout == "image=noon.azurecr.io/noon-backend@sha256:1\n"
    azure.answers(f"{show}abc", {"digest": "sha256:2"})
    assert cli(*asked).stdout == "image=noon.azurecr.io/noon-backend@sha256:2\n"
    azure.answers(show, error="image not found")
    shown = cli(*asked)
    assert shown.returncode == 1
    assert "let the workflow images run on main" in shown.stderr


def test_components_are_registered_where_the_app_says(cli: Cli, azure: AzureCli) -> None:
    """A deployment names the app alone; a setting of the shell goes first."""
    place = {"AZURE_RESOURCE_GROUP": "rg-noon-dev", "NOON_FUNCTION_APP": "func-noon-dev"}
    settings = [
        {"name": "NOON_SUBSCRIPTION_ID", "value": "1"},
        {"name": "NOON_LANDING_URL", "value": "http://not-encrypted/landing"},
        {"name": "NOON_RUNS_URL", "value": "also wrong"},
    ]
    azure.answers("functionapp config appsettings list", settings)
    azure.answers("functionapp show", {"defaultHostName": "func-noon-dev.azurewebsites.net"})
    azure.answers("functionapp keys list", {"functionKeys": {"default": "key"}})
    shown = cli("deploy", "components", NOON_RUNS_URL="https://noon/runs", **place)
    assert shown.returncode == 2
    assert "NOON_LANDING_URL: " in shown.stderr
    assert "NOON_RUNS_URL" not in shown.stderr


def test_without_the_azure_cli_it_is_said_where_to_get_it(noon_cli: Cli, tmp_path: Path) -> None:
    """And one that is not signed in is told how."""
    shown = noon_cli("deploy", "--what-if", *SECOND, PATH=str(tmp_path))
    assert shown.returncode == 3
    assert "https://aka.ms/azure-cli" in shown.stderr


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ("Please run 'az login' to setup account.", 3, "run: az login"),
        ("(InvalidTemplate) it is wrong", 1, "az deployment sub create failed: ERROR: (Invalid"),
    ],
)
def test_what_azure_says_is_passed_on(
    cli: Cli, azure: AzureCli, error: str, code: int, words: str
) -> None:
    """In one sentence, without a traceback."""
    azure.answers("deployment sub create", error=error)
    shown = cli("deploy", *SECOND)
    assert (shown.returncode, shown.stdout) == (code, "")
    assert words in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["deploy"], "--environment NAME, or set AZURE_ENV_NAME"),
        (["deploy", "--environment", "dev"], "--location REGION, or set AZURE_LOCATION"),
        (["deploy", *SECOND, "--stage", "live"], "must be one of dev, test, prod, not 'live'"),
        (["deploy", "containers", "--release", "no.json"], "set AZURE_RESOURCE_GROUP"),
        (["deploy", "--what-if", "components"], "foretells the infrastructure alone"),
        (["destroy"], "--environment NAME, or set AZURE_ENV_NAME"),
    ],
)
def test_what_is_missing_is_named(
    cli: Cli, azure: AzureCli, arguments: list[str], words: str
) -> None:
    """Nothing is tried."""
    shown = cli(*arguments)
    assert shown.returncode == 2
    assert words in shown.stderr
    assert azure.calls == []


@pytest.fixture
def installed(azure: AzureCli) -> AzureCli:
    """An installation with an app that cost something and a workspace that cost nothing."""
    azure.answers("group exists", answer=True)
    tags = {"product": "noon", "azd-env-name": "dev"}
    azure.answers("group show", {"id": GROUP, "tags": tags})
    kinds = {APP: "Microsoft.Web/sites", WORKSPACE: "Microsoft.MachineLearningServices/workspaces"}
    resources = [
        {"id": each, "name": each.rpartition("/")[2], "type": kind} for each, kind in kinds.items()
    ]
    azure.answers("resource list", resources)
    columns = [{"name": name} for name in ("Cost", "ResourceId", "Currency")]
    rows = [[3.5, APP.lower(), "EUR"], [0.25, APP.lower(), "EUR"]]
    azure.answers("rest --method post", {"properties": {"columns": columns, "rows": rows}})
    azure.answers("group delete")
    return azure


def test_destroy_tells_all_that_goes_and_what_it_cost(cli: Cli, installed: AzureCli) -> None:
    """Every resource, its costs of this month, and what Azure keeps for a while."""
    shown = cli("destroy", "--environment", "dev", "--yes", "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert told == {"environment": "dev", "deleted": True, "resources": [APP, WORKSPACE]}
    for words in ("3.75 EUR since the month began", "func-noon-dev", "is kept for 14 days"):
        assert words in shown.stderr
    assert installed.calls[-1][:4] == ["group", "delete", "--name", "rg-noon-dev"]


def test_costs_that_may_not_be_read_are_no_reason_to_keep_it(cli: Cli, installed: AzureCli) -> None:
    """They are said to be unknown, and why."""
    installed.answers("rest --method post", error="(AuthorizationFailed) no")
    shown = cli("destroy", "--environment", "dev", "--yes")
    assert shown.returncode == 0
    assert "what it costs is not known: az rest failed" in shown.stderr


def test_nobody_there_to_ask_deletes_nothing(cli: Cli, installed: AzureCli) -> None:
    """Scripts say --yes."""
    shown = cli("destroy", "--environment", "dev")
    assert shown.returncode == 2
    assert "noon destroy --environment dev --yes" in shown.stderr
    assert ["group", "delete"] not in [call[:2] for call in installed.calls]


@pytest.mark.parametrize(("typed", "code"), [("dev", 0), ("yes", 1), ("", 1)])
def test_the_name_must_be_typed(installed: AzureCli, cli_home: Path, typed: str, code: int) -> None:
    """Anything else deletes nothing."""
    path = f"{installed.folder}{os.pathsep}{os.environ['PATH']}"
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{typed}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "noon", "destroy", "--environment", "dev"],
            env=cli_environment(cli_home, PATH=path),
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == code, done.stderr
    deleted = ["group", "delete"] in [call[:2] for call in installed.calls]
    assert deleted == (code == 0)


def test_a_group_of_somebody_else_is_left_alone(cli: Cli, installed: AzureCli) -> None:
    """Noon deletes what carries its tags; what is not there is deleted already."""
    installed.answers("group show", {"id": GROUP, "tags": None})
    shown = cli("destroy", "--environment", "dev", "--yes")
    assert shown.returncode == 1
    assert "was not made by Noon" in shown.stderr
    installed.answers("group exists", answer=False)
    shown = cli("destroy", "--environment", "dev", "--yes")
    assert (shown.returncode, "nothing to delete" in shown.stderr) == (0, True)
    assert ["group", "delete"] not in [call[:2] for call in installed.calls]
