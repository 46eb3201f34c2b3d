"""What is built and served: small, and with the headers that keep it safe."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from noon.local.environment import WEBUI
from noon.local.webui import WebUi

ROOT = Path(__file__).parents[2]
API = "http://127.0.0.1:7071"
INITIAL_JS_MAX = 120_000
"""Bytes, compressed."""
SOURCES = ROOT / "webui"
LINES_MAX = 300


@pytest.fixture(scope="module")
def built() -> Path:
    """The built page."""
    if not (WEBUI / "index.html").exists():
        pytest.fail("the web UI is not built: run `make setup`")
    return WEBUI


def get(path: str, method: str = "GET") -> httpx.Response:
    """Ask the local server, in this process."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(WebUi(WEBUI, API))
        async with httpx.AsyncClient(transport=transport, base_url="http://ui") as client:
            return await client.request(method, path)

    return asyncio.run(ask())


def directives(policy: str) -> dict[str, list[str]]:
    """A Content-Security-Policy by its directives."""
    parts = (part.split() for part in policy.split(";"))
    return {part[0]: part[1:] for part in parts if part}


def test_the_first_page_needs_little_javascript(built: Path) -> None:
    """What is loaded before anything is shown is within 120 kB, compressed."""
    manifest: dict[str, Any] = json.loads((built / "assets/manifest.json").read_text())
    (entry,) = (chunk for chunk in manifest.values() if chunk.get("isEntry"))
    files = {entry["file"], *(manifest[name]["file"] for name in entry.get("imports", ()))}
    size = sum(len(gzip.compress((built / file).read_bytes())) for file in files)
    assert 5_000 < size <= INITIAL_JS_MAX


def test_nothing_stands_inside_the_page(built: Path) -> None:
    """No script, no style and no handler is written into the page: the policy forbids them."""
    page = (built / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []


def test_the_policy_lets_in_its_own_files_and_the_api(built: Path) -> None:
    """Scripts and styles come from the page's origin; only the API is asked besides."""
    answer = get("/")
    policy = directives(answer.headers["content-security-policy"])
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["connect-src"] == ["'self'", API]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


def test_every_header_of_static_web_apps_is_sent_here_too(built: Path) -> None:
    """One file says them, for Azure, for the image and for this machine."""
    config = json.loads((built / "staticwebapp.config.json").read_text())
    answer = get("/models/flights")
    for name, value in config["globalHeaders"].items():
        assert answer.headers[name] == value.replace("${NOON_API_ORIGIN}", API)


@pytest.mark.parametrize("path", ["/", "/models/flights", "/decisions/flights?why=a/b.csv"])
def test_addresses_of_pages_lead_to_the_page(built: Path, path: str) -> None:
    """Whoever opens or reloads an address within the page gets it, and never an old one."""
    answer = get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert answer.text == (built / "index.html").read_text()


def test_files_that_are_missing_are_no_pages(built: Path) -> None:
    """A script that is gone is 404, not a page that a browser would try to run."""
    assert built
    assert get("/assets/gone.js").status_code == 404
    assert get("/gone.json").status_code == 404
    assert get("/", "POST").status_code == 405


def test_files_with_a_digest_in_their_name_are_kept(built: Path) -> None:
    """Browsers ask for them once."""
    (script,) = built.glob("assets/index-*.js")
    answer = get(f"/assets/{script.name}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


def test_the_configuration_is_never_kept(built: Path) -> None:
    """Where the API is, is read anew each time."""
    assert built
    answer = get("/config.json")
    assert answer.json() == {"apiUrl": API}
    assert answer.headers["cache-control"] == "no-store"


def test_no_linked_backend_locks_other_callers_out() -> None:
    """Static Web Apps serves files only; the function app stays open to everybody with a key."""
    config = json.loads((SOURCES / "public/staticwebapp.config.json").read_text())
    assert not {"linkedBackend", "auth"} & config.keys()
    assert all("allowedRoles" not in route for route in config["routes"])


def test_modules_of_the_page_stay_short() -> None:
    """The house rule for Python holds for TypeScript too."""
    written = [path for path in SOURCES.rglob("*.ts*") if "node_modules" not in path.parts]
    generated = SOURCES / "src/api/schema.ts"
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in written
        if path.suffix in (".ts", ".tsx") and path != generated
    }
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > LINES_MAX} == {}


@pytest.mark.parametrize("lock", ["webui/package-lock.json", "webui/lighthouse/package-lock.json"])
def test_packages_of_the_page_are_locked_without_places(lock: str) -> None:
    """Integrity yes, addresses no; and every version is exact."""
    entries = json.loads((ROOT / lock).read_text())["packages"]
    packages = {name: entry for name, entry in entries.items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    own = {**entries[""].get("dependencies", {}), **entries[""].get("devDependencies", {})}
    assert [name for name, version in own.items() if not re.match(r"\d", version)] == []
