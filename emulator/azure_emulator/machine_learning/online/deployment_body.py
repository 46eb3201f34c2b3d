"""What a deployment may ask for, and what the service adds to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...arm import properties_of, user_error
from .answers import invalid, unimplemented
from .durations import DurationError, seconds
from .lifecycle import never_made, writable

if TYPE_CHECKING:
    from ...resource import Json, Resource
    from ...store import Store

REGISTRY = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/(?P<kind>\w+)/(?P<name>[^/]+)/"
    r"(?:versions|labels)/(?P<version>[^/]+)/?",
    re.IGNORECASE,
)
INSTANCES_MAX = 1000
REQUEST_TIMEOUT_SECONDS_MAX = 180
PROBES = ("livenessProbe", "readinessProbe")
PROBE = {
    "initialDelay": "PT10S",
    "period": "PT10S",
    "timeout": "PT2S",
    "failureThreshold": 30,
    "successThreshold": 1,
}
REQUESTS = {
    "requestTimeout": "PT5S",
    "maxConcurrentRequestsPerInstance": 1,
    "maxQueueWait": "PT0.5S",
}


def accepted(body: Json, old: Resource | None, store: Store) -> Json:
    """Give the body to keep, with defaults, or refuse by name."""
    given = properties_of(body)
    if str(given.get("endpointComputeType", "Managed")) != "Managed":
        raise unimplemented("Kubernetes deployments are")
    if not given.get("instanceType"):
        raise user_error("A deployment needs 'instanceType'.")
    if old:
        _refuse_other_nature(old, given)
    _check_assets(given, store)
    properties = {
        "appInsightsEnabled": False,
        "scaleSettings": {"scaleType": "Default"},
        "egressPublicNetworkAccess": "Enabled",
        **{key: value for key, value in given.items() if value is not None},
        "endpointComputeType": "Managed",
        "properties": given.get("properties") or {},
        "requestSettings": _over(REQUESTS, given.get("requestSettings")),
        **{name: _over(PROBE, given.get(name)) for name in PROBES},
    }
    _check_figures(properties)
    return {**writable(body), "sku": _sku(body, old), "properties": properties}


def shown(deployment: Resource) -> Json:
    """Give the properties with the variables that the service sets."""
    properties = dict(deployment.properties)
    model = re.search(r"/models/([^/]+)/versions/([^/]+)", str(properties.get("model")))
    place = f"/var/azureml-app/azureml-models/{model[1]}/{model[2]}" if model else ""
    added = {"AML_APP_ROOT": "/var/azureml-app", "AZUREML_MODEL_DIR": place}
    if code := properties.get("codeConfiguration"):
        added["AZUREML_ENTRY_SCRIPT"] = str(code["scoringScript"])
    variables = {**added, **(properties.get("environmentVariables") or {})}
    return {**properties, "environmentVariables": variables}


def _refuse_other_nature(old: Resource, given: Json) -> None:
    if never_made(old):
        raise invalid(
            f"Specified deployment [{old.name}] failed during initial provisioning and is in an"
            " unrecoverable state. Delete and re-create."
        )
    if str(given["instanceType"]).lower() != str(old.properties["instanceType"]).lower():
        raise invalid(f"The instance type of deployment '{old.name}' cannot be changed.")


def _check_assets(given: Json, store: Store) -> None:
    model, environment = str(given.get("model") or ""), str(given.get("environmentId") or "")
    if REGISTRY.match(model):
        raise unimplemented(f"Models of registries ({model}) are")
    code = given.get("codeConfiguration") or {}
    if code and not (code.get("codeId") and code.get("scoringScript")):
        raise user_error("'codeConfiguration' needs 'codeId' and 'scoringScript'.")
    found = {}
    for key, asset in (
        ("environmentId", "" if REGISTRY.match(environment) else environment),
        ("model", model),
        ("codeConfiguration.codeId", str(code.get("codeId") or "")),
    ):
        found[key] = store.get(asset.removeprefix("azureml:")) if asset else None
        if asset and found[key] is None:
            raise user_error(f"{key} '{asset}' does not exist.", "AssetNotFound")
    registered = found["model"]
    if not environment:
        if registered and registered.properties.get("modelType") == "mlflow_model":
            raise unimplemented("MLflow models without a scoring script are")
        raise user_error("A deployment of a custom model needs an environment.")
    if REGISTRY.match(environment) and not code:
        raise user_error("A deployment with a curated environment needs 'codeConfiguration'.")


def _check_figures(properties: Json) -> None:
    try:
        timeout = seconds(str(properties["requestSettings"]["requestTimeout"]))
        seconds(str(properties["requestSettings"]["maxQueueWait"]))
        for probe in PROBES:
            for key in ("initialDelay", "period", "timeout"):
                seconds(str(properties[probe][key]))
    except DurationError as error:
        raise user_error(str(error)) from None
    if not 0 < timeout <= REQUEST_TIMEOUT_SECONDS_MAX:
        raise invalid(
            f"The request timeout is above 0 and at most {REQUEST_TIMEOUT_SECONDS_MAX} seconds."
        )
    at_once = properties["requestSettings"]["maxConcurrentRequestsPerInstance"]
    if not isinstance(at_once, int) or at_once < 1:
        raise invalid("maxConcurrentRequestsPerInstance is at least 1.")


def _sku(body: Json, old: Resource | None) -> Json:
    before = old.body["sku"] if old else {"name": "Default", "capacity": 1}
    sku = {**before, **(body.get("sku") or {})}
    if not isinstance(sku.get("capacity"), int) or not 1 <= sku["capacity"] <= INSTANCES_MAX:
        raise invalid(f"The instance count is from 1 to {INSTANCES_MAX}.")
    return sku


def _over(defaults: Json, given: Any) -> Json:
    return {**defaults, **{key: value for key, value in (given or {}).items() if value is not None}}
