"""The answers of calls that are told to fail, as the service words them."""

from __future__ import annotations

from http.client import responses
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from .arm import ArmError

if TYPE_CHECKING:
    from .faults import Fault

CODES = {
    400: ("UserError", "BadArgument"),
    401: ("AuthenticationFailed", ""),
    403: ("AuthorizationFailed", ""),
    404: ("UserError", "NotFound"),
    409: ("Conflict", ""),
    412: ("UserError", "PreconditionFailed"),
    429: ("UserError", "TooManyRequests"),
    500: ("InternalServerError", ""),
    503: ("ServiceUnavailable", ""),
}
GATEWAY = (502, 504)
"""Who answers these stands before the service and speaks HTML."""


def answer(fault: Fault, what: str) -> Response:
    """Give the answer of a call that fails; its code is the rule's, or the usual one."""
    status = fault.status or 500
    if status in GATEWAY and not fault.code:
        reason = responses[status]
        page = f"<html><head><title>{status} {reason}</title></head><body>{reason}</body></html>"
        return HTMLResponse(page, status)
    code, inner = CODES.get(status, ("UserError", ""))
    error = ArmError(status, fault.code or code, fault.words(what), fault.inner or inner)
    return error.response()
