"""Holds metrics.json to its published schema before anything reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

SCHEMA = Path(__file__).parent / "metrics.schema.json"


def check(document: dict[str, Any]) -> None:
    """Raises jsonschema's ValidationError, which says where, when the document is not valid."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
