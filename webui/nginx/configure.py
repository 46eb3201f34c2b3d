"""Writes nginx's server from staticwebapp.config.json, so that both say the same headers.

`python3 configure.py staticwebapp.config.json > site.conf`. What it does not know it refuses.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

KNOWN = {"globalHeaders", "mimeTypes", "navigationFallback", "routes"}
CACHE = "Cache-Control"
ROOT = "/srv/noon"
PORT = 8080


def site(config: dict[str, Any]) -> str:
    """The server of the page: its headers, what may be kept, and the page for unknown paths."""
    _refuse_unknown(config)
    headers = dict(config["globalHeaders"])
    caching = [
        f"    {_pattern(route['route'])} {_quoted(route['headers'][CACHE])};"
        for route in config["routes"]
    ]
    always = [
        f"    add_header {name} {_quoted(value)} always;"
        for name, value in headers.items()
        if name != CACHE
    ]
    missing = [
        f"    location ~ {_regex(path)} {{\n        try_files $uri =404;\n    }}"
        for path in config["navigationFallback"]["exclude"]
    ]
    return "\n".join(
        [
            "map $uri $noon_cache {",
            f"    default {_quoted(headers[CACHE])};",
            *caching,
            "}",
            "server {",
            f"    listen {PORT};",
            f"    root {ROOT};",
            f"    add_header {CACHE} $noon_cache always;",
            *always,
            "    location = /config.json {",
            "        alias /tmp/config.json;",
            "    }",
            *missing,
            "    location / {",
            f"        try_files $uri {config['navigationFallback']['rewrite']};",
            "    }",
            "}",
            "",
        ]
    )


def _refuse_unknown(config: dict[str, Any]) -> None:
    if unknown := set(config) - KNOWN:
        raise SystemExit(f"configure.py does not know {', '.join(sorted(unknown))}")
    for route in config["routes"]:
        if set(route) != {"route", "headers"} or set(route["headers"]) != {CACHE}:
            raise SystemExit(f"configure.py knows routes with {CACHE} alone, not {route}")


def _pattern(path: str) -> str:
    """A path with a star as an entry of nginx's map."""
    return f'"~{_regex(path)}"' if set(path) & set("*{") else path


def _regex(path: str) -> str:
    """`/*.{js,svg}` as a regular expression; a star stands for anything."""
    parts = re.split(r"(\*|\{[^}]*\})", path)
    return f"^{''.join(_part(part) for part in parts)}$"


def _part(part: str) -> str:
    if part == "*":
        return ".*"
    if part.startswith("{"):
        return f"(?:{'|'.join(re.escape(one) for one in part[1:-1].split(','))})"
    return re.escape(part)


def _quoted(value: str) -> str:
    if set(value) & set('"\\\n'):
        raise SystemExit(f"a header's value must be without quotes and backslashes: {value}")
    return f'"{value}"'


if __name__ == "__main__":
    print(site(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), end="")
