"""The part of the OpenAPI document that FastAPI cannot derive: `/score` for one model."""

from __future__ import annotations

from typing import Any

from backend.model_folder import Feature, ModelSchema
from backend.problems import MEDIA_TYPE
from backend.rows import FLOAT32_LIMIT
from backend.settings import Settings

_REFUSALS = {
    "400": "Not JSON, or not whole",
    "404": "A deployment that is not loaded",
    "408": "A body that did not arrive in time",
    "413": "Too many bytes or rows",
    "415": "An encoded body",
    "422": "Rows that do not fit the model, each mistake by row and column",
    "429": "Too many requests are waiting; Retry-After says when to come again",
    "500": "The model failed on these rows",
    "503": "The model is not ready",
}
_STRANGERS = {
    "401": "No key or token, or one that is not valid here",
    "403": "A token without the role",
}


def described(
    document: dict[str, Any], schemas: dict[str, ModelSchema | None], settings: Settings
) -> dict[str, Any]:
    """The document with the scoring paths in it; without a model its rows are any objects."""
    guarded = settings.access.kind != "off"
    paths = {
        path: {"post": _operation(path, schema, settings.rows_max)}
        for path, schema in schemas.items()
    }
    document = {**document, "paths": {**document["paths"], **paths}}
    refusals = _problems({"404": "There is no such model", "503": "The model is not ready"})
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"].update(_problems(_STRANGERS) if guarded else {})
            if path not in paths and ("schema" in path or "{" in path or path.endswith("ready")):
                operation["responses"].update(refusals)
    if guarded:
        scheme = {"type": "http", "scheme": "bearer"}
        document["components"] = {
            **document.get("components", {}),
            "securitySchemes": {"bearer": scheme},
        }
        document["security"] = [{"bearer": []}]
    return document


def _problems(texts: dict[str, str]) -> dict[str, Any]:
    problem = {"content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    return {status: {"description": text, **problem} for status, text in texts.items()}


def _operation(path: str, schema: ModelSchema | None, rows_max: int) -> dict[str, Any]:
    answer = _object({"predictions": {"type": "array", "items": _prediction(schema)}})
    # In words: a document with more rows is well formed, and refused with 413 and not with 422.
    limit = {"description": f"At most {rows_max}; more are 413."}
    rows = {"type": "array", "minItems": 1, "items": _row(schema), **limit}
    request = _object({"rows": rows})
    return {
        "summary": "Predictions for rows, in their order",
        "operationId": path.strip("/").replace("/", "_"),
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {
            "200": {
                "description": "One prediction for each row",
                "content": {"application/json": {"schema": answer}},
            },
            **_problems(_REFUSALS),
        },
    }


def _row(schema: ModelSchema | None) -> dict[str, Any]:
    if schema is None:
        return {"type": "object"}
    return _object({feature.name: _column(feature) for feature in schema.features})


def _column(feature: Feature) -> dict[str, Any]:
    column: dict[str, Any] = {"type": ["string", "null"]}
    if feature.kind == "number":
        # Whatever the training saw, the model takes every number that its 32 bits hold.
        limits = {"exclusiveMinimum": -FLOAT32_LIMIT, "exclusiveMaximum": FLOAT32_LIMIT}
        column = {"type": ["number", "null"], **limits}
    if feature.example is not None:
        column["examples"] = [feature.example]
    return column


def _prediction(schema: ModelSchema | None) -> dict[str, Any]:
    if schema is None:
        return {"type": "object"}
    if schema.task == "regression":
        return _object({"value": {"type": "number"}})
    share = {"type": "number", "minimum": 0, "maximum": 1}
    return _object(
        {
            "label": {"enum": schema.classes},
            "probabilities": _object(dict.fromkeys(schema.class_keys(), share)),
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_CELL_ERROR = _object(
    {
        "row": {"type": ["integer", "null"]},
        "column": {"type": ["string", "null"]},
        "reason": {"type": "string"},
    }
)
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error_count": {"type": "integer"},
        "errors": {"type": "array", "items": _CELL_ERROR},
    },
    "required": ["type", "title", "status"],
}
