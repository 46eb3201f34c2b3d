"""The HTTP face of the scoring service: `/score`, health, `/schema`, `/serving`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from backend.following import Follower
from backend.model_folder import ModelFolderError
from backend.models import Models, Served
from backend.openapi import described
from backend.problems import Problem
from backend.rows import Batch
from backend.scoring import Scorer, load_scorer
from backend.settings import Settings

LOOP_ROWS_MAX = 200
"""Larger batches are scored in a thread, so that the health probes stay quick meanwhile."""

DISCARDED_LIMITS_MAX = 4
"""How far too large a body is still read to its end, so that its sender hears why."""

DEPLOYMENT_HEADER = "azureml-model-deployment"
"""Asks for a deployment by name, and says which one answered; as managed endpoints have it."""

_log = logging.getLogger("backend")


class ScoringService(FastAPI):
    """FastAPI whose OpenAPI document shows the columns of the model that is loaded."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.models = Models()
        super().__init__(
            title="Noon scoring service",
            version="1",
            lifespan=lambda _: _loading(settings, self.models),
            docs_url=None,  # both pages load scripts from elsewhere
            redoc_url=None,
        )

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with `/score` as the loaded model wants it."""
        champion = self.models.champion
        return described(super().openapi(), champion.scorer.schema if champion else None)


def create_app(settings: Settings) -> ScoringService:
    """The service for one set of settings; the model is loaded when it starts."""
    app = ScoringService(settings)
    _add_health(app)
    if settings.serving_url:
        _add_serving(app)
    # A plain route: FastAPI's own reading of bodies would cost more than the model does.
    app.add_route("/score", _score, methods=["POST"])
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _failure)
    return app


def _add_health(app: ScoringService) -> None:
    @app.get("/health/live", summary="Whether the process answers")
    async def live() -> JSONResponse:
        return JSONResponse({"status": "live"})

    @app.get("/health/ready", summary="Whether the model is loaded and answers its sample rows")
    async def ready() -> Response:
        champion = app.models.champion
        if champion is None and not app.models.awaited:
            return app.models.not_ready_response()
        name = champion.scorer.schema.model if champion else None
        return JSONResponse({"status": "ready", "model": name})

    @app.get("/schema", summary="The model's schema.json")
    async def schema() -> Response:
        champion = app.models.champion
        if champion is None:
            return app.models.not_ready_response()
        return Response(champion.scorer.schema_content, media_type="application/json")


def _add_serving(app: ScoringService) -> None:
    @app.get("/serving", summary="Which of the published models are loaded")
    async def serving() -> JSONResponse:
        refused = app.models.refused.items()
        return JSONResponse(
            {
                "environment": app.settings.environment_version,
                "champion": _named(app.models.champion),
                "challenger": _named(app.models.challenger),
                "refused": [{"digest": digest, "reason": why} for digest, why in refused],
            }
        )


def _named(served: Served | None) -> dict[str, object] | None:
    if served is None:
        return None
    return {
        "version": served.version,
        "digest": served.digest,
        "deployment": served.deployment,
    }


async def _score(request: Request) -> Response:
    app: ScoringService = request.app
    body = await _limited_body(request, app.settings.body_bytes_max)
    if isinstance(body, Problem):
        # The rest of the body may still be on its way; nobody will read it.
        return body.response({"Connection": "close"})
    # In an endpoint's container the header is the platform's: it has chosen by it already.
    wanted = request.headers.get(DEPLOYMENT_HEADER, "") if app.settings.serving_url else ""
    served = app.models.chosen(wanted)
    if isinstance(served, Problem):
        return served.response({"Retry-After": "1"} if served.status == 503 else None)
    headers = {DEPLOYMENT_HEADER: served.deployment} if served.deployment else {}
    request.state.headers = headers
    batch = served.scorer.reader.read(body)
    if isinstance(batch, Problem):
        return batch.response(headers)
    content = await _scored(served.scorer, batch)
    return Response(content, headers=headers, media_type="application/json")


async def _scored(scorer: Scorer, batch: Batch) -> bytes:
    if len(batch) <= LOOP_ROWS_MAX:
        return scorer.score(batch)
    return await asyncio.to_thread(scorer.score, batch)


async def _limited_body(request: Request, bytes_max: int) -> bytes | Problem:
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        return Problem(415, "Content-Encoding is not supported", "Send the body as it is.")
    body = bytearray()
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received <= bytes_max:
                body += chunk
            elif received > bytes_max * DISCARDED_LIMITS_MAX:
                break
    except ClientDisconnect:
        return Problem(400, "The body ended early")
    if received > bytes_max:
        return Problem(413, "The body is too large", f"At most {bytes_max} bytes a request.")
    return bytes(body)


@contextlib.asynccontextmanager
async def _loading(settings: Settings, models: Models) -> AsyncIterator[None]:
    # Not awaited: the probes answer from the first moment, and say that it is not ready yet.
    if settings.serving_url:
        task = asyncio.create_task(Follower(settings, models).run())
    else:
        task = asyncio.create_task(_load(settings, models))
    try:
        yield
    finally:
        if settings.serving_url:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _load(settings: Settings, models: Models) -> None:
    try:
        models.champion = Served(await asyncio.to_thread(load_scorer, settings))
    except ModelFolderError as error:
        models.reason = str(error)
        _log.error("not ready: %s", error)
    except Exception as error:
        models.reason = f"the model could not be loaded: {error}"
        _log.exception("not ready")


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Problem(error.status_code, error.detail).response(error.headers)


async def _failure(request: Request, error: Exception) -> Response:
    # Signed like any answer: whoever counts failures wants to know whose they are.
    headers = getattr(request.state, "headers", None)
    return Problem(500, "The service failed", type(error).__name__).response(headers)


app = create_app(Settings.from_environment(os.environ))
