"""Scoring: who may call, which deployment answers, and how its answers are wrapped."""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from http.client import responses
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...identity import read_claims
from ...router import Dropped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from ...faults import Fault, Faults
    from .containers import Container
    from .restarts import KeptContainer
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
WRAPPED = 424
SWAGGER = "/swagger.json"
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
        # Read first: from the choice on nothing waits, so a deployment that is deleted next
        # knows of this request and lets it end.
        body = await request.body()
        asked = request.headers.get(DEPLOYMENT_HEADER, "").lower()
        name = asked or endpoint.choose()
        if name is None:
            return _problem(404, "No deployment has traffic.")
        if name not in endpoint.containers:
            return self._absent(endpoint, name, asked=bool(asked))
        container = endpoint.containers[name].container
        path = "/" + request.path_params["path"]
        if path not in (container.spec.scoring_route, SWAGGER):
            return _problem(404, f"The scoring route is {container.spec.scoring_route}.")
        if not asked:
            self._mirror(endpoint, request, body)
        response = await self._limited(endpoint, name, request, body)
        response.headers[DEPLOYMENT_HEADER] = endpoint.names[name]
        return response

    def _absent(self, endpoint: Endpoint, name: str, *, asked: bool) -> Response:
        status = 404 if asked else 500
        response = _problem(status, f"The deployment '{name}' does not run.")
        if name in endpoint.traffic:
            response.headers[DEPLOYMENT_HEADER] = endpoint.names[name]
        return response

    def _mirror(self, endpoint: Endpoint, request: Request, body: bytes) -> None:
        for name, percent in endpoint.mirror.items():
            present = name in endpoint.containers
            if present and random.random() * 100 < percent:  # noqa: S311 - no secret
                task = asyncio.create_task(self._limited(endpoint, name, request, body))
                self._mirrored.add(task)
                task.add_done_callback(self._mirrored.discard)

    async def _limited(
        self, endpoint: Endpoint, name: str, request: Request, body: bytes
    ) -> Response:
        """Refuse what is too much: twice as many as may run at once wait or run."""
        kept = endpoint.containers[name]
        container = kept.container
        if container.in_flight >= container.spec.concurrency * IN_FLIGHT_PER_SLOT:
            return _problem(429, "Too many pending requests.")
        container.in_flight += 1
        try:
            async with asyncio.timeout(container.spec.request_timeout_seconds):
                async with container.slots:
                    fault = self._faults.take(f"Scoring.{endpoint.name}.{name}")
                    if fault:
                        return await self._with_fault(fault, kept, request, body)
                    return await self._forward(container, request, body)
        except TimeoutError:
            return _problem(408, "The request took longer than the deployment's request_timeout.")
        finally:
            container.in_flight -= 1

    async def _with_fault(
        self, fault: Fault, kept: KeptContainer, request: Request, body: bytes
    ) -> Response:
        """Play the fault; its delay is the container's time."""
        await asyncio.sleep(fault.delay_seconds)
        if fault.kill:
            kept.kill()
        if fault.drop == "before":
            return Dropped()
        if fault.status:
            message = fault.words("The deployment")
            if fault.by == "container":
                return _wrapped(fault.status, {"detail": message})
            return _problem(fault.status, message)
        started = time.perf_counter()
        response = await self._forward(kept.container, request, body)
        await asyncio.sleep((time.perf_counter() - started) * (fault.delay_factor - 1))
        return Dropped() if fault.drop else response

    async def _forward(self, container: Container, request: Request, body: bytes) -> Response:
        import aiohttp

        if not container.ready:
            return _wrapped(502, {"detail": "The container is not ready."})
        url = f"{container.url}/{request.path_params['path']}"
        if request.url.query:
            url += f"?{request.url.query}"
        try:
            async with self._serving.session.request(
                request.method,
                url,
                data=body or None,
                headers=_passed(request.headers.items()),
                allow_redirects=False,
            ) as answer:
                content = await answer.read()
        except aiohttp.ClientError as error:
            return _wrapped(502, {"detail": f"No answer: {type(error).__name__}."})
        passed = dict(_passed(answer.headers.items()))
        if answer.status == 200:
            return Response(content, 200, passed)
        passed[STATUS_HEADER] = str(answer.status)
        passed[REASON_HEADER] = answer.reason or ""
        return Response(content, WRAPPED, passed)


def _passed(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in NOT_FORWARDED]


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


def _wrapped(status: int, body: object) -> Response:
    """Give the answer in which a status of the container reaches the caller."""
    headers = {STATUS_HEADER: str(status), REASON_HEADER: responses.get(status, "")}
    return JSONResponse(body, WRAPPED, headers)


def _problem(status: int, message: str) -> Response:
    return JSONResponse({"error": {"code": str(status), "message": message}}, status)
