"""What the scoring service answers to requests that it cannot score."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GOOD = {"distance": 1089, "hour": 17, "origin": "JFK"}


def posted(service_client: Any, model_dir: Path, content: bytes, **limits: int) -> httpx.Response:
    """The answer to a raw body."""
    (response,) = all_posted(service_client, model_dir, [content], **limits)
    return response


def all_posted(
    service_client: Any, model_dir: Path, contents: list[bytes], **limits: int
) -> list[httpx.Response]:
    """The answers to raw bodies, from one service."""

    async def post() -> list[httpx.Response]:
        async with service_client(model_dir, **limits) as client:
            return [await client.post("/score", content=content) for content in contents]

    return asyncio.run(post())


def body(**changes: Any) -> bytes:
    """One good row with some columns changed; a change to `...` takes the column away."""
    row = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    return json.dumps({"rows": [row]}).encode()


def assert_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Every refusal is a problem document that repeats its status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["type"] == "about:blank"
    assert document["title"]
    return document


@pytest.mark.parametrize(
    ("content", "column", "reason"),
    [
        (body(distance="far"), "distance", "must be a number or null, not a string"),
        (body(distance=True), "distance", "must be a number or null, not a boolean"),
        (body(distance=[1]), "distance", "must be a number or null, not a list"),
        (body(distance={"km": 1}), "distance", "must be a number or null, not an object"),
        (body(distance=1e39), "distance", "is too large"),
        (body(distance=-1e39), "distance", "is too large"),
        (body(distance=10**400), "distance", "is too large"),
        (b'{"rows":[{"distance":1e400,"hour":1,"origin":"JFK"}]}', "distance", "is too large"),
        (body(origin=4), "origin", "must be a string or null, not a number"),
        (body(origin=False), "origin", "must be a string or null, not a boolean"),
        (body(distance=float("nan")), "distance", "NaN is not JSON"),
        (body(hour=float("inf")), "hour", "Infinity is not JSON"),
        (body(hour=float("-inf")), "hour", "-Infinity is not JSON"),
        (body(origin=float("nan")), "origin", "must be a string or null, not NaN"),
        (body(hour=...), "hour", "is missing"),
        (body(dep_delay=3), "dep_delay", "is not a column of this model"),
        (body(**{"x" * 500: 3}), "x" * 100 + "…", "is not a column of this model"),
        (b'{"rows":[7]}', None, "a row must be an object, not a number"),
        (b'{"rows":[null]}', None, "a row must be an object, not null"),
    ],
)
def test_a_bad_cell_is_named_by_row_and_column(
    backend_models: dict[str, Path], service_client: Any, content: bytes, column: Any, reason: str
) -> None:
    """The caller learns where the mistake is and what would be right."""
    document = assert_problem(posted(service_client, backend_models["late"], content), 422)
    (error,) = document["errors"]
    assert document["error_count"] == 1
    assert (error["row"], error["column"]) == (0, column)
    assert error["reason"].startswith(reason)


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "not JSON"),
        (b"distance=3", 400, "not JSON"),
        (b'{"rows":[', 400, "not JSON"),
        (b'{"rows":[]}x', 400, "not JSON"),
        (b'{"rows":["\xff"]}', 400, "not JSON"),
        (b'{"rows":["\\ud800"]}', 400, "not JSON"),
        (b"[" * 1_000_000, 400, "not JSON"),
        (b'{"rows":[' + b"9" * 100_000 + b"]}", 400, "not JSON"),
        (b"[]", 422, "must be an object"),
        (b"null", 422, "must be an object"),
        (b"{}", 422, "no rows"),
        (b'{"rows":[]}', 422, "rows is empty"),
        (b'{"rows":null}', 422, "rows must be a list"),
        (b'{"rows":NaN}', 422, "rows must be a list"),
        (b'{"rows":{}}', 422, "rows must be a list"),
        (b'{"rows":[],"data":1}', 422, "rows and nothing else"),
    ],
)
def test_a_body_without_rows_is_refused(
    backend_models: dict[str, Path], service_client: Any, content: bytes, status: int, words: str
) -> None:
    """What is not JSON is 400, JSON of another shape is 422; both say why."""
    response = posted(service_client, backend_models["late"], content)
    assert words in assert_problem(response, status)["title"]


def test_many_mistakes_are_counted_and_a_hundred_listed(
    backend_models: dict[str, Path], service_client: Any
) -> None:
    """A hopeless body gets a short answer that still says how hopeless it is."""
    content = json.dumps({"rows": [GOOD, *([{"hour": "x"}] * 200)]}).encode()
    document = assert_problem(posted(service_client, backend_models["late"], content), 422)
    assert document["error_count"] == 600
    assert len(document["errors"]) == 100
    assert document["errors"][0]["row"] == 1
    assert "first 100" in document["detail"]


def test_limits_are_inclusive(backend_models: dict[str, Path], service_client: Any) -> None:
    """Exactly the limit is answered, one more is 413, for rows and for bytes."""
    three = json.dumps({"rows": [GOOD] * 3}).encode()
    model_dir = backend_models["late"]
    assert posted(service_client, model_dir, three, rows_max=3).status_code == 200
    document = assert_problem(posted(service_client, model_dir, three, rows_max=2), 413)
    assert document["detail"] == "3 rows; at most 2 a request."
    size = len(three)
    assert posted(service_client, model_dir, three, body_bytes_max=size).status_code == 200
    document = assert_problem(
        posted(service_client, model_dir, three, body_bytes_max=size - 1), 413
    )
    assert str(size - 1) in document["detail"]


def test_an_encoded_body_is_refused_by_name(
    backend_models: dict[str, Path], service_client: Any
) -> None:
    """A compressed body is not mistaken for broken JSON."""

    async def post() -> httpx.Response:
        async with service_client(backend_models["late"]) as client:
            response: httpx.Response = await client.post(
                "/score", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}
            )
            return response

    assert_problem(asyncio.run(post()), 415)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/score", 405), ("POST", "/health/live", 405)]
)
def test_wrong_methods_and_paths_are_problems_too(
    backend_models: dict[str, Path], service_client: Any, method: str, path: str, status: int
) -> None:
    """No answer of the service needs another parser than the rest."""

    async def ask() -> tuple[httpx.Response, httpx.Response]:
        async with service_client(backend_models["late"]) as client:
            return await client.request(method, path), await client.get("/nothing")

    wrong, unknown = asyncio.run(ask())
    assert_problem(wrong, status)
    assert "Allow" in wrong.headers
    assert_problem(unknown, 404)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*GOOD, "rows", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(GOOD, JSON)) | JSON, max_size=4)
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON.map(json.dumps).map(str.encode),
    ROWS.map(lambda rows: json.dumps({"rows": rows}).encode()),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(contents=st.lists(BODIES, min_size=1, max_size=20))
def test_no_body_makes_the_service_fail(
    backend_models: dict[str, Path], service_client: Any, contents: list[bytes]
) -> None:
    """Garbage is the caller's mistake: 200, 400 or 422, never 5xx."""
    for response in all_posted(service_client, backend_models["late"], contents):
        assert response.status_code in {200, 400, 422}
        if response.status_code != 200:
            assert_problem(response, response.status_code)
