"""A real stack with a story behind it, and a real browser that looks at its page."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from noon.local.environment import WEBUI
from tests.e2e.conftest import Product, flights_with_schedule, running_product

if not os.environ.get("NOON_TEST_BROWSER"):
    # Never seen to pass yet: `make test-browser` runs them until they are, then they belong here.
    collect_ignore = ["test_pages.py"]

ROOT = Path(__file__).parents[2]
MODEL = "flights"
FIRST, LAST = date(2013, 1, 1), date(2013, 1, 10)
KEY = "noon.function-key"
STORY_SECONDS_MAX = 600.0
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

EASY_GATE = """
[profiles.local.gate]
# Every retrained version passes as a refresh, so that there is a second one to roll out.
margin = 1000.0
refresh_after_days = 0
slice_margin = 1000.0

[profiles.local.rollout]
# The canary stays at its first step until somebody orders otherwise.
soak_seconds = 900
requests_min = 5
no_data_seconds_max = 3600
provisioning_minutes_max = 2
keep_warm_minutes = 1
poll_seconds = 1
"""
LOUD = """
addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP refused " + event.violatedDirective + " " + event.blockedURI));
let shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
globalThis.layoutShift = () => shift;
"""
"""Tells what a page must not do: ask for what its policy forbids, or move under the reader."""


def story(toml: str) -> str:
    """The model file with short trainings, a gate that is easily content, a canary that stays."""
    short = {"holdout_days = 7": "holdout_days = 3", "max_iterations = 200": "max_iterations = 50"}
    for line, shorter in short.items():
        assert line in toml
        toml = toml.replace(line, shorter)
    return toml[: toml.index("[profiles.local.rollout]")] + EASY_GATE


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Flights with a champion by landed data, and a canary by the slot after that."""
    if not (WEBUI / "index.html").exists():
        pytest.fail("the web UI is not built: run `make setup`")
    # Late enough for the stack to stand: what a schedule would have done before is not made up for.
    due_at = (datetime.now(UTC) + timedelta(minutes=2)).replace(second=0, microsecond=0)
    models = {MODEL: story(flights_with_schedule(due_at))}
    with running_product(tmp_path_factory.mktemp("webui"), models) as product:
        span = ("--from", str(FIRST), "--to", str(LAST))
        product.stack.noon("data", "push", MODEL, *span)
        product.wait(MODEL, champion_rules, STORY_SECONDS_MAX)
        product.wait(MODEL, canary_stands, STORY_SECONDS_MAX)
        yield product


def champion_rules(model: dict[str, Any]) -> bool:
    """The first version rules."""
    return model["champion"] is not None


def canary_stands(model: dict[str, Any]) -> bool:
    """The second version has its first share of the traffic."""
    rollout = model["rollout"]
    return rollout is not None and rollout["version"] == 2 and rollout["phase"] == "canary"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail(
            "no chromium on PATH: `make setup` installs it as root on Debian; else install it"
        )
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield browser
    browser.close()


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
        """The page once nothing loads any more."""
        self.page.wait_for_function(
            "!document.querySelector('.skeleton') && document.querySelector('main h1')"
        )
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
        page.set_default_timeout(15_000)
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
