"""`noon destroy`: an installation goes, after everything that goes with it was told."""

from __future__ import annotations

import json
import sys
from typing import Any

from noon.azure_cli import az
from noon.deployed import Installation
from noon.failures import CommandError, ExitCode, UsageError

COSTS = (
    "https://management.azure.com{group}/providers/Microsoft.CostManagement/query"
    "?api-version=2023-11-01"
)
QUERY = {
    "type": "ActualCost",
    "timeframe": "MonthToDate",
    "dataset": {
        "granularity": "None",
        "aggregation": {"totalCost": {"name": "Cost", "function": "Sum"}},
        "grouping": [{"type": "Dimension", "name": "ResourceId"}],
    },
}
KEPT = {
    "microsoft.machinelearningservices/workspaces": (
        "the workspace {name} is kept for 14 days and its name is taken until then. To purge it: "
        "az ml workspace delete --name {name} --resource-group {group} --permanently-delete, "
        "before this; or afterwards in the portal: Azure Machine Learning, Recently deleted"
    ),
    "microsoft.keyvault/vaults": (
        "the key vault {name} is kept for up to 90 days. To purge it afterwards: "
        "az keyvault purge --name {name}"
    ),
    "microsoft.operationalinsights/workspaces": (
        "the logs of {name} are kept for 14 days and can be brought back until then"
    ),
}
"""What Azure only deletes softly."""


def run_destroy(environment: str, *, yes: bool, as_json: bool) -> int:
    """Tell what would be deleted and what it costs, ask for the name, delete the resource group."""
    if not environment:
        raise UsageError("say which installation: --environment NAME, or set AZURE_ENV_NAME")
    place = Installation(environment)
    if not az("group", "exists", "--name", place.group):
        print(f"there is no resource group {place.group}: nothing to delete", file=sys.stderr)
        return _tell(environment, [], deleted=False, as_json=as_json)
    _refuse_strangers(place)
    resources = az("resource", "list", "--resource-group", place.group)
    _show(place, resources, *_costs(place.group))
    if not yes:
        _confirm(environment)
    az("group", "delete", "--name", place.group, "--yes")
    return _tell(environment, resources, deleted=True, as_json=as_json)


def _refuse_strangers(place: Installation) -> None:
    """Only what infra/main.bicep made has its tags."""
    tags = az("group", "show", "--name", place.group).get("tags") or {}
    if (tags.get("product"), tags.get("azd-env-name")) != ("noon", place.environment):
        raise CommandError(
            f"{place.group} was not made by Noon: it lacks the tags product=noon and "
            f"azd-env-name={place.environment}. Nothing was deleted"
        )


def _costs(group: str) -> tuple[dict[str, float], str]:
    """What each resource cost since the month began, by its id; and the currency, or why not."""
    try:
        found = az("group", "show", "--name", group)["id"]
        url = COSTS.format(group=found)
        answer = az("rest", "--method", "post", "--url", url, "--body", json.dumps(QUERY))
        names = [column["name"] for column in answer["properties"]["columns"]]
        rows = [dict(zip(names, row, strict=True)) for row in answer["properties"]["rows"]]
    except CommandError as error:
        return {}, f"what it costs is not known: {error}"
    costs: dict[str, float] = {}
    for row in rows:
        resource = row["ResourceId"].casefold()
        costs[resource] = costs.get(resource, 0.0) + float(row["Cost"])
    return costs, str(rows[0]["Currency"]) if rows else ""


def _show(
    place: Installation, resources: list[dict[str, Any]], costs: dict[str, float], currency: str
) -> None:
    """Everything that goes, on stderr: stdout is for scripts."""

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    say(f"{place.group} and everything in it will be deleted: data, models, decisions, logs.")
    for resource in sorted(resources, key=lambda each: (each["type"], each["name"])):
        cost = costs.get(resource["id"].casefold())
        shown = "" if cost is None else f"{cost:10.2f} {currency} since the month began"
        say(f"  {resource['type']:55} {resource['name']:30} {shown}".rstrip())
    if costs:
        say(f"  together {sum(costs.values()):.2f} {currency} since the month began")
    else:
        say(f"  {currency or 'nothing was billed since the month began'}")
    for resource in resources:
        if text := KEPT.get(resource["type"].casefold()):
            say(f"  {text.format(name=resource['name'], group=place.group)}.")


def _confirm(environment: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            f"nobody there to ask: noon destroy --environment {environment} --yes deletes it"
        )
    print(f"Type {environment} to delete it: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != environment:
        raise CommandError("that is not its name: nothing was deleted")


def _tell(
    environment: str, resources: list[dict[str, Any]], *, deleted: bool, as_json: bool
) -> int:
    if as_json:
        ids = [resource["id"] for resource in resources]
        print(json.dumps({"environment": environment, "deleted": deleted, "resources": ids}))
    elif deleted:
        print(f"deleted: {environment}, {len(resources)} resources")
    return ExitCode.OK
