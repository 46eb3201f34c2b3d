"""The image of the web page: headers, configuration from the environment, unknown paths."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from images.catalogue import IMAGES
from tests.images.running.containers import Container, Podman

ROOT = Path(__file__).resolve().parents[3]
IMAGE = IMAGES["noon-frontend"].tag
API = "https://func-noon.example.org/base/"
CONFIGURATION = json.loads((ROOT / "webui" / "public" / "staticwebapp.config.json").read_text())


@pytest.fixture(scope="module")
def page(podman: Podman) -> Iterator[Container]:
    """A container that serves the page."""
    with podman.running(IMAGE, port=8080, options=[f"--env=NOON_API_URL={API}"]) as container:
        container.wait_healthy()
        yield container


def fetched(page: Container, path: str) -> tuple[int, dict[str, str], str]:
    """Status, headers by their names in small letters, and text, which for a font means little."""
    connection = http.client.HTTPConnection(urlsplit(page.url).netloc, timeout=10)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read().decode(errors="replace")


@pytest.mark.parametrize("path", ["/", "/models/flights", "/config.json", "/assets/none.js"])
def test_every_answer_carries_every_header(page: Container, path: str) -> None:
    """Those of the Static Web App's configuration, with the function app's origin filled in."""
    _, headers, _ = fetched(page, path)
    for name, value in CONFIGURATION["globalHeaders"].items():
        if name != "Cache-Control":
            expected = value.replace("${NOON_API_ORIGIN}", "https://func-noon.example.org")
            assert headers[name.lower()] == expected
    assert headers["server"] == "nginx"


def test_where_the_function_app_is_comes_from_the_environment(page: Container) -> None:
    """One image for every deployment."""
    status, headers, text = fetched(page, "/config.json")
    assert (status, json.loads(text)) == (200, {"apiUrl": API.rstrip("/")})
    assert headers["content-type"].startswith("application/json")
    assert headers["cache-control"] == "no-store"


def test_the_page_answers_every_path_that_is_no_file(page: Container) -> None:
    """Its routes are its own; what looks like a file and is none is a 404."""
    status, headers, text = fetched(page, "/")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert headers["cache-control"] == "no-cache"
    assert fetched(page, "/models/flights")[2] == text
    for missing in ("/assets/none.js", "/none.js", "/staticwebapp.config.json"):
        assert fetched(page, missing)[0] == 404


def test_what_the_page_loads_is_there_and_may_be_kept(page: Container) -> None:
    """Names of assets change with their content."""
    text = fetched(page, "/")[2]
    assets = re.findall(r'"(/assets/[^"]+)"', text)
    assert assets
    for asset in assets:
        status, headers, _ = fetched(page, asset)
        assert status == 200
        assert headers["cache-control"].endswith("immutable")


def test_it_ends_in_order(podman: Podman) -> None:
    """nginx answers what it has begun and exits with 0."""
    with podman.running(IMAGE, port=8080) as container:
        container.wait_healthy()
        assert json.loads(fetched(container, "/config.json")[2]) == {"apiUrl": ""}
        assert container.stop() == 0


@pytest.mark.parametrize("wrong", ["func-noon", "javascript:x", 'https://x"; a "', "https://a b"])
def test_an_address_that_is_none_is_refused(podman: Podman, wrong: str) -> None:
    """It would end up in the page and in a header."""
    done = podman.once(IMAGE, options=[f"--env=NOON_API_URL={wrong}", "--network=none"])
    assert done.returncode == 2
    assert "NOON_API_URL" in done.stderr
