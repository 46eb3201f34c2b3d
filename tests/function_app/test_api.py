"""The API as callers meet it: over HTTP, from real tables, held to its own document."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.application.reading import fits
from tests.function_app.conftest import ROOT, Served
from tests.made_up_calls import made_up_calls

DOCUMENT = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text())
READS = {
    "/api/models": "Fleet",
    "/api/models/{model}": "ModelDetail",
    "/api/models/{model}/schema": "ModelSchema",
    "/api/models/{model}/versions": "Versions",
    "/api/models/{model}/runs": "Runs",
    "/api/models/{model}/rollout": "RolloutAnswer",
    "/api/models/{model}/decisions": "Decisions",
    "/api/why/{model}:1": "Chain",
}


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that was answered."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    fits(content, "Problem")
    assert content["status"] == status
    assert content["what_to_do"]
    return content


@pytest.mark.parametrize("path", READS)
def test_read_is_what_its_schema_says(served: Served, path: str) -> None:
    """Each answer, from the state of a real story, is valid by the document."""
    answer = served.get(path.format(model=served.model))
    assert answer.status_code == 200, answer.text
    fits(answer.json(), READS[path])
    assert answer.headers["cache-control"] == "private, no-cache"


def test_story_is_told_over_http(served: Served) -> None:
    """The champion rules, the canary soaks, the refused one is there with its reasons."""
    base = f"/api/models/{served.model}"
    shown = served.get(base).json()
    assert (shown["champion"]["version"], shown["rollout"]["phase"]) == (1, "canary")
    assert shown["next"]["action"] == "advance_rollout"
    judged = served.get(f"{base}/versions").json()["versions"]
    assert [each["role"] for each in judged] == ["rolling_out", "refused", "champion"]
    assert judged[0]["lineage"]["code_commit"] == "abc123"
    rollout = served.get(f"{base}/rollout").json()
    assert rollout["rollout"]["checks"]
    assert sum(share["percent"] for share in rollout["traffic"]) == 100
    jobs = served.get(f"{base}/runs").json()["jobs"]
    assert [job["verdict"] for job in jobs] == ["promote", "retain", "promote"]
    assert served.get(f"{base}/schema").json()["columns"][1]["categories"] == ["x", "y"]


@pytest.mark.parametrize("path", [*READS, "/api/openapi.json"])
def test_who_has_it_already_gets_nothing_again(served: Served, path: str) -> None:
    """The ETag sent back is 304 without a body, as a list, weak or star too; another is 200."""
    path = path.format(model=served.model)
    first = served.get(path)
    etag = first.headers["etag"]
    for asked in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = served.get(path, **{"if-none-match": asked})
        assert (again.status_code, again.content) == (304, b""), asked
        assert again.headers["etag"] == etag
    other = served.get(path, **{"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_log_is_read_in_parts_over_http(served: Served) -> None:
    """From the newest to the end by `older`, once each; then nothing is newer than `newest`."""
    base = f"/api/models/{served.model}/decisions"
    whole = [each["id"] for each in served.get(f"{base}?limit=200").json()["decisions"]]
    seen: list[str] = []
    part = served.get(f"{base}?limit=7").json()
    newest = part["newest"]
    while True:
        seen += [each["id"] for each in part["decisions"]]
        if part["older"] is None:
            break
        part = served.get(f"{base}?limit=7&before={quote(part['older'])}").json()
    assert len(whole) > 30
    assert seen == whole
    after = served.get(f"{base}?since={quote(newest)}").json()
    assert (after["decisions"], after["newest"]) == ([], newest)
    acted = served.get(f"{base}?kind=acted,refused&limit=3").json()["decisions"]
    assert {each["kind"] for each in acted} <= {"acted", "refused"}
    assert len(acted) == 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("decisions?since=yesterday", "since"),
        ("decisions?before=2026-11-23T12:00:00Z", "before"),
        ("decisions?kind=sad", "kind: 'sad' is none of ignored"),
        ("decisions?limit=0", "limit must be a whole number from 1 to 200"),
        ("decisions?limit=ten", "limit must be"),
        ("versions?limit=1e3", "limit must be"),
        ("runs?days=3", "days is no parameter of this"),
    ],
)
def test_wrong_parameter_is_named(served: Served, query: str, words: str) -> None:
    """A caller's mistake is 400 with the parameter's name, and never a failure of ours."""
    content = problem(served.get(f"/api/models/{served.model}/{query}"), 400)
    assert words in content["detail"]
    assert content["type"] == "urn:noon:problem:wrong-parameter"


@pytest.mark.parametrize("path", [path for path in READS if path.startswith("/api/models/")])
def test_unknown_model_is_404_with_the_known_ones(served: Served, path: str) -> None:
    """Whoever misspells a name sees the right ones, on every path."""
    content = problem(served.get(path.format(model="nobody")), 404)
    assert content["type"] == "urn:noon:problem:unknown-model"
    assert served.model in content["detail"]


def test_key_is_asked_for(served: Served) -> None:
    """Without a key the host says 401 to everything but health and the document."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            url = f"{served.base}{path.format(model=served.model, verb='pause', id='1')}"
            found = httpx.request(method.upper(), url).status_code
            assert (found == 401) == (operation.get("security") != []), path


def test_orders_have_keys_of_their_own(served: Served) -> None:
    """The key of a read opens no order, the order's own does, and what is taken has an id."""
    base, keys = f"/api/models/{served.model}", served.keys["functions"]
    body = {"because": "a test", "who": "ann"}
    assert served.post(f"{base}/rollout/pause", body, keys["models"]["default"]).status_code == 401
    taken = served.post(f"{base}/rollout/pause", body, keys["rollout"]["default"])
    assert taken.status_code == 202
    fits(taken.json(), "OrderTaken")
    for sent, status in (
        (b"{", 400),
        ([], 422),
        ({"because": " "}, 422),
        ({"because": "a\0"}, 422),
    ):
        problem(served.post(f"{base}/train", sent, keys["train"]["default"]), status)
    problem(served.post(f"{base}/rollout/explode", body, keys["rollout"]["default"]), 404)


def test_page_of_another_origin_may_read_etag(served: Served) -> None:
    """The preflight lets the key's header pass, and scripts see ETag and Retry-After."""
    origin = {"origin": "http://localhost:5173"}
    asked = {
        "access-control-request-method": "GET",
        "access-control-request-headers": "x-functions-key",
    }
    before = httpx.options(f"{served.base}/api/models", headers={**origin, **asked})
    assert before.headers["access-control-allow-headers"] == "x-functions-key"
    answer = served.get("/api/models", **origin)
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert answer.headers["access-control-expose-headers"] == "ETag, Retry-After"


def test_served_document_is_the_one_that_is_kept(served: Served) -> None:
    """Whoever asks the app gets the document of the repository, without a key."""
    assert httpx.get(f"{served.base}/api/openapi.json").json() == DOCUMENT


def test_made_up_calls_get_what_the_document_says(served: Served) -> None:
    """Schemathesis finds no 5xx, no undocumented answer, no good call refused, no bad one taken."""
    settings = ROOT / "tests" / "function_app" / "schemathesis.toml"
    key = f"x-functions-key: {served.keys['master']}"
    told = made_up_calls(
        f"{served.base}/api/openapi.json",
        8,
        240,
        before=("--config-file", str(settings)),
        after=("--phases", "coverage,fuzzing", "--header", key),
    )
    # All but the document itself.
    assert f"Tested: {len(DOCUMENT['paths']) - 1}" in told
    assert served.get("/api/health").status_code == 200
