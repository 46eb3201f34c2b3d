"""Routes of the emulator itself: health, the log of calls, faults, speed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from .fault_presets import PRESETS
from .fault_rules import BadRuleError

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
            Route("/_emulator/fault-presets", self.presets, methods=["GET"]),
            Route("/_emulator/pace", self.pace, methods=["GET", "PUT"]),
        ]

    async def health(self, _: Request) -> JSONResponse:
        """Say that we are here."""
        return JSONResponse({"status": "ok"})

    async def requests(self, _: Request) -> JSONResponse:
        """Give the number of calls by operation and the last calls."""
        counts = dict(self._log.counts)
        return JSONResponse(
            {
                "total": sum(counts.values()),
                "counts": counts,
                "unsupported": dict(self._log.unsupported),
                "recent": list(self._log.recent),
            }
        )

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
            if not isinstance(rule, dict):
                raise BadRuleError("A rule is a JSON object.", 'As in {"operation": "Jobs.Get"}.')
            return JSONResponse({"id": self._faults.add(rule)}, 201)
        except (TypeError, ValueError) as error:
            hint = error.hint if isinstance(error, BadRuleError) else ""
            return JSONResponse({"error": str(error), "hint": hint}, 400)

    async def presets(self, _: Request) -> JSONResponse:
        """Give the rules that have names."""
        value = [
            {"name": name, "meaning": preset.meaning, "rule": preset.rule}
            for name, preset in PRESETS.items()
        ]
        return JSONResponse({"value": value})

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
            try:
                given = _paces(json.loads(await request.body()))
            except (TypeError, ValueError) as error:
                return JSONResponse({"error": str(error)}, 400)
            for name, value in given.items():
                setattr(self._pace, name, value)
        return JSONResponse({name: getattr(self._pace, name) for name in PACES})


def _paces(given: Any) -> dict[str, float]:
    if not isinstance(given, dict) or not given.keys() <= PACES.keys():
        raise ValueError(f"A pace says {', '.join(PACES)}.")
    values = {name: PACES[name](value) for name, value in given.items()}
    if any(value < 0 for value in values.values()):
        raise ValueError("A pace is at least 0.")
    return values
