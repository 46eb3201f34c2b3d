"""A directive that writes the reference of the HTTP API from its OpenAPI document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noon_reference import Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sphinx.application import Sphinx

DOCUMENT = Path(__file__).resolve().parents[1] / "reference" / "openapi.json"
KINDS = {"string": "text", "integer": "whole number", "boolean": "true or false"}


class Operations(Written):
    """Every operation with its parameters and answers."""

    def lines(self) -> Iterator[str]:
        """Give a part for each operation."""
        for path, methods in _document()["paths"].items():
            for method, operation in methods.items():
                yield from _operation(f"{method.upper()} {path}", operation)


class Schemas(Written):
    """Every type of what travels, with its fields."""

    def lines(self) -> Iterator[str]:
        """Give a table for each type that has fields, and a line for each list of words."""
        for name, schema in _document()["components"]["schemas"].items():
            if "properties" not in schema and "enum" not in schema:
                continue
            yield from (f"```{{rubric}} {name}", "```", "", _words(schema), "")
            if "enum" in schema:
                yield from (", ".join(f"`{value}`" for value in schema["enum"]), "")
                continue
            yield from ("| field | | |", "|---|---|---|")
            for field, kind in schema["properties"].items():
                optional = "" if field in schema.get("required", ()) else " (may be left out)"
                yield f"| `{field}` | {_kind(kind)}{optional} | {_words(kind)} |"
            yield ""


class Problems(Written):
    """Every kind of problem that Noon itself gives, and what helps."""

    def lines(self) -> Iterator[str]:
        """Give one table."""
        from shared.application.problems import TYPE, WHAT_TO_DO

        yield from ("| type | what to do |", "|---|---|")
        for title, words in WHAT_TO_DO.items():
            yield f"| `{TYPE}{title.lower().replace(' ', '-')}` | {_cell(words)} |"
        yield ""


def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return found


def _operation(title: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"```{{rubric}} {title}", "```", "", f"{operation['summary']}.", "")
    if "description" in operation:
        yield from (operation["description"], "")
    for parameter in operation.get("parameters", ()):
        kind = _kind(parameter["schema"])
        yield f"- `{parameter['name']}` ({parameter['in']}; {kind}): {parameter['description']}"
    if "requestBody" in operation:
        yield f"- body: {_content(operation['requestBody']['content'])}"
    yield from ("", "| status | | |", "|---|---|---|")
    for status, response in operation["responses"].items():
        content = _content(response.get("content", {}))
        yield f"| {status} | {content} | {_cell(response['description'])} |"
    yield ""


def _content(content: Mapping[str, Any]) -> str:
    return ", ".join(_kind(media["schema"]) for media in content.values())


def _kind(schema: Mapping[str, Any]) -> str:
    """What a value is, in a few words."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return "any JSON" if name == "JsonValue" else f"`{name}`"
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            kinds = dict.fromkeys(_kind(each) for each in schema[choice])
            return " or ".join(kind for kind in kinds if kind)
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"`{value}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("format") == "date-time":
        return "instant"
    if "pattern" in schema and "type" not in schema:
        return "cursor"
    return KINDS.get(str(schema.get("type", "")), str(schema.get("type", "any JSON")))


def _words(schema: Mapping[str, Any]) -> str:
    return _cell(str(schema.get("description", "")))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives to Sphinx."""
    app.add_directive("noon-operations", Operations)
    app.add_directive("noon-schemas", Schemas)
    app.add_directive("noon-problems", Problems)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
