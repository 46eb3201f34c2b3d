"""The commands that bring Noon to Azure, see whether it works there, and take it away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

deploying = typer.Typer()
deploy = typer.Typer(invoke_without_command=True)
deploying.add_typer(deploy, name="deploy")

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, for scripts.")]
Environment = Annotated[
    str, typer.Option(envvar="AZURE_ENV_NAME", help="Name of the installation.")
]
Timeout = Annotated[float, typer.Option(min=1, help="Give up after these seconds.")]


@deploy.callback()
def deploy_all(
    context: typer.Context,
    what_if: Annotated[
        bool, typer.Option("--what-if", help="Only tell what would change.")
    ] = False,
    environment: Environment = "",
    location: Annotated[
        str, typer.Option(envvar="AZURE_LOCATION", help="Region, such as westeurope.")
    ] = "",
    stage: Annotated[
        str, typer.Option(envvar="NOON_STAGE", help="dev, test or prod: infra/STAGE.bicepparam.")
    ] = "dev",
    as_json: Json = False,
) -> int:
    """Deploy the infrastructure (infra/main.bicep) with the Azure CLI, or tell what would change.

    Prints the outputs as NAME=value. Code, components and event subscriptions follow in steps of
    their own: `azd up` and the workflow deploy.yml take all of them in their order. Endpoints and
    deployments are never touched: they belong to the control plane.

    \b
    Examples:
      noon deploy --what-if --environment my-noon --location westeurope
      noon deploy --what-if --json | jq '.changes[] | select(.what == "delete")'
      noon deploy --environment my-noon --location westeurope --stage prod
      noon deploy components

    Exit codes: 0 done, 1 Azure refused, 2 wrong usage, 3 az is missing or not signed in.
    """
    if context.invoked_subcommand is not None:
        if what_if:
            raise typer.BadParameter(
                "--what-if foretells the infrastructure alone: noon deploy --what-if. "
                f"{context.invoked_subcommand} would be done"
            )
        return 0
    from noon.commands.deploy import run_infrastructure

    return run_infrastructure(environment, location, stage, what_if=what_if, as_json=as_json)


@deploy.command("components")
def deploy_components(as_json: Json = False) -> int:
    """Register environments and pipeline components, versioned by content, and release them.

    New trainings and deployments use what was released last. Registering the same content again
    changes nothing. Uses the local stack, or the workspace of the NOON_… settings by identity; in
    Azure these are taken from the app that AZURE_RESOURCE_GROUP and NOON_FUNCTION_APP name.

    \b
    Examples:
      noon deploy components
      noon deploy components --json

    Exit codes: 0 released, 1 failed, 2 a setting is wrong, 3 not running.
    """
    from noon.commands.deploy import run_components

    return run_components(as_json=as_json)


@deploy.command("running")
def deploy_running(environment: Environment = "") -> int:
    """Print which commit runs in Azure, as commit=…; empty before the first deployment.

    \b
    Examples:
      noon deploy running --environment my-noon
      noon deploy running >> "$GITHUB_OUTPUT"

    Exit codes: 0 told, 1 Azure refused, 2 wrong usage, 3 az is missing or not signed in.
    """
    from noon.commands.deploy import run_running

    return run_running(environment)


@deploy.command("image")
def deploy_image(
    tags: Annotated[list[str], typer.Argument(help="The first one that is there counts.")],
    registry: Annotated[str, typer.Option(envvar="NOON_REGISTRY", help="Such as noon.azurecr.io.")],
) -> int:
    """Print the scoring service's image in the registry by its digest, as image=….

    \b
    Examples:
      noon deploy image 0123abc… main --registry noon.azurecr.io
      noon deploy image "$COMMIT" main >> "$GITHUB_OUTPUT"

    Exit codes: 0 told, 1 not there, 2 wrong usage, 3 az is missing or not signed in.
    """
    from noon.commands.deploy import run_image

    return run_image(registry, tags)


@deploy.command("containers")
def deploy_containers(
    release: Annotated[
        Path, typer.Option(dir_okay=False, help="What `noon deploy components --json` printed.")
    ],
    image: Annotated[
        str, typer.Option(envvar="NOON_SERVING_IMAGE", help="Image with registry and digest.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Give the scoring containers the released image; for models with serving = "container".

    They are those of the resource group AZURE_RESOURCE_GROUP. The control plane then takes the
    new version of the environment through a rollout of its own.

    \b
    Examples:
      noon deploy components --json > release.json
      noon deploy containers --release release.json --image noon.azurecr.io/noon-backend@sha256:…

    Exit codes: 0 done, 1 Azure refused, 2 wrong usage, 3 az is missing or not signed in.
    """
    from noon.commands.deploy import run_containers

    return run_containers(release, image, as_json=as_json)


@deploy.command("check")
def deploy_check(timeout: Timeout = 300, as_json: Json = False) -> int:
    """Wait until the app answers, then let every champion score its own sample rows.

    Uses the local stack, or the app that AZURE_RESOURCE_GROUP and NOON_FUNCTION_APP name. A model
    without a champion is told and is no failure.

    \b
    Examples:
      noon deploy check
      noon deploy check --timeout 600 --json

    Exit codes: 0 it works, 1 it does not, 2 a setting is wrong, 3 not running.
    """
    from noon.commands.canary import run_check

    return run_check(timeout_seconds=timeout, as_json=as_json)


@deploy.command("canary")
def deploy_canary(timeout: Timeout = 300, as_json: Json = False) -> int:
    """Let a blob land below _canary/ and wait for the decision that its event ends in.

    It proves the way from storage over Event Grid and the function app to the decision log; the
    decision is to do nothing. The blob is removed again. Uses the local stack, or the app that
    AZURE_RESOURCE_GROUP and NOON_FUNCTION_APP name.

    \b
    Examples:
      noon deploy canary
      noon deploy canary --timeout 600 --json

    Exit codes: 0 it came back, 1 it did not, 2 a setting is wrong, 3 not running.
    """
    from noon.commands.canary import run_canary

    return run_canary(timeout_seconds=timeout, as_json=as_json)


@deploying.command()
def destroy(
    environment: Environment = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")] = False,
    as_json: Json = False,
) -> int:
    """Delete an installation in Azure, after telling all that goes with it and what it costs.

    Lists every resource of the group with its costs since the month began, then asks for the name
    of the installation. Says what Azure keeps for a while, and how to purge it.

    \b
    Examples:
      noon destroy --environment my-noon
      noon destroy --environment my-noon --yes --json

    Exit codes: 0 deleted or not there, 1 refused or not confirmed, 2 wrong usage or nobody there
    to ask, 3 az is missing or not signed in.
    """
    from noon.commands.destroy import run_destroy

    return run_destroy(environment, yes=yes, as_json=as_json)
