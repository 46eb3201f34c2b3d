"""Refusals of the inference service, which stands behind ARM and has a wording of its own."""

from __future__ import annotations

import json

from ...arm import ArmError
from ...resource import Json

BEHIND = "InferencingClientCallFailed"


class InferenceError(ArmError):
    """A refusal whose details hold what the inference service said."""

    def __init__(self, status: int, code: str, message: str, said: Json) -> None:
        super().__init__(status, code, message)
        self._said = said

    def body(self) -> Json:
        """Give the error object as the service words it."""
        body = super().body()
        said = json.dumps(self._said, separators=(",", ":"))
        detail = {"code": BEHIND, "message": said, "details": [], "additionalInfo": []}
        return {**body, "details": [detail]}


def invalid(message: str) -> InferenceError:
    """Give the 400 of a request that breaks a rule of endpoints and deployments."""
    said = {"errors": {"": [message]}, "title": "One or more validation errors occurred."}
    return InferenceError(400, "BadRequest", "The request is invalid.", said)


def absent() -> InferenceError:
    """Give the 404 of an endpoint or a deployment; it does not say which."""
    said = {"title": "Not Found"}
    return InferenceError(404, "NotFound", "The specified resource was not found.", said)


def conflict(message: str) -> ArmError:
    """Give the 409 of a write that has to wait."""
    return ArmError(409, "Conflict", message, "OperationInProgress")


def unimplemented(what: str) -> ArmError:
    """Give the 501 that names what the emulator cannot do."""
    return ArmError(501, "NotImplemented", f"{what} not implemented by the emulator.")
