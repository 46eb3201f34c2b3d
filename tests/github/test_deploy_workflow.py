"""deploy.yml as a runner plays it: the order, what each step is given, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.github.act import Run, Runner
from tests.github.test_workflows import AZURE, COMMIT, FORMER, OURS, finished

GROUP = {"AZURE_RESOURCE_GROUP": "rg-noon-prod", "NOON_FUNCTION_APP": "func-noon-prod"}
OUTPUTS = {
    **GROUP,
    "NOON_FUNCTION_APP_URL": "https://func-noon-prod.azurewebsites.net",
    "NOON_STORAGE_ACCOUNT": "noonprod",
    "NOON_WORKSPACE": "mlw-noon-prod",
    "NOON_REGISTRY": "noonprod.azurecr.io",
    "NOON_WEB_APP": "stapp-noon-prod",
}
IMAGE = "noonprod.azurecr.io/noon-backend@sha256:1"
ZIP = (
    "az functionapp deployment source config-zip --only-show-errors --build-remote true "
    "--resource-group rg-noon-prod --name func-noon-prod --src .noon/package.zip"
)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner that reaches an installation where an older commit runs."""
    runner = Runner(tmp_path)
    runner.answer("python3 .github/scripts/deployable.py", "it may")
    runner.answer("noon deploy", "\n".join(f"{name}={value}" for name, value in OUTPUTS.items()))
    for part in ("check", "canary", "containers"):
        runner.answer(f"noon deploy {part}", part)
    runner.answer("noon deploy components", '{"component": "noon-pipeline:1", "environment": 4}')
    runner.answer("noon deploy image", f"image={IMAGE}")
    runner.answer("noon deploy running", f"commit={FORMER}")
    runner.answer("az staticwebapp secrets list", "token-of-the-page")
    return runner


def deploy(runner: Runner) -> Run:
    """The run that follows a green main."""
    _let_it_be_ready(runner)
    return runner.run("deploy.yml", "workflow_run", finished("main"), AZURE)


def _let_it_be_ready(runner: Runner) -> None:
    """The script writes the commit; the stub in its place does the same."""
    program = runner.bin / "python3"
    lines = program.read_text()
    program.write_text(
        lines
        + 'if "deployable.py" in line:\n'
        + '    commit = arguments[arguments.index("--commit") + 1]\n'
        + '    with open(os.environ["GITHUB_OUTPUT"], "a") as file:\n'
        + '        file.write(f"commit={commit}\\n")\n'
    )


def steps(run: Run) -> list[str]:
    """What was done, without its options."""
    done = [
        call for call in run.calls if call.name in ("az", "noon", "make") or "Azure" in call.name
    ]
    return [call.line.partition(" -")[0] for call in done]


def test_a_green_main_is_deployed_in_the_one_order_that_works(runner: Runner) -> None:
    """Infrastructure, functions, components, containers, page, subscriptions, then a look."""
    run = deploy(runner)
    assert run.succeeded, run.log
    assert [step.partition("{")[0].strip() for step in steps(run)] == [
        "make setup",
        "noon deploy running",
        "noon deploy",
        f"make package COMMIT={COMMIT}",
        "az functionapp deployment source config-zip",
        "noon deploy check",
        f"noon deploy image {COMMIT} main",
        "noon deploy components",
        "noon deploy containers",
        "make webui/dist/index.html",
        "az staticwebapp secrets list",
        "Azure/static-web-apps-deploy",
        "az deployment group create",
        "noon deploy canary",
        "noon deploy check",
    ]


def test_each_step_of_a_deployment_is_given_what_it_needs(runner: Runner) -> None:
    """Outputs of one step reach the next; the page's token comes from Azure and stays hidden."""
    run = deploy(runner)
    noon = {call.line.partition(" -")[0]: call.environment for call in run.calls}
    assert noon["noon deploy"]["NOON_CODE_COMMIT"] == COMMIT
    assert noon["noon deploy"]["AZURE_ENV_NAME"] == "prod"
    assert noon["noon deploy components"]["NOON_SERVING_IMAGE"] == IMAGE
    assert noon["noon deploy containers"]["NOON_SERVING_IMAGE"] == IMAGE
    for step in ("components", "check", "canary"):
        assert GROUP.items() <= noon[f"noon deploy {step}"].items(), step
    (pointed,) = [line for line in run.lines("python3") if "point_site" in line]
    assert pointed.endswith("webui/dist --api https://func-noon-prod.azurewebsites.net")
    (page,) = run.used("Azure/static-web-apps-deploy")
    assert page.inputs["azure_static_web_apps_api_token"] == "token-of-the-page"
    assert "functionAppName=func-noon-prod storageAccountName=noonprod" in run.lines("az")[-1]
    assert run.lines("az")[-1].endswith("mlw-noon-prod contactEmails=ops@example.org")
    assert {call.job for call in run.used("azure/login")} == {"deploy"}


@pytest.mark.parametrize(
    "broken",
    [
        "az functionapp deployment",
        "noon deploy check",
        "noon deploy components",
        "az deployment group create",
        "noon deploy canary",
    ],
)
def test_what_fails_brings_the_former_code_back(runner: Runner, broken: str) -> None:
    """From the commit that ran before, whatever failed after the new code; the run is red."""
    runner.fail(broken)
    run = deploy(runner)
    assert not run.succeeded
    back = steps(run).index(f"make package COMMIT={FORMER}")
    wanted = [
        "az functionapp config appsettings set",
        "az functionapp deployment source config-zip",
    ]
    if broken.startswith("az functionapp"):
        assert steps(run)[back + 1 :] == wanted
    else:
        assert steps(run)[back + 1 :] == [*wanted, "noon deploy check"]
        assert run.lines("az")[-1] == ZIP
    assert f"--settings NOON_CODE_COMMIT={FORMER}" in " ".join(run.lines("az"))


@pytest.mark.parametrize("broken", ["noon deploy running", "make setup"])
def test_what_fails_before_the_new_code_leaves_the_old(runner: Runner, broken: str) -> None:
    """Nothing was changed that would have to go back."""
    runner.fail(broken)
    run = deploy(runner)
    assert not run.succeeded
    assert "az functionapp deployment source config-zip" not in steps(run)


@pytest.mark.parametrize("before", ["", COMMIT], ids=["the first one", "the same commit"])
def test_a_deployment_without_another_before_it_has_no_way_back(
    runner: Runner, before: str
) -> None:
    """The run is red, and somebody must look."""
    runner.answer("noon deploy running", f"commit={before}")
    runner.fail("noon deploy canary")
    run = deploy(runner)
    assert not run.succeeded
    assert [step for step in steps(run) if "package" in step] == [f"make package COMMIT={COMMIT}"]


def test_a_commit_that_may_not_be_deployed_is_not(runner: Runner) -> None:
    """The second job waits for the first one's word."""
    runner.fail("python3 .github/scripts/deployable.py")
    run = runner.run("deploy.yml", "workflow_run", finished("main"), AZURE)
    assert not run.succeeded
    assert run.jobs == {"ready"}
    assert run.used("azure/login") == []


def test_an_older_commit_is_deployed_when_somebody_asks(runner: Runner) -> None:
    """As a way back by hand."""
    _let_it_be_ready(runner)
    asked = {"inputs": {"commit": FORMER}, "repository": OURS}
    run = runner.run("deploy.yml", "workflow_dispatch", asked, AZURE)
    assert run.succeeded, run.log
    assert f"make package COMMIT={FORMER}" in steps(run)


def test_without_azure_there_is_no_deployment(runner: Runner) -> None:
    """A fork that is pushed to is not red because of it."""
    run = runner.run("deploy.yml", "workflow_run", finished("main"))
    assert run.calls == []
