"""`make screenshots`: the pictures of the web UI in docs/pictures, from a stack with a story."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.conftest import Product
from tests.webui.story import CHROMIUM, MODEL, chromium, told_to_its_canary

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
BYTES_MAX = 150_000
PICTURES = {
    "webui-rollout.png": (f"/rollout/{MODEL}", "light", (1120, 640)),
    "webui-model.png": (f"/models/{MODEL}", "light", (1280, 900)),
    "webui-why.png": (f"/decisions/{MODEL}?why=v2-e1", "dark", (1120, 640)),
}
"""By file: the address, the theme, width and height."""


def main() -> int:
    """Write every picture; 1 when one is larger than the documentation takes."""
    with (
        tempfile.TemporaryDirectory() as home,
        told_to_its_canary(Path(home)) as product,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM))
        sizes = {name: taken(browser, product, name) for name in PICTURES}
        browser.close()
    print(json.dumps(sizes))
    return int(any(size > BYTES_MAX for size in sizes.values()))


def taken(browser: Browser, product: Product, name: str) -> int:
    """Take one picture and give its bytes."""
    path, theme, (width, height) = PICTURES[name]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
    )
    key = json.dumps(product.key)
    context.add_init_script(f"sessionStorage.setItem('noon.function-key', {key})")
    page = context.new_page()
    page.goto(product.stack.addresses.webui + path)
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0, timeout=60_000)
    pictures = page.locator(":is(.chart, .timeline, .chain-picture):empty")
    expect(pictures).to_have_count(0, timeout=60_000)
    FOLDER.mkdir(exist_ok=True)
    page.screenshot(path=FOLDER / name)
    context.close()
    return (FOLDER / name).stat().st_size


if __name__ == "__main__":
    sys.exit(main())
