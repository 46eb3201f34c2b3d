"""What endpoints and deployments share: names, states, and the operation under way."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING

from .answers import absent, conflict, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...context import Context
    from ...resource import Json, Resource
    from ...router import Call

ENDPOINTS = "onlineEndpoints"
DEPLOYMENTS = "onlineEndpoints/deployments"
NAME = re.compile(r"(?=.{3,32}$)[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")
MOVING = ("Creating", "Updating", "Deleting")
READ_ONLY = ("id", "name", "type", "systemData")


def find_endpoint(context: Context, call: Call) -> Resource:
    """Give the endpoint that a path names, or refuse."""
    endpoint = context.store.get(f"{context.workspace}/{ENDPOINTS}/{call.params['endpoint']}")
    if endpoint is None:
        raise absent()
    return endpoint


def check_name(name: str, kind: str) -> None:
    """Refuse a name that the service does not take."""
    if not NAME.fullmatch(name):
        raise invalid(
            f"'{name}' is not a valid {kind} name: it has 3 to 32 letters, digits and single"
            " dashes, begins with a letter, and ends with a letter or digit."
        )


def state_of(resource: Resource) -> str:
    """Give the provisioning state."""
    return str(resource.properties.get("provisioningState"))


def refuse_while_moving(resource: Resource | None, what: str) -> None:
    """Refuse a write while an operation is under way; `what` as in 'update endpoint x'."""
    if resource and state_of(resource) in MOVING:
        message = f"Cannot {what} because it is in {state_of(resource)} provisioning state."
        raise conflict(message)


def never_made(resource: Resource) -> bool:
    """Say whether its creation failed, after which it can only be deleted."""
    return state_of(resource) == "Failed" and "live" not in resource.state


def set_state(context: Context, resource_id: str, state: str, operation: str) -> Resource:
    """Write the provisioning state and the operation that leads out of it, in one step."""

    def change(body: Json, known: Json) -> None:
        body["properties"]["provisioningState"] = state
        known["operation"] = known["latest"] = operation

    changed = context.store.change(resource_id, change)
    if changed is None:
        raise LookupError(resource_id)
    return changed


def finished(state: str, *, live: bool = False) -> Callable[[Json, Json], None]:
    """Give the change that ends an operation; `live` notes the body as what is in service."""

    def change(body: Json, known: Json) -> None:
        body["properties"]["provisioningState"] = state
        known.pop("operation", None)
        if live:
            known["live"] = deepcopy(body)

    return change


def writable(body: Json) -> Json:
    """Give a request's body without what only the service writes."""
    return {key: value for key, value in body.items() if key not in READ_ONLY}
