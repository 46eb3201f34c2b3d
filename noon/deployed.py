"""An installation in Azure: how its parts are called, and how a command reaches its app."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from noon.azure_cli import AzureRefusedError, az
from noon.failures import CommandError, UsageError
from noon.home import ROOT
from noon.models import served_by_containers

if TYPE_CHECKING:
    from collections.abc import Sequence

STAGES = ("dev", "test", "prod")
APP_VARIABLES = ("AZURE_RESOURCE_GROUP", "NOON_FUNCTION_APP")
"""Outputs of the deployment, under which azd and the workflow hand them on."""
SCORING_IMAGE = "noon-backend"
"""Its repository in the registry; the workflow images.yml pushes it."""
FIRST_ENVIRONMENT = "1"
"""Version of the serving environment before anything was released."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One environment of Noon in one subscription."""

    environment: str
    location: str = ""
    stage: str = "dev"

    @property
    def group(self) -> str:
        """Name of the resource group, as infra/main.bicep makes it."""
        return f"rg-noon-{self.environment}"

    def deployment(self, verb: str) -> Any:
        """Run `create` or `what-if` of the deployment of everything in infra/main.bicep."""
        parameters = ROOT / "infra" / f"{self.stage}.bicepparam"
        return az(
            *("deployment", "sub", verb, "--name", f"noon-{self.environment}"),
            *("--location", self.location),
            *("--template-file", str(ROOT / "infra" / "main.bicep")),
            *("--parameters", str(parameters)),
            *(("--no-pretty-print", "--no-prompt", "true") if verb == "what-if" else ()),
            variables=self._variables(),
        )

    def _variables(self) -> dict[str, str]:
        """What the parameter files read."""
        variables = {
            "AZURE_ENV_NAME": self.environment,
            "AZURE_LOCATION": self.location,
            "NOON_CODE_COMMIT": os.environ.get("NOON_CODE_COMMIT") or _commit(),
        }
        containers = [running_container(self.group, model) for model in served_by_containers()]
        if containers:
            variables["NOON_CONTAINER_MODELS"] = json.dumps(
                [{"model": c.model, "environmentVersion": c.environment} for c in containers]
            )
        # What runs goes on running: a new image is the business of `noon deploy containers`.
        running = [c.image for c in containers if c.image]
        image = running[0] if running else os.environ.get("NOON_SERVING_IMAGE", "")
        if image:
            variables["NOON_SCORING_IMAGE"] = image.partition("/")[2] or image
        return variables


@dataclass(frozen=True, slots=True)
class ScoringContainer:
    """The container app that scores one model; without an image it is not there yet."""

    model: str
    image: str = ""
    environment: str = FIRST_ENVIRONMENT

    @property
    def name(self) -> str:
        """Its name, as infra/modules/scoring-container.bicep makes it."""
        return f"ca-noon-{self.model}"


def running_container(group: str, model: str) -> ScoringContainer:
    """What scores a model in a resource group now."""
    missing = ScoringContainer(model)
    try:
        found = az("containerapp", "show", "--resource-group", group, "--name", missing.name)
    except AzureRefusedError as error:
        if _is_missing(error):
            return missing
        raise
    container = found["properties"]["template"]["containers"][0]
    values = {entry["name"]: entry.get("value", "") for entry in container.get("env") or ()}
    version = values.get("SCORING_ENVIRONMENT_VERSION") or FIRST_ENVIRONMENT
    return ScoringContainer(model, container["image"], version)


def running_commit(group: str) -> str:
    """The commit that the app of a resource group was deployed from; empty before the first."""
    if not az("group", "exists", "--name", group):
        return ""
    apps = az("functionapp", "list", "--resource-group", group)
    if not apps:
        return ""
    place = ("--resource-group", group, "--name", apps[0]["name"])
    for setting in az("functionapp", "config", "appsettings", "list", *place):
        if setting["name"] == "NOON_CODE_COMMIT":
            commit = str(setting["value"])
            return "" if commit == "unknown" else commit
    return ""


def image_by_digest(registry: str, tags: Sequence[str]) -> str:
    """The scoring service's image of the first tag that is there, by its digest.

    By digest, since a tag can come to mean another image: what did not change is not rolled out
    again. Raises CommandError when there is none.
    """
    name = registry.partition(".")[0]
    for tag in tags:
        image = f"{SCORING_IMAGE}:{tag}"
        try:
            found = az("acr", "repository", "show", "--name", name, "--image", image)
        except AzureRefusedError as error:
            if _is_missing(error):
                continue
            raise
        return f"{registry}/{SCORING_IMAGE}@{found['digest']}"
    raise CommandError(
        f"{registry} has no {SCORING_IMAGE} with a tag of {', '.join(tags)}: let the workflow "
        "images run on main, then deploy again"
    )


def use_deployed_app() -> bool:
    """Take settings, address and key of the app that the variables name; False if they do not.

    What is set already stays. The settings hold no secret; the key is kept in this process.
    """
    group, app = (os.environ.get(name, "") for name in APP_VARIABLES)
    if not (group and app):
        return False
    place = ("--resource-group", group, "--name", app)
    listed = az("functionapp", "config", "appsettings", "list", *place)
    for setting in listed:
        # Folders are those of the app's own disk.
        if setting["name"].startswith("NOON_") and not setting["name"].endswith("_DIR"):
            os.environ.setdefault(setting["name"], setting["value"] or "")
    if not os.environ.get("NOON_URL"):
        host = az("functionapp", "show", *place)["defaultHostName"]
        os.environ["NOON_URL"] = f"https://{host}"
    if not os.environ.get("NOON_FUNCTION_KEY"):
        keys = az("functionapp", "keys", "list", *place)
        os.environ["NOON_FUNCTION_KEY"] = keys["functionKeys"]["default"]
    return True


def checked(environment: str, location: str, stage: str) -> Installation:
    """The installation; raises UsageError that says which option is missing or wrong."""
    if not environment:
        raise UsageError("say which installation: --environment NAME, or set AZURE_ENV_NAME")
    if not location:
        raise UsageError("say where: --location REGION, or set AZURE_LOCATION")
    if stage not in STAGES:
        raise UsageError(f"--stage must be one of {', '.join(STAGES)}, not {stage!r}")
    return Installation(environment, location, stage)


def _is_missing(error: AzureRefusedError) -> bool:
    """Whether Azure says that there is no such thing; each of its services has words of its own."""
    said = str(error).casefold().replace(" ", "")
    return any(words in said for words in ("notfound", "notexist", "unknown"))


def _commit() -> str:
    """The commit of this checkout, or `unknown`."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - the user's git
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"
