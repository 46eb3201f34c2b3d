"""Schemathesis as both services are held to their documents by it."""

from __future__ import annotations

import subprocess
import sys


def made_up_calls(
    url: str,
    examples: int,
    seconds: int,
    *,
    before: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
) -> str:
    """What it said of the document at a URL and of the service behind it; fails when it found any.

    Options go before or after its `run`, as its command line wants them.
    """
    command = [sys.executable, "-m", "schemathesis.cli", *before, "run", url, *after]
    found = subprocess.run(
        [*command, "--max-examples", str(examples), "--seed", "20261123", "--no-color"],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert found.returncode == 0, found.stdout
    return found.stdout
