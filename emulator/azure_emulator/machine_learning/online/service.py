"""Everything about online endpoints, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .deployments import OnlineDeployments
from .endpoints import OnlineEndpoints
from .keys import EndpointKeys
from .scoring import Scoring
from .serving import Serving
from .serving_control import ServingControl

if TYPE_CHECKING:
    from starlette.routing import Route

    from ...context import Context
    from ...router import Operation
    from ..uris import Places


class OnlineService:
    """Endpoints and deployments in ARM, their processes, and scoring."""

    def __init__(self, context: Context, places: Places) -> None:
        self._context = context
        self._serving = Serving(context, places)
        self._endpoints = OnlineEndpoints(context, self._serving)
        self._keys = EndpointKeys(context, self._serving)
        self._deployments = OnlineDeployments(context, self._serving)

    def operations(self) -> list[Operation]:
        """Give the operations of the control plane."""
        controllers = (self._endpoints, self._keys, self._deployments)
        return [operation for each in controllers for operation in each.operations()]

    def routes(self) -> list[Route]:
        """Give the routes of scoring, and those below `/_emulator/deployments`."""
        scoring = Scoring(self._serving, self._context.faults)
        return [*scoring.routes(), *ServingControl(self._serving).routes()]

    def resume(self) -> None:
        """Take up the operations of an earlier process and serve what it served."""
        self._endpoints.resume()
        self._keys.resume()
        self._deployments.resume()

    def stopping(self) -> None:
        """Expect the end: work that is broken off now has not failed."""
        self._serving.stopping = True

    async def stop(self) -> None:
        """Stop all processes."""
        await self._serving.stop()
