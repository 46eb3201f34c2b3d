"""`noon deploy`: what is in Azure becomes what is in this checkout."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from noon.azure_cli import az
from noon.deployed import (
    Installation,
    checked,
    image_by_digest,
    running_commit,
    running_container,
    use_deployed_app,
)
from noon.failures import ExitCode, UsageError
from noon.models import served_by_containers
from noon.reach import use_stack_unless

WIDTH = 160
"""Of a line in a file or a pipe."""


def run_infrastructure(
    environment: str, location: str, stage: str, *, what_if: bool, as_json: bool
) -> int:
    """Deploy infra/main.bicep and print its outputs, or only tell what would change."""
    place = checked(environment, location, stage)
    if what_if:
        return _foretell(place, as_json=as_json)
    answer = place.deployment("create")
    outputs = (answer.get("properties") or {}).get("outputs") or {}
    # Azure Resource Manager is free with the case of an output's name.
    values = {name.upper(): entry["value"] for name, entry in sorted(outputs.items())}
    if as_json:
        print(json.dumps(values))
    else:
        print("\n".join(f"{name}={value}" for name, value in values.items()))
    return ExitCode.OK


def _foretell(place: Installation, *, as_json: bool) -> int:
    from noon.what_if import as_data, changes, markdown, summary, table

    found = changes(place.deployment("what-if"))
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(f"{markdown(found)}\n")
    if as_json:
        print(json.dumps(as_data(found), ensure_ascii=False))
        return ExitCode.OK
    from rich.console import Console

    print(f"{place.group} in {place.location} ({place.stage}): {summary(found)}")
    if found:
        Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH).print(table(found))
    return ExitCode.OK


def run_running(environment: str) -> int:
    """Print the commit that runs, for a rollback: `commit=…`, empty before the first deployment."""
    if not environment:
        raise UsageError("say which installation: --environment NAME, or set AZURE_ENV_NAME")
    print(f"commit={running_commit(Installation(environment).group)}")
    return ExitCode.OK


def run_image(registry: str, tags: list[str]) -> int:
    """Print the scoring service's image by digest: `image=…`."""
    print(f"image={image_by_digest(registry, tags)}")
    return ExitCode.OK


def run_components(*, as_json: bool) -> int:
    """Register environments and components and make them the release."""
    if not os.environ.get("NOON_SUBSCRIPTION_ID"):
        use_deployed_app()
    use_stack_unless("NOON_SUBSCRIPTION_ID")
    # Late: the Azure libraries take seconds to import.
    from shared.bootstrap import release_components

    release = release_components()
    if as_json:
        print(json.dumps(asdict(release)))
    else:
        print(f"released {release.component} and serving environment {release.environment}")
    return ExitCode.OK


def run_containers(release: Path, image: str, *, as_json: bool) -> int:
    """Give every scoring container the image of the release, unless it has it."""
    group = os.environ.get("AZURE_RESOURCE_GROUP", "")
    if not group:
        raise UsageError("say where: set AZURE_RESOURCE_GROUP")
    if not image:
        raise UsageError("say which image: --image IMAGE, or set NOON_SERVING_IMAGE")
    environment = _environment(release)
    updated = []
    for model in served_by_containers():
        now = running_container(group, model)
        if (now.image, now.environment) == (image, environment):
            continue
        az(
            *("containerapp", "update", "--resource-group", group, "--name", now.name),
            *("--image", image, "--set-env-vars"),
            f"SCORING_ENVIRONMENT_VERSION={environment}",
        )
        updated.append(model)
    if as_json:
        print(json.dumps({"updated": updated}))
    else:
        print(f"containers updated: {', '.join(updated) or 'none'}")
    return ExitCode.OK


def _environment(release: Path) -> str:
    """The version of the serving environment in a file of `components --json`."""
    try:
        return str(int(json.loads(release.read_text(encoding="utf-8"))["environment"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{release} does not hold what `noon deploy components --json` prints: {error}"
        ) from None
