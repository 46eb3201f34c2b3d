"""The shapes of Azure Resource Manager: ids, envelopes, errors."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from .resource import Json as Json
from .resource import Resource, now

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER = "Microsoft.MachineLearningServices"
NOT_IMPLEMENTED = 501


class ArmError(Exception):
    """A refusal: becomes an error answer, or the error of a long-running operation."""

    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner

    def body(self) -> Json:
        """Give the error object as the service words it."""
        info: list[Json] = [
            {"type": "ComponentName", "info": {"value": "managementfrontend"}},
            {"type": "Correlation", "info": {"value": {"operation": uuid.uuid4().hex}}},
            {"type": "Time", "info": {"value": now()}},
        ]
        if self.inner:
            inner = {"code": "BadArgument" if self.status == 400 else self.inner}
            inner_error = {**inner, "innerError": {"code": self.inner, "innerError": None}}
            info.append({"type": "InnerError", "info": {"value": inner_error}})
        return {
            "code": self.code,
            "message": self.message,
            "details": [],
            "additionalInfo": info,
        }

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """Give the HTTP answer."""
        return JSONResponse({"error": self.body()}, self.status, headers)


def user_error(message: str, inner: str = "BadArgument", status: int = 400) -> ArmError:
    """Give the refusal that the service answers to most mistakes of the caller."""
    return ArmError(status, "UserError", message, inner)


def not_found(what: str) -> ArmError:
    """Give the 404; its code is UserError on the real service too."""
    return ArmError(404, "UserError", f"{what} was not found.", "NotFound")


def not_implemented(what: str) -> ArmError:
    """Give the refusal of what Azure does and the emulator does not; the router logs it."""
    return ArmError(
        NOT_IMPLEMENTED, "NotImplemented", f"{what} is not implemented by the emulator."
    )


def envelope(resource: Resource, properties: Json | None = None) -> Json:
    """Give the resource as ARM shows it, with other properties when they are given."""
    return {
        "id": resource.id,
        "name": resource.name,
        "type": f"{PROVIDER}/workspaces/{resource.kind}",
        **resource.body,
        **({"properties": properties} if properties is not None else {}),
        "systemData": {
            "createdAt": resource.created_at,
            "createdBy": "emulator",
            "createdByType": "Application",
            "lastModifiedAt": resource.modified_at,
            "lastModifiedBy": "emulator",
            "lastModifiedByType": "Application",
        },
    }


def properties_of(body: Mapping[str, Any]) -> Json:
    """Give the `properties` object of a request, or refuse."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise user_error("The request's body has no 'properties' object.")
    return properties
