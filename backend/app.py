"""The HTTP face of the scoring service: `/score`, `/health/live`, `/health/ready`, `/schema`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from backend.model_folder import ModelFolderError
from backend.openapi import described
from backend.problems import Problem
from backend.rows import Batch
from backend.scoring import Scorer, load_scorer
from backend.settings import Settings

LOOP_ROWS_MAX = 200
"""Larger batches are scored in a thread, so that the health probes stay quick meanwhile."""

DISCARDED_LIMITS_MAX = 4
"""How far too large a body is still read to its end, so that its sender hears why."""

_log = logging.getLogger("backend")


@dataclass(slots=True)
class ModelState:
    """The model once it is loaded; until then, why there is none."""

    scorer: Scorer | None = None
    reason: str = "the model is being loaded"

    def not_ready(self) -> Response:
        """The answer to whatever needs the model while there is none."""
        return Problem(503, "The model is not ready", self.reason).response({"Retry-After": "1"})


class ScoringService(FastAPI):
    """FastAPI whose OpenAPI document shows the columns of the model that is loaded."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.model = ModelState()
        super().__init__(
            title="Noon scoring service",
            version="1",
            lifespan=lambda _: _loading(settings, self.model),
            docs_url=None,  # both pages load scripts from elsewhere
            redoc_url=None,
        )

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with `/score` as the loaded model wants it."""
        scorer = self.model.scorer
        return described(super().openapi(), scorer.schema if scorer else None)


def create_app(settings: Settings) -> ScoringService:
    """The service for one set of settings; the model is loaded when it starts."""
    app = ScoringService(settings)
    _add_health(app)
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
        if app.model.scorer is None:
            return app.model.not_ready()
        return JSONResponse({"status": "ready", "model": app.model.scorer.schema.model})

    @app.get("/schema", summary="The model's schema.json")
    async def schema() -> Response:
        if app.model.scorer is None:
            return app.model.not_ready()
        return Response(app.model.scorer.schema_content, media_type="application/json")


async def _score(request: Request) -> Response:
    model: ModelState = request.app.model
    body = await _limited_body(request, request.app.settings.body_bytes_max)
    if isinstance(body, Problem):
        # The rest of the body may still be on its way; nobody will read it.
        return body.response({"Connection": "close"})
    if model.scorer is None:
        return model.not_ready()
    batch = model.scorer.reader.read(body)
    if isinstance(batch, Problem):
        return batch.response()
    return Response(await _scored(model.scorer, batch), media_type="application/json")


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
async def _loading(settings: Settings, model: ModelState) -> AsyncIterator[None]:
    # Not awaited: the probes answer from the first moment, and say that it is not ready yet.
    task = asyncio.create_task(_load(settings, model))
    try:
        yield
    finally:
        await task


async def _load(settings: Settings, model: ModelState) -> None:
    try:
        model.scorer = await asyncio.to_thread(load_scorer, settings)
    except ModelFolderError as error:
        model.reason = str(error)
        _log.error("not ready: %s", error)
    except Exception as error:
        model.reason = f"the model could not be loaded: {error}"
        _log.exception("not ready")


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Problem(error.status_code, error.detail).response(error.headers)


async def _failure(_: Request, error: Exception) -> Response:
    return Problem(500, "The service failed", type(error).__name__).response()


app = create_app(Settings.from_environment(os.environ))
