"""Control routes for tests and people: what was accepted, sending again, pace, order, clock."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .api import read_object, refusing
from .errors import malformed

if TYPE_CHECKING:
    from starlette.requests import Request

    from .service import EventGrid


class EventGridControl:
    """Everything below `/_emulator/events`."""

    def __init__(self, grid: EventGrid) -> None:
        self._grid = grid

    def routes(self) -> list[Route]:
        """Return the routes."""
        base = "/_emulator/events"
        return [
            Route(base, refusing(self._events), methods=["GET"]),
            Route(f"{base}/redeliver", refusing(self._redeliver), methods=["POST"]),
            Route(f"{base}/settings", refusing(self._settings), methods=["GET", "PUT"]),
            Route(f"{base}/clock", refusing(self._clock), methods=["GET", "POST"]),
        ]

    async def _events(self, request: Request) -> Response:
        wanted = request.query_params.get("type", "").lower()
        report = [
            each
            for each in self._grid.journal.report()
            if wanted in ("", each["eventType"].lower())
        ]
        return JSONResponse({"value": report, "probation": self._grid.resting()})

    async def _redeliver(self, request: Request) -> Response:
        body = await read_object(request)
        ids, every = body.get("ids"), bool(body.get("all"))
        if every == (ids is not None):
            raise malformed("Give either 'ids' or 'all': true.")
        sent = await self._grid.redeliver(
            None if every else {str(each) for each in ids or ()},
            body.get("type"),
            int(body.get("times", 1)),
            reverse=bool(body.get("reverse")),
        )
        return JSONResponse({"sent": sent})

    async def _settings(self, request: Request) -> Response:
        if request.method == "PUT":
            try:
                self._grid.chosen.update(await read_object(request))
            except ValueError as error:
                raise malformed(str(error)) from None
            self._grid.wake()
        return JSONResponse(asdict(self._grid.chosen))

    async def _clock(self, request: Request) -> Response:
        if request.method == "POST":
            seconds = (await read_object(request)).get("advance_seconds")
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
                raise malformed("advance_seconds is a number of at least 0.")
            self._grid.clock.advance(seconds)
            self._grid.wake()
        return JSONResponse({"now": self._grid.clock.now().isoformat()})
