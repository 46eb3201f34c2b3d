"""nginx's server, as it is written from the configuration of the Static Web App."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "webui" / "public" / "staticwebapp.config.json"
SCRIPT = ROOT / "webui" / "nginx" / "configure.py"
CONFIGURATION: dict[str, Any] = {
    "navigationFallback": {"rewrite": "/index.html", "exclude": ["/assets/*", "/*.{js,json}"]},
    "globalHeaders": {
        "Content-Security-Policy": "default-src 'none'; connect-src 'self' ${NOON_API_ORIGIN}",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-cache",
    },
    "routes": [
        {"route": "/assets/*", "headers": {"Cache-Control": "public, max-age=31536000"}},
        {"route": "/config.json", "headers": {"Cache-Control": "no-store"}},
    ],
}


def site(configuration: dict[str, Any]) -> str:
    """What the script writes."""
    spec = importlib.util.spec_from_file_location("configure", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written: str = module.site(configuration)
    return written


def test_every_header_is_sent_with_every_answer() -> None:
    """Also with a 404; what may be kept depends on the path."""
    told = dict(re.findall(r'add_header (\S+) "([^"]+)" always;', site(CONFIGURATION)))
    headers = dict(CONFIGURATION["globalHeaders"])
    headers.pop("Cache-Control")
    assert told == headers
    assert "add_header Cache-Control $noon_cache always;" in site(CONFIGURATION)
    assert '"~^/assets/.*$" "public, max-age=31536000";' in site(CONFIGURATION)
    assert '/config.json "no-store";' in site(CONFIGURATION)


def test_files_are_found_or_missing_and_other_paths_are_the_page() -> None:
    """A missing script must be a 404, not a page that no browser can run."""
    text = site(CONFIGURATION)
    assert re.findall(r"location ~ (\S+) \{\s+try_files \$uri =404;", text) == [
        "^/assets/.*$",
        r"^/.*\.(?:js|json)$",
    ]
    assert "try_files $uri /index.html;" in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth": {}},
        {"routes": [{"route": "/x", "allowedRoles": ["admin"]}]},
        {"globalHeaders": {"Cache-Control": "no-cache", "X-Quote": '"'}},
    ],
    ids=["a part", "a rule", "a quote"],
)
def test_what_the_script_does_not_know_it_refuses(wrong: dict[str, Any]) -> None:
    """Rather than leaving out a header or a rule in silence."""
    with pytest.raises(SystemExit, match=r"configure\.py|header"):
        site({**CONFIGURATION, **wrong})


@pytest.mark.skipif(not PAGE.exists(), reason="the page is not in this checkout")
def test_the_page_of_this_checkout_can_be_served() -> None:
    """Its own configuration is one that the script knows."""
    configuration = json.loads(PAGE.read_text())
    for name in configuration["globalHeaders"]:
        assert f"add_header {name} " in site(configuration)
