"""The HTTP face of the scoring service: FastAPI for everything but the scoring itself."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from backend.access import guard_from
from backend.loading import Loading
from backend.models import Models, Served
from backend.openapi import described
from backend.problems import Problem
from backend.route import Receive, Scope, ScoreRoute, Send
from backend.settings import Settings
from backend.tracing import tracing_from_environment

PROBES = ("/health/live", "/health/ready")
"""What whoever starts the container asks without knowing a key."""


class ScoringService(FastAPI):
    """FastAPI whose OpenAPI document shows the columns of the models that are loaded."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self.settings = settings
        self.loading = Loading(settings)
        self.tracing = tracing_from_environment(environment)
        self._guarded = settings.access.kind != "off"
        self.scoring = ScoreRoute(settings, guard_from(settings.access), self.tracing)
        super().__init__(
            title="Noon scoring service",
            version="1",
            lifespan=lambda _: self._running(),
            docs_url=None,  # both pages load scripts from elsewhere
            redoc_url=None,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: to a model without a detour, or to FastAPI's routes."""
        if scope["type"] == "http":
            models = self.loading.by_path.get(scope["path"])
            if models is not None:
                await self.scoring.answer(models, scope, receive, send)
                return
            if self._guarded and scope["path"] not in PROBES:
                stranger = await self.scoring.stranger(dict(scope["headers"]))
                if stranger is not None:
                    await stranger.response()(scope, receive, send)
                    return
        await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with a scoring path for each model as it is loaded."""
        paths = {
            path: models.champion.scorer.schema if models.champion else None
            for path, models in sorted(self.loading.by_path.items())
        }
        return described(super().openapi(), paths, self.settings)

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        async with self.loading.running():
            yield
        self.scoring.admission.thread.shutdown(wait=False)
        if self.tracing is not None:
            self.tracing.close()


def create_app(settings: Settings, environment: Mapping[str, str] | None = None) -> ScoringService:
    """The service for one set of settings; its models are loaded when it starts.

    The environment is asked for OpenTelemetry's own variables alone.
    """
    app = ScoringService(settings, environment or {})
    _add_health(app)
    _add_models(app)
    _add_metrics(app)
    if settings.serving_urls:
        _add_serving(app)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _failure)
    return app


def _add_health(app: ScoringService) -> None:
    @app.get("/health/live", summary="Whether the process answers")
    async def live() -> JSONResponse:
        return JSONResponse({"status": "live"})

    @app.get("/health/ready", summary="Whether the models are loaded and answer their sample rows")
    async def ready() -> Response:
        if app.scoring.draining:
            return Problem(503, "The service is shutting down").response()
        for models in app.loading.all:
            if not models.ready:
                return models.not_ready().response()
        first = app.loading.all[0]
        names = [models.name or None for models in app.loading.all if models.champion]
        more = {"models": names} if len(app.loading.all) > 1 else {}
        name = first.champion.scorer.schema.model if first.champion else None
        return JSONResponse({"status": "ready", "model": None if more else name, **more})


def _add_models(app: ScoringService) -> None:
    @app.get("/schema", summary="The model's schema.json")
    async def schema() -> Response:
        return _schema(app.loading.by_path.get("/score"))

    @app.get("/models", summary="The models, and the paths under which they are asked")
    async def models() -> JSONResponse:
        paths = {each.name: path for path, each in app.loading.by_path.items() if path != "/score"}
        return JSONResponse(
            {
                "models": [
                    {
                        "name": each.name,
                        "score": paths.get(each.name, "/score"),
                        "ready": each.champion is not None,
                    }
                    for each in app.loading.all
                    if each.name
                ]
            }
        )

    @app.get("/models/{name}/schema", summary="The schema.json of one of the models")
    async def named_schema(name: str) -> Response:
        return _schema(app.loading.by_path.get(f"/models/{name}/score"))


def _schema(models: Models | None) -> Response:
    if models is None:
        detail = "GET /models lists those that there are."
        return Problem(404, "There is no such model", detail).response()
    if models.champion is None:
        return models.not_ready().response()
    return Response(models.champion.scorer.schema_content, media_type="application/json")


def _add_metrics(app: ScoringService) -> None:
    @app.get(
        "/metrics",
        summary="Counts of requests, in Prometheus' text format",
        response_class=PlainTextResponse,
    )
    async def metrics() -> Response:
        from backend.metrics import CONTENT_TYPE, Metrics

        if not hasattr(app.state, "metrics"):
            app.state.metrics = Metrics(lambda: app.loading.all)
        return Response(app.state.metrics.rendered(), headers={"content-type": CONTENT_TYPE})


def _add_serving(app: ScoringService) -> None:
    @app.get("/serving", summary="Which of the published models are loaded")
    async def serving() -> JSONResponse:
        return JSONResponse(_serving(app, app.loading.all[0]))

    @app.get("/models/{name}/serving", summary="The same for one of several models")
    async def named_serving(name: str) -> Response:
        models = app.loading.by_path.get(f"/models/{name}/score")
        if models is None:
            return _schema(None)
        return JSONResponse(_serving(app, models))


def _serving(app: ScoringService, models: Models) -> dict[str, object]:
    return {
        "environment": app.settings.environment_version,
        "champion": _named(models.champion),
        "challenger": _named(models.challenger),
        "refused": [{"digest": digest, "reason": why} for digest, why in models.refused.items()],
    }


def _named(served: Served | None) -> dict[str, object] | None:
    if served is None:
        return None
    return {
        "version": served.version,
        "digest": served.digest,
        "deployment": served.deployment,
    }


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Problem(error.status_code, error.detail).response(error.headers)


async def _failure(_: Request, error: Exception) -> Response:
    return Problem(500, "The service failed", type(error).__name__).response()


app = create_app(Settings.from_environment(os.environ), os.environ)
