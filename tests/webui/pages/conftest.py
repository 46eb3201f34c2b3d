"""A real browser that looks at the page of a real stack; both start once for this folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.conftest import Product
from tests.webui.story import (
    CHROMIUM,
    MODEL,
    STORY_SECONDS_MAX,
    canary_of,
    chromium,
    send_canary,
    told,
)

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
STANDING = ExitStack()
"""What runs while the tests of this folder do."""
KEY = "noon.function-key"
PATIENCE_SECONDS = 60
"""How long a page may take on a machine that does much else; a good answer is never waited out."""
PAGES = {
    "fleet": "/models",
    "model": f"/models/{MODEL}",
    "rollout": f"/rollout/{MODEL}",
    "runs": f"/runs/{MODEL}",
    "decisions": f"/decisions/{MODEL}",
    "why": f"/decisions/{MODEL}?why={MODEL}:1",
    "predict": f"/predict/{MODEL}",
}
PICTURES_TO_COME = ":is(.chart, .timeline, .chain-picture):empty"
LOUD = """
addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP refused " + event.violatedDirective + " " + event.blockedURI));
let shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
globalThis.layoutShift = () => shift;
globalThis.afterNextFrame = (call) => new Promise((resolve) =>
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(call()))));
"""
"""Tells what a page must not do: ask for what its policy forbids, or move under the reader."""


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Flights with a champion; a second version is ordered and becomes a canary."""
    product = STANDING.enter_context(told(tmp_path_factory.mktemp("webui")))
    send_canary(product, "the tests look at a canary")
    return product


@pytest.fixture(scope="session")
def canary(product: Product) -> Product:
    """The same once version 2 has its first share of the traffic."""
    product.wait(MODEL, canary_of(2), STORY_SECONDS_MAX)
    return product


@pytest.fixture(scope="session")
def browser() -> Browser:
    """The system's Chromium."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    playwright = STANDING.enter_context(sync_playwright())
    browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM))
    STANDING.callback(browser.close)
    return browser


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End stack and browser with the last test of this folder, not with the session.

    Playwright keeps an event loop in this thread, in which other tests could run none, and a
    stack works also while nobody looks.
    """
    if nextitem is None or FOLDER not in nextitem.path.parents:
        STANDING.close()


@dataclass
class Visit:
    """A tab of somebody who works with the page, and what went wrong in it."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    expected: str = ""
    """A word of complaints that the test provokes itself."""

    def open(self, path: str) -> Page:
        """Load an address of the page."""
        self.page.goto(self.base + path)
        return self.page

    def settled(self) -> Page:
        """The page once nothing loads any more and its pictures are drawn."""
        # Not wait_for_function: it evaluates text within the page, which the policy forbids.
        expect(self.page.locator("main h1")).to_be_visible()
        expect(self.page.locator(".skeleton")).to_have_count(0)
        expect(self.page.locator(PICTURES_TO_COME)).to_have_count(0)
        return self.page


@dataclass
class Visitors:
    """Opens tabs; each fails its test when it complained, and is closed at its end."""

    browser: Browser
    base: str
    key: str

    @contextmanager
    def visit(self, *, keyed: bool = True, **options: Any) -> Iterator[Visit]:
        """A tab of its own, with the key of callers unless it is to be asked for."""
        context = self.browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "accept_downloads": True} | options
        )
        try:
            yield from self._watched(context, keyed)
        finally:
            context.close()

    def _watched(self, context: BrowserContext, keyed: bool) -> Iterator[Visit]:
        context.add_init_script(LOUD)
        if keyed:
            context.add_init_script(
                f"sessionStorage.setItem({json.dumps(KEY)}, {json.dumps(self.key)})"
            )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        visit = Visit(page, self.base)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: said.type == "error" and visit.complaints.append(said.text),
        )
        yield visit
        unexpected = [
            text for text in visit.complaints if not visit.expected or visit.expected not in text
        ]
        assert unexpected == []


@pytest.fixture
def visitors(browser: Browser, product: Product) -> Visitors:
    """Whoever may look at the page of the stack."""
    return Visitors(browser, product.stack.addresses.webui, product.key)
