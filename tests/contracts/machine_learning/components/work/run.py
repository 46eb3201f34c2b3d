"""Does what the spec says and writes down what it was given."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path


def main() -> None:
    """Complete, fail or wait for the end."""
    parser = ArgumentParser()
    for name in ("manifest", "spec", "landing", "model", "report", "job-name", "code-commit"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("champion", "champion-version", "anchor", "anchor-version"):
        parser.add_argument(f"--{name}")
    given = vars(parser.parse_args())
    seen = {
        "manifest": Path(given["manifest"]).read_text(),
        "landing": sorted(path.name for path in Path(given["landing"]).iterdir()),
        "champion": Path(given["champion"], "seen.json").exists() if given["champion"] else None,
        **{name: given[name] for name in ("champion_version", "anchor_version", "job_name")},
        "code_commit": given["code_commit"],
    }
    Path(given["model"], "seen.json").write_text(json.dumps(seen))
    Path(given["report"], "prepared.json").write_text("{}")
    outcome = json.loads(Path(given["spec"]).read_text())["outcome"]
    if outcome == "failed":
        sys.exit(1)
    if outcome == "running":
        signal.pause()


if __name__ == "__main__":
    main()
