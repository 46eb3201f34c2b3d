"""The one error of Event Grid's management: a refusal as Azure Resource Manager words it."""

from starlette.responses import JSONResponse


class RefusedError(Exception):
    """A request that is refused; becomes an ARM error answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> JSONResponse:
        """Return the answer."""
        error = {"code": self.code, "message": self.message, "details": [], "additionalInfo": []}
        return JSONResponse({"error": error}, self.status)


def malformed(message: str) -> RefusedError:
    """Return the refusal of a request that says something wrong."""
    return RefusedError(400, "InvalidRequest", message)


def unsupported(what: str) -> RefusedError:
    """Return the refusal of what the real service can do and this one cannot."""
    return RefusedError(501, "NotImplemented", f"{what} is not implemented by the emulator.")
