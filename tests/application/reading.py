"""Reads a control plane as the API does, and holds the answer to its published schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from shared.application.plane import ControlPlane
from tests.application.conftest import World
from tests.application.counting import Calls, counted

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
SCHEMAS: dict[str, Any] = json.loads(DOCUMENT.read_text())["components"]["schemas"]

Look = Callable[[ControlPlane], dict[str, Any]]


def fits(content: object, name: str) -> None:
    """The content is what the document says of a schema."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    wrong = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(content)]
    assert wrong == []


def told(world: World, look: Look, name: str) -> tuple[dict[str, Any], Calls]:
    """What is read, as it travels, and the calls that it took; none of them is of Azure ML."""
    plane, calls = counted(world.plane)
    text = json.dumps(look(plane), default=_text)
    content: dict[str, Any] = json.loads(text)
    fits(content, name)
    assert calls.azure_ml == 0
    return content, calls


def _text(value: object) -> str:
    assert isinstance(value, datetime), value
    return value.isoformat()
