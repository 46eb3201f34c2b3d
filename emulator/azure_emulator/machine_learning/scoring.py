"""Scoring: who may call, which deployment answers, and how its answers are wrapped."""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..identity import read_claims
from ..router import Dropped

if TYPE_CHECKING:
    from starlette.requests import Request

    from ..faults import Faults
    from .containers import Container
    from .serving import Endpoint, Serving

AUDIENCE = "https://ml.azure.com"
DEPLOYMENT_HEADER = "azureml-model-deployment"
STATUS_HEADER = "ms-azureml-model-error-statuscode"
REASON_HEADER = "ms-azureml-model-error-reason"
# The last two: whether the container sees the token is not established, so it does not.
NOT_FORWARDED = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "upgrade",
    "content-length",
    "host",
    "authorization",
    DEPLOYMENT_HEADER,
}
IN_FLIGHT_PER_SLOT = 2


class Scoring:
    """Answers below `/inference/{endpoint}`, beside ARM and without its log."""

    def __init__(self, serving: Serving, faults: Faults) -> None:
        self._serving = serving
        self._faults = faults
        self._mirrored: set[asyncio.Task[Response]] = set()

    def routes(self) -> list[Route]:
        """Give the route of all endpoints."""
        path = "/inference/{endpoint}/{path:path}"
        return [Route(path, self.score, methods=["GET", "POST", "OPTIONS"])]

    async def score(self, request: Request) -> Response:
        """Pass one request to one deployment."""
        endpoint = self._serving.find(request.path_params["endpoint"])
        if endpoint is None:
            return _problem(404, "The endpoint does not exist.")
        if not _authorized(endpoint, request.headers.get("authorization", "")):
            return _problem(401, "Unauthorized: a valid key or token is needed.")
        asked = request.headers.get(DEPLOYMENT_HEADER, "").lower()
        name = asked or endpoint.choose()
        container = endpoint.containers.get(name) if name else None
        if name is None:
            return _problem(404, "No deployment has traffic.")
        if container is None:
            status = 404 if asked else 500
            return _problem(status, f"The deployment '{name}' does not run.")
        if "/" + request.path_params["path"] != container.spec.scoring_route:
            return _problem(404, f"The scoring route is {container.spec.scoring_route}.")
        body = await request.body()
        if not asked:
            self._mirror(endpoint, request, body)
        refusal = await self._fault(f"Scoring.{endpoint.name}.{name}")
        response = refusal or await self._limited(container, request, body)
        response.headers[DEPLOYMENT_HEADER] = endpoint.names[name]
        return response

    async def _fault(self, operation: str) -> Response | None:
        fault = self._faults.take(operation)
        if fault is None:
            return None
        await asyncio.sleep(fault.delay_seconds)
        if fault.drop:
            return Dropped()
        return _problem(fault.status, "Told to fail.") if fault.status else None

    def _mirror(self, endpoint: Endpoint, request: Request, body: bytes) -> None:
        for name, percent in endpoint.mirror.items():
            container = endpoint.containers.get(name)
            if container and random.random() * 100 < percent:  # noqa: S311 - no secret
                task = asyncio.create_task(self._limited(container, request, body))
                self._mirrored.add(task)
                task.add_done_callback(self._mirrored.discard)

    async def _limited(self, container: Container, request: Request, body: bytes) -> Response:
        """Refuse what is too much: twice as many as may run at once wait or run."""
        if container.in_flight >= container.spec.concurrency * IN_FLIGHT_PER_SLOT:
            return _problem(429, "Too many pending requests.")
        container.in_flight += 1
        try:
            async with asyncio.timeout(container.spec.request_timeout_seconds):
                async with container.slots:
                    return await self._forward(container, request, body)
        except TimeoutError:
            return _problem(408, "The request took longer than the deployment's request_timeout.")
        finally:
            container.in_flight -= 1

    async def _forward(self, container: Container, request: Request, body: bytes) -> Response:
        import aiohttp

        url = container.url + container.spec.scoring_route
        if request.url.query:
            url += f"?{request.url.query}"
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in NOT_FORWARDED
        ]
        try:
            async with self._serving.session.request(
                request.method, url, data=body or None, headers=headers, allow_redirects=False
            ) as answer:
                content = await answer.read()
        except aiohttp.ClientError as error:
            return _problem(500, f"The container does not answer: {type(error).__name__}.")
        passed = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in NOT_FORWARDED
        }
        if answer.status == 200:
            return Response(content, 200, passed)
        passed[STATUS_HEADER] = str(answer.status)
        passed[REASON_HEADER] = answer.reason or ""
        return Response(content, 424, passed)


def _authorized(endpoint: Endpoint, header: str) -> bool:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return False
    if endpoint.auth_mode == "Key":
        return any(hmac.compare_digest(token.encode(), key.encode()) for key in endpoint.keys)
    claims = read_claims(token)
    audience = AUDIENCE if endpoint.auth_mode == "AADToken" else endpoint.id
    fresh = float(claims.get("exp") or 0) > time.time()
    return fresh and str(claims.get("aud")).rstrip("/").lower() == audience.lower()


def _problem(status: int, message: str) -> Response:
    return JSONResponse({"error": {"code": str(status), "message": message}}, status)
