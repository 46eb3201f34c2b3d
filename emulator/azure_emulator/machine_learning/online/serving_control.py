"""Control routes of the deployments' processes: who runs, kill, pause, resume."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from .restarts import KeptContainer
    from .serving import Serving

TIMES = {"kill": "down_seconds", "pause": "seconds", "resume": ""}
"""What each order may say besides."""


class ServingControl:
    """Everything below `/_emulator/deployments`."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def routes(self) -> list[Route]:
        """Give the routes."""
        root = "/_emulator/deployments"
        return [
            Route(root, self.list, methods=["GET"]),
            Route(root + "/{endpoint}/{deployment}/{verb}", self.order, methods=["POST"]),
        ]

    async def list(self, _: Request) -> JSONResponse:
        """Give what runs, with its state."""
        value = [
            _shown(endpoint.name, endpoint.names[name], kept)
            for endpoint in self._serving.endpoints
            for name, kept in endpoint.containers.items()
        ]
        return JSONResponse({"value": value})

    async def order(self, request: Request) -> JSONResponse:
        """Kill, pause or resume one deployment's processes."""
        path = request.path_params
        endpoint = self._serving.find(path["endpoint"])
        name = path["deployment"].lower()
        kept = endpoint.containers.get(name) if endpoint else None
        if endpoint is None or kept is None:
            return JSONResponse({"error": "no such deployment runs"}, 404)
        content = await request.body()
        try:
            _obey(kept, path["verb"], json.loads(content) if content else {})
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(_shown(endpoint.name, endpoint.names[name], kept))


def _obey(kept: KeptContainer, verb: str, given: Any) -> None:
    orders = {"kill": kept.kill, "pause": kept.pause, "resume": kept.resume}
    if verb not in orders:
        raise ValueError(f"an order is one of {', '.join(orders)}")
    known = TIMES[verb]
    if not isinstance(given, dict) or not given.keys() <= {known}:
        raise ValueError(f"{verb} says {known!r} or nothing" if known else f"{verb} says nothing")
    for name, value in given.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        if value is not None and not number:
            raise ValueError(f"{name!r} is a number of seconds, or null")
    orders[verb](**given)


def _shown(endpoint: str, deployment: str, kept: KeptContainer) -> dict[str, Any]:
    return {
        "endpoint": endpoint,
        "deployment": deployment,
        "state": kept.state,
        "restarts": kept.restarts,
        "in_flight": kept.container.in_flight,
        "pid": kept.container.pid,
    }
