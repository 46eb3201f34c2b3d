"""Routes of the emulator itself: health, the log of calls, faults, speed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from .context import Context
    from .router import RequestLog

PACES = {"operation_seconds": float, "poll_milliseconds": int, "restart_seconds": float}


class Control:
    """Everything below `/_emulator/`."""

    def __init__(self, context: Context, log: RequestLog) -> None:
        self._pace = context.pace
        self._log = log
        self._faults = context.faults

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route("/_emulator/health", self.health, methods=["GET"]),
            Route("/_emulator/requests", self.requests, methods=["GET"]),
            Route("/_emulator/requests", self.forget_requests, methods=["DELETE"]),
            Route("/_emulator/faults", self.faults, methods=["GET"]),
            Route("/_emulator/faults", self.add_fault, methods=["POST"]),
            Route("/_emulator/faults", self.clear_faults, methods=["DELETE"]),
            Route("/_emulator/faults/{id}", self.remove_fault, methods=["DELETE"]),
            Route("/_emulator/pace", self.pace, methods=["GET", "PUT"]),
        ]

    async def health(self, _: Request) -> JSONResponse:
        """Say that we are here."""
        return JSONResponse({"status": "ok"})

    async def requests(self, _: Request) -> JSONResponse:
        """Give the number of calls by operation and the last calls."""
        counts = dict(self._log.counts)
        answer = {"total": sum(counts.values()), "counts": counts, "recent": list(self._log.recent)}
        return JSONResponse(answer)

    async def forget_requests(self, _: Request) -> JSONResponse:
        """Count from zero."""
        self._log.clear()
        return JSONResponse({})

    async def faults(self, _: Request) -> JSONResponse:
        """Give the faults that are not spent."""
        return JSONResponse({"value": self._faults.listed()})

    async def add_fault(self, request: Request) -> JSONResponse:
        """Take a fault."""
        try:
            rule = json.loads(await request.body())
            return JSONResponse({"id": self._faults.add(rule)}, 201)
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    async def remove_fault(self, request: Request) -> JSONResponse:
        """Forget one fault and say how often it hit."""
        rule = self._faults.remove(request.path_params["id"])
        return JSONResponse(rule) if rule else JSONResponse({"error": "no such rule"}, 404)

    async def clear_faults(self, _: Request) -> JSONResponse:
        """Forget all faults."""
        self._faults.clear()
        return JSONResponse({})

    async def pace(self, request: Request) -> JSONResponse:
        """Give the speed, or change it."""
        if request.method == "PUT":
            given = json.loads(await request.body())
            for name in PACES.keys() & given.keys():
                setattr(self._pace, name, PACES[name](given[name]))
        return JSONResponse({name: getattr(self._pace, name) for name in PACES})
