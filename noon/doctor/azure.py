"""Checks of Azure Resource Manager and what lies behind it: identity, workspace, events."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from noon.doctor.finding import Found, SkippedError, fail, ok, warn
from noon.doctor.patient import ONE_SETTING, REQUEST_SECONDS, Patient
from noon.doctor.wire import LOOPBACK, Reply, ask, why_unreachable

PUBLIC_CLOUD = "https://management.azure.com"
SCORING_SCOPE = "https://ml.azure.com/.default"
WORKSPACE_API = "api-version=2024-04-01"
EVENTS_API = "api-version=2022-06-15"
WANTED_EVENTS = {
    "data_landed": "Microsoft.Storage.BlobCreated",
    "job_finished": "Microsoft.MachineLearningServices.RunStatusChanged",
}
NO_ROWS = b'{"rows": []}'


def identity(patient: Patient) -> Found:
    """A token can be had."""
    patient.needed(ONE_SETTING)
    problem = patient.token_problem()
    if problem:
        return fail(problem, "az login, or see the managed identity and AZURE_CLIENT_ID")
    kind = os.environ.get("AZURE_TOKEN_CREDENTIALS") or "DefaultAzureCredential"
    return ok(f"a token for storage by {kind}")


def workspace(patient: Patient) -> Found:
    """The workspace is there, and this identity may read it."""
    scope = _workspace_id(patient)
    try:
        reply = _arm(patient, f"{scope}?{WORKSPACE_API}")
    except OSError as error:
        return fail(
            f"{_manager()}: {why_unreachable(error)}", "see the network, or noon logs azure"
        )
    if reply.status == 200:
        compute = os.environ.get("NOON_COMPUTE") or "cpu-cluster"
        return _compute(patient, scope, compute)
    if reply.status == 404:
        return fail(
            f"{scope} is not there", "see NOON_SUBSCRIPTION_ID, _RESOURCE_GROUP, _WORKSPACE"
        )
    return fail(
        f"{reply.status}: {_words(reply)}", "give this identity AzureML Data Scientist on it"
    )


def _compute(patient: Patient, scope: str, name: str) -> Found:
    reply = _arm(patient, f"{scope}/computes/{name}?{WORKSPACE_API}")
    workspace_name = scope.rpartition("/")[2]
    if reply.status == 404:
        return fail(f"{workspace_name} has no compute {name}", "make it, or see NOON_COMPUTE")
    return ok(f"{workspace_name} with compute {name}")


def release(patient: Patient) -> Found:
    """What was registered last is what this checkout has."""
    runtime = patient.runtime
    patient.credential()
    released = runtime.plane.ports.releases.release()
    advice = "noon deploy components"
    if released is None:
        return fail("nothing was registered: no training can begin", advice)
    from shared.bootstrap import checkout_component

    here = checkout_component()
    told = f"{released.component}, serving environment {released.environment}"
    if released.component != here:
        return warn(f"{told}; this checkout is {here}", f"{advice}, or look at another checkout")
    return ok(told)


def endpoints(patient: Patient) -> Found:
    """This identity may score at each endpoint; it is asked about no rows."""
    told: list[str] = []
    refused: list[str] = []
    for model, uri in _scoring_uris(patient):
        try:
            status = _scored(patient, uri).status
        except OSError as error:
            refused.append(f"{model}: {why_unreachable(error)}")
            continue
        (refused if status in (401, 403, 404) else told).append(f"{model}: {status}")
    if refused:
        return fail(
            "; ".join(refused),
            "give this identity AzureML Data Scientist, or onlineEndpoints/score",
        )
    if not told:
        raise SkippedError("no model has a champion behind an endpoint")
    return ok(f"{len(told)} endpoints let us in")


def _scoring_uris(patient: Patient) -> list[tuple[str, str]]:
    plane = patient.runtime.plane
    patient.credential()
    found = []
    for name, spec in sorted(plane.models.items()):
        if spec.serving != "managed_endpoint":
            continue
        state = plane.ports.state.load(name).state
        if state is not None and state.address is not None:
            found.append((name, state.address.scoring_uri))
    return found


def _scored(patient: Patient, uri: str) -> Reply:
    token = patient.credential().get_token(SCORING_SCOPE).token
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return ask(uri, "POST", headers, NO_ROWS, timeout_seconds=REQUEST_SECONDS)


def containers(patient: Patient) -> Found:
    """The scoring container of each model that has one says what it serves."""
    url = patient.needed("NOON_CONTAINER_URL")
    specs = patient.runtime.plane.models.values()
    models = sorted(spec.name for spec in specs if spec.serving == "container")
    if not models:
        raise SkippedError("no model is served by a container")
    audience = os.environ.get("NOON_CONTAINER_AUDIENCE")
    headers = {}
    if audience:
        token = patient.credential().get_token(f"{audience}/.default").token
        headers["authorization"] = f"Bearer {token}"
    refused: list[str] = []
    for model in models:
        place = f"{url.replace('{model}', model)}/serving"
        try:
            status = ask(place, headers=headers, timeout_seconds=REQUEST_SECONDS).status
        except OSError as error:
            refused.append(f"{model}: {why_unreachable(error)} ({place})")
            continue
        if status != 200:
            refused.append(f"{model}: {status} ({place})")
    if refused:
        return fail("; ".join(refused), "is it running? noon logs container; docs: scoring service")
    return ok(f"{', '.join(models)} at {url}")


def subscriptions(patient: Patient) -> Found:
    """Event Grid tells the app of landed data and of finished jobs."""
    found = _subscriptions(patient)
    missing = [
        function
        for function, kind in WANTED_EVENTS.items()
        if not any(kind in _kinds(each) for each in found)
    ]
    advice = "deploy infra/events.bicep; on this machine: noon down, noon up"
    if missing:
        return fail(f"nobody tells {', '.join(missing)}: the tick finds it later", advice)
    names = ", ".join(sorted(str(each["name"]) for each in found))
    failed = [str(each["name"]) for each in found if _state(each) != "Succeeded"]
    if failed:
        return fail(f"{', '.join(failed)}: not provisioned", advice)
    if any(not _dead_letter(each) for each in found):
        return warn(f"{names}: one has no dead letter container; what is lost is gone", advice)
    return ok(names)


def _subscriptions(patient: Patient) -> list[dict[str, Any]]:
    """Those of the system topics of the group, and those that stand on the resources."""
    scope = _workspace_id(patient)
    group = scope.partition("/providers/")[0]
    topics = _listed(patient, f"{group}/providers/Microsoft.EventGrid/systemTopics?{EVENTS_API}")
    places = [f"{topic['id']}/eventSubscriptions" for topic in topics]
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/{_account()}"
    direct = "providers/Microsoft.EventGrid/eventSubscriptions"
    places += [f"{resource}/{direct}" for resource in (scope, account)]
    found = [each for place in places for each in _listed(patient, f"{place}?{EVENTS_API}")]
    return list({str(each["id"]).lower(): each for each in found}.values())


def _listed(patient: Patient, path: str) -> list[dict[str, Any]]:
    reply = _arm(patient, path)
    if reply.status in (401, 403):
        raise SkippedError(f"this identity may not read Event Grid ({reply.status})")
    return list((reply.json() or {}).get("value", ())) if reply.status == 200 else []


def _kinds(subscription: dict[str, Any]) -> list[str]:
    chosen = subscription["properties"].get("filter") or {}
    return list(chosen.get("includedEventTypes") or WANTED_EVENTS.values())


def _state(subscription: dict[str, Any]) -> str:
    return str(subscription["properties"].get("provisioningState", ""))


def _dead_letter(subscription: dict[str, Any]) -> bool:
    properties = subscription["properties"]
    plain = properties.get("deadLetterDestination")
    return bool(plain or properties.get("deadLetterWithResourceIdentity"))


def _account() -> str:
    """The name of the storage account; on a loopback address it is a part of the path."""
    parts = urlsplit(os.environ["NOON_BLOB_URL"])
    if parts.hostname in LOOPBACK:
        return parts.path.strip("/").partition("/")[0]
    return (parts.hostname or "").partition(".")[0]


def _workspace_id(patient: Patient) -> str:
    return patient.runtime.plane.workspace


def _arm(patient: Patient, path: str) -> Reply:
    manager = _manager()
    token = patient.credential().get_token(f"{manager}/.default").token
    headers = {"authorization": f"Bearer {token}"}
    return ask(f"{manager}{path}", headers=headers, timeout_seconds=REQUEST_SECONDS)


def _manager() -> str:
    """The address of Resource Manager, which another cloud's metadata tell."""
    cloud, metadata = (
        os.environ.get(n) for n in ("AZUREML_CURRENT_CLOUD", "ARM_CLOUD_METADATA_URL")
    )
    if not cloud or not metadata:
        return PUBLIC_CLOUD
    clouds = ask(metadata, timeout_seconds=REQUEST_SECONDS).json() or []
    known = {str(each["name"]): str(each["resourceManager"]) for each in clouds}
    return known.get(cloud, PUBLIC_CLOUD).rstrip("/")


def _words(reply: Reply) -> str:
    answer = reply.json()
    error = answer.get("error") if isinstance(answer, dict) else None
    return str((error or {}).get("message") or reply.body[:200].decode(errors="replace"))
