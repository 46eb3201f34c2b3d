"""The OpenAPI document: kept in the repository, valid, and what the app does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.function_app.test_layout import run_python

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"status"}
"""Older than the document: what it tells is in `models` and what lies below."""
KEPT = ROOT / "docs" / "reference" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of the repository."""
    found: dict[str, Any] = json.loads(KEPT.read_text())
    return found


def test_what_is_kept_is_what_the_code_gives() -> None:
    """Whoever reads the repository reads what the app serves; else `make openapi`."""
    ran = run_python("import function_app.api.document as d; print(d.document_text(), end='')")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == KEPT.read_text()


def test_document_is_valid(document: dict[str, Any]) -> None:
    """It is OpenAPI 3.1 as the specification has it."""
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_field_of_an_answer_is_always_there(document: dict[str, Any]) -> None:
    """What is not known is null, so that no reader has to tell missing from unknown."""
    schemas = document["components"]["schemas"]
    may_be_left_out = {"Problem", "OrderRequest"}
    for name, schema in schemas.items():
        if "properties" in schema and name not in may_be_left_out:
            assert set(schema["required"]) == set(schema["properties"]), name


def test_every_operation_says_what_can_go_wrong(document: dict[str, Any]) -> None:
    """Problems are problem+json, reads have an ETag and a 304, and keys are asked for."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            responses = operation["responses"]
            for status, response in responses.items():
                if int(status) >= 400 and status != "401":
                    assert list(response["content"]) == ["application/problem+json"], path
            if operation.get("security") != []:
                assert "401" in responses, path
            if method == "get" and path != "/api/health":
                assert {"ETag", "Cache-Control"} <= set(responses["200"]["headers"])
                assert "content" not in responses["304"]


def test_every_http_function_is_in_the_document(document: dict[str, Any]) -> None:
    """What the app serves is what is told: name, method, route and whether a key is asked for."""
    code = (
        "import json, function_app as f\n"
        "print(json.dumps({x.get_function_name(): x.get_trigger().get_dict_repr() "
        "for x in f.app.get_functions()}, default=str))"
    )
    ran = run_python(code)
    assert ran.returncode == 0, ran.stderr
    served = {
        name: (trigger["route"].replace("{*id}", "{id}"), "ANONYMOUS" in trigger["authLevel"])
        for name, trigger in json.loads(ran.stdout).items()
        if trigger["type"] == "httpTrigger" and name not in LEFT_OUT
    }
    told = {
        operation["operationId"]: (path.removeprefix("/api/"), operation.get("security") == [])
        for path, methods in document["paths"].items()
        for operation in methods.values()
    }
    assert served == told
