"""Everybody can use the pages: axe, keyboard, both themes, every width, nothing that moves."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.webui.pages.conftest import PAGES, ROOT, Visitors
from tests.webui.story import MODEL

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("canary")]

AXE = ROOT / "webui/node_modules/axe-core/axe.min.js"
SHIFT_MAX = 0.02


def test_everything_is_reached_by_keyboard(visitors: Visitors) -> None:
    """Skip link, pages, a dialog and back, with Tab, Enter and Escape alone."""
    with visitors.visit() as visit:
        page = visit.open(PAGES["model"])
        visit.settled()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        tabs_until(page, "Rollout")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Rollout", level=1)).to_be_focused()
        visit.settled()
        tabs_until(page, "Train")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_label("Why")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name="Train")).to_be_focused()
        page.go_back()
        expect(page.get_by_role("heading", name=MODEL, level=1)).to_be_visible()


def tabs_until(page: Page, text: str, most: int = 40) -> None:
    """Press Tab until the element with this text has the focus; each one on the way shows it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and focused.inner_text().strip() == text:
            assert focused.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
            return
    raise AssertionError(f"Tab does not lead to {text}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_open_to_everybody(visitors: Visitors, theme: str) -> None:
    """axe finds nothing serious on any page nor in a dialog, in both themes."""
    found: dict[str, list[str]] = {}
    with visitors.visit(color_scheme=theme, bypass_csp=True) as visit:
        for name, path in PAGES.items():
            page = visit.open(path)
            visit.settled()
            page.add_script_tag(path=str(AXE))
            found |= violations(page, name, theme)
        page.goto(visitors.base + PAGES["rollout"])
        page.get_by_role("button", name="Abort").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.add_script_tag(path=str(AXE))
        found |= violations(page, "dialog", theme)
    assert found == {}


def violations(page: Page, name: str, theme: str) -> dict[str, list[str]]:
    """What axe finds serious or critical, with the elements that it means.

    The dark theme differs in its colours alone.
    """
    options: dict[str, list[str]] = {"resultTypes": ["violations"]}
    if theme == "dark":
        options["runOnly"] = ["color-contrast"]
    found = page.evaluate("(options) => axe.run(options).then((all) => all.violations)", options)
    return {
        f"{name}: {each['id']}": [node["html"] for node in each["nodes"]]
        for each in found
        if each["impact"] in ("serious", "critical")
    }


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_pages_fit_their_window_and_do_not_move(visitors: Visitors, width: int) -> None:
    """Nobody scrolls sideways, and nothing moves under the reader while it loads."""
    with visitors.visit(viewport={"width": width, "height": 800}) as visit:
        found = {}
        for name, path in PAGES.items():
            page = visit.open(path)
            visit.settled()
            wide = page.evaluate("document.documentElement.scrollWidth")
            shift = page.evaluate("afterNextFrame(layoutShift)")
            found[name] = {"wide": wide, "shift": round(shift, 4)}
    wrong = {
        name: each
        for name, each in found.items()
        if each["wide"] > width or each["shift"] > SHIFT_MAX
    }
    assert wrong == {}, json.dumps(found)


def test_the_theme_is_chosen_and_kept(visitors: Visitors) -> None:
    """The system's theme, until somebody chooses the other one; a reload does not flash."""
    with visitors.visit(color_scheme="light") as visit:
        page = visit.open("/models")
        background = "getComputedStyle(document.documentElement).backgroundColor"
        light = page.evaluate(background)
        page.get_by_role("button", name="Show the dark theme").click()
        dark = page.evaluate(background)
        page.reload(wait_until="commit")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert light != dark
        assert page.evaluate(background) == dark
