"""The OpenAPI document, made of the operations and of the types of what travels."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from function_app.api.base import Problem
from function_app.api.operations import OPERATIONS, Operation
from function_app.api.parameters import Parameter

VERSION = "1.0.0"
"""Of the API: the first number grows when a caller must change something."""
REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = """\
What the web page, the command line and scripts ask of Noon.

Reads are answered from Noon's own tables and files: a bounded number of storage calls however long
the history is, and no call to Azure ML. Each has an `ETag`; who sends it back in `If-None-Match`
gets 304 and no body while nothing has changed. Instants are in UTC. Every error that Noon itself
gives is `application/problem+json` (RFC 9457) and says what to do; a missing or wrong key is the
Functions host's own 401 without a body.

Keys: every function has one of its own, and the host's default key opens all of them. Give people
who only look and predict the keys of these functions, and the keys of `train` and `rollout` to
those who may order something. The master key is for neither.
"""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Noon", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": "/", "description": "The function app"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-functions-key"}
            },
        },
    }


@cache
def document_text() -> str:
    """The document as it is served and kept."""
    return json.dumps(document(), indent=1) + "\n"


class _Plain(GenerateJsonSchema):
    """Without a title for every field, which only says its name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base's
        """Give no field a title."""
        return False


def _schemas() -> dict[str, Any]:
    sent: list[type[BaseModel]] = [Problem]
    sent += [each.answer for each in OPERATIONS if each.answer is not None]
    asked = [each.body for each in OPERATIONS if each.body is not None]
    pairs: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    pairs += [(model, "serialization") for model in dict.fromkeys(sent)]
    pairs += [(model, "validation") for model in dict.fromkeys(asked)]
    _, schema = models_json_schema(pairs, ref_template=REFERENCE, schema_generator=_Plain)
    found: dict[str, Any] = schema["$defs"]
    return dict(sorted(found.items()))


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [_parameter(each) for each in operation.parameters]
    if operation.cached:
        parameters.append(_KNOWN)
    told: dict[str, Any] = {"operationId": operation.function, "summary": operation.summary}
    if operation.description:
        told["description"] = operation.description
    if operation.open_to_all:
        told["security"] = []
    if parameters:
        told["parameters"] = parameters
    if operation.body is not None:
        told["requestBody"] = {"required": True, "content": _content(operation.body)}
    return {**told, "responses": _responses(operation)}


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": operation.summary}
    if operation.answer is not None:
        good["content"] = _content(operation.answer)
    else:
        good["content"] = {"application/json": {"schema": {"type": "object"}}}
    responses: dict[str, Any] = {str(operation.status): good}
    if operation.cached:
        good["headers"] = _CACHED
        responses["304"] = {"description": "Nothing has changed", "headers": _CACHED}
    if not operation.open_to_all:
        responses["401"] = {"description": "The key is missing or wrong; there is no body"}
    for status, text in sorted(operation.problems.items()):
        content = _content(Problem, "application/problem+json")
        responses[str(status)] = {"description": text, "content": content}
        if status in (429, 503):
            responses[str(status)]["headers"] = _LATER
    return responses


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
        **parameter.style,
    }


def _content(model: type[BaseModel], media_type: str = "application/json") -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}


_KNOWN = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of an answer that the caller has already; browsers send it",
    "schema": {"type": "string"},
}
_CACHED = {
    "ETag": {"description": "Changes with the body", "schema": {"type": "string"}},
    "Cache-Control": {"schema": {"type": "string", "const": "private, no-cache"}},
}
_LATER = {"Retry-After": {"description": "In so many seconds", "schema": {"type": "string"}}}
