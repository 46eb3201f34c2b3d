"""How an answer becomes the worker's response, and a read model an answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import azure.functions as func

from shared.application.problems import COME_AGAIN, Answer, problem
from shared.bootstrap import runtime
from shared.domain.errors import MalformedError, NoonError, NotFoundError

NEVER_STALE = "private, no-cache"
"""A browser may keep it, and asks each time whether it is still so."""
EXPOSED = {"Access-Control-Expose-Headers": "ETag, Retry-After"}
"""Neither the platform nor `func start` lets the scripts of another origin read these by itself."""


def respond(answer: Answer, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """The answer in the worker's words."""
    later = {"Retry-After": answer.retry_after} if answer.retry_after else {}
    return func.HttpResponse(
        answer.body,
        status_code=answer.status,
        headers={**EXPOSED, **later, **(headers or {})},
        mimetype=answer.content_type,
    )


def respond_unless_known(req: func.HttpRequest, answer: Answer) -> func.HttpResponse:
    """The answer with its ETag; 304 without a body for a caller that has it already."""
    if answer.status != 200:
        return respond(answer, {"Cache-Control": "no-store"})
    etag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": NEVER_STALE}
    if _is_known(etag, req.headers.get("If-None-Match", "")):
        return func.HttpResponse(None, status_code=304, headers={**EXPOSED, **headers})
    return respond(answer, headers)


def read(
    req: func.HttpRequest, function: str, look: Callable[..., Mapping[str, Any]]
) -> func.HttpResponse:
    """What a function of the API reads, checked against its type; a problem when it cannot.

    `look` is called with the control plane and with what the query says, by name.
    """
    return respond_unless_known(req, _looked_up(req, function, look))


def read_of_model(
    req: func.HttpRequest, function: str, look: Callable[..., Mapping[str, Any]]
) -> func.HttpResponse:
    """The same of the model that the path names, which `look` is called with besides."""
    model = req.route_params["model"]
    return read(req, function, lambda plane, **page: look(plane, model, **page))


def _looked_up(
    req: func.HttpRequest, function: str, look: Callable[..., Mapping[str, Any]]
) -> Answer:
    # The types take a quarter of a second to make: not while the app starts.
    from function_app.api.operations import named

    operation = named(function)
    try:
        content = look(runtime().plane, **operation.asked(req.params))
    except MalformedError as error:
        return problem(400, "wrong parameter", str(error))
    except NotFoundError as error:
        return problem(404, _missing(str(error)), str(error))
    except NoonError as error:
        return problem(503, "cannot look it up", str(error), COME_AGAIN)
    assert operation.answer is not None, "a read has a type"
    return Answer(200, operation.answer.model_validate(content).model_dump_json().encode())


def _missing(text: str) -> str:
    """The kind of problem when something is not there."""
    if text.startswith("there is no model"):
        return "unknown model"
    return "no champion yet" if "no champion yet" in text else "no model folder"


def _is_known(etag: str, asked: str) -> bool:
    """Whether the caller has it: proxies that compress make an ETag weak, or add to it."""
    tags = [tag.strip().removeprefix("W/") for tag in asked.split(",")]
    return "*" in tags or etag in tags
