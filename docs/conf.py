"""How Sphinx makes the documentation: MyST pages, diagrams from text, references from the code."""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Read as it lies here, installed or not; the extension is ours.
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extensions")]

project = "Noon"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
author = "the authors of Noon"
extensions = [
    "myst_parser",
    "autoapi.extension",
    "sphinxcontrib.svgbob",
    "noon_reference",
    "noon_api",
    "noon_costs",
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "extensions"]

nitpicky = True
# What others document, and aliases of types, which are no classes.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(aiohttp|asyncio|azure|collections|contextlib|datetime|enum|opentelemetry|os|pathlib"
        r"|pydantic|pydantic_settings|pytest|subprocess|types|typing|zoneinfo)\..*",
    ),
    # Our own aliases of types, each by its name: an alias is no class that could be linked to.
    (r"py:.*", r"shared\.domain\.(actions\.Action|decision\.Json|events\.Event)"),
    (r"py:.*", r"shared\.domain\.(notices\.Notice|policy\.Serving)"),
    (r"py:.*", r"Action|HandChanged|HttpsUrl|Json|Ruling|Verdict|What"),
    # Of pydantic, inside annotations of a model.
    (r"py:.*", r"AfterValidator|Field|StringConstraints|_near_or_tls"),
]

# `make linkcheck`: addresses that are examples, by RFC 2606, or this machine answer nobody.
linkcheck_ignore = [
    r"https?://([\w-]+\.)*example\.(org|com)\b",
    r"https?://(localhost|127\.0\.0\.1)\b",
]
linkcheck_timeout = 20

autoapi_dirs = [str(ROOT / "shared")]
autoapi_root = "reference/api"
autoapi_options = ["members", "show-module-summary"]
autoapi_member_order = "bysource"
autoapi_add_toctree_entry = False
autoapi_keep_files = False

html_theme = "furo"
html_title = "Noon"
html_static_path: list[str] = []
