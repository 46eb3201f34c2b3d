"""Routes of the emulator itself: health, the log of calls, faults, speed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from .faults import Faults
    from .router import RequestLog
    from .settings import Pace


class Control:
    """Everything below `/_emulator/`."""

    def __init__(self, pace: Pace, log: RequestLog, faults: Faults, events: Any) -> None:
        self._pace = pace
        self._log = log
        self._faults = faults
        self._events = events

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route("/_emulator/health", self.health, methods=["GET"]),
            Route("/_emulator/requests", self.requests, methods=["GET"]),
            Route("/_emulator/requests", self.forget_requests, methods=["DELETE"]),
            Route("/_emulator/faults", self.faults, methods=["GET"]),
            Route("/_emulator/faults", self.add_fault, methods=["POST"]),
            Route("/_emulator/faults", self.clear_faults, methods=["DELETE"]),
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
        """Take a fault: of an operation, or of an event."""
        try:
            rule = json.loads(await request.body())
            if "event" not in rule:
                self._faults.add(rule)
            elif hasattr(self._events, "faults"):
                self._events.faults.add(rule)
            else:
                return JSONResponse({"error": "faults of events are not implemented"}, 501)
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({}, 201)

    async def clear_faults(self, _: Request) -> JSONResponse:
        """Forget all faults."""
        self._faults.clear()
        if hasattr(self._events, "faults"):
            self._events.faults.clear()
        return JSONResponse({})

    async def pace(self, request: Request) -> JSONResponse:
        """Give the speed, or change it."""
        if request.method == "PUT":
            given = json.loads(await request.body())
            pace = self._pace
            pace.operation_seconds = float(given.get("operation_seconds", pace.operation_seconds))
            pace.poll_milliseconds = int(given.get("poll_milliseconds", pace.poll_milliseconds))
        return JSONResponse(
            {
                "operation_seconds": self._pace.operation_seconds,
                "poll_milliseconds": self._pace.poll_milliseconds,
            }
        )
