"""Tells a built web page where its API is: in config.json, and in the rules of the browser.

    python .github/scripts/point_site.py webui/dist --api https://func-noon.azurewebsites.net

Exit codes: 0 done, 1 the folder is no built page, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

PLACEHOLDER = "${NOON_API_ORIGIN}"


def point(site: Path, api: str) -> None:
    """Write the API's origin into the page's files; raises FileNotFoundError if one is missing."""
    rules = site / "staticwebapp.config.json"
    text = rules.read_text(encoding="utf-8")
    (site / "index.html").read_bytes()
    (site / "config.json").write_text(json.dumps({"apiUrl": api}) + "\n", encoding="utf-8")
    rules.write_text(text.replace(PLACEHOLDER, api), encoding="utf-8")


def main() -> int:
    """Point the page as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("site", type=Path, help="folder of the built page")
    parser.add_argument("--api", required=True, help="origin of the function app")
    given = parser.parse_args()
    if not re.fullmatch(r"https://[^/?#\s]+", given.api):
        parser.error(f"--api must be an origin such as https://…, not {given.api!r}")
    try:
        point(given.site, given.api)
    except FileNotFoundError as error:
        print(f"{given.site} is not a built page: {error.filename} is missing", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
