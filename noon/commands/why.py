"""`noon why`: a request to the function app."""

from __future__ import annotations

import json
import sys

from noon.client import find_app
from noon.failures import ExitCode


def run_why(thing: str, model: str, *, as_json: bool) -> int:
    """Show the chain behind an id."""
    told = find_app().why(thing, model)
    if as_json:
        print(json.dumps(told["links"], ensure_ascii=False))
        return ExitCode.OK
    from rich.console import Console

    from noon.chain_view import WIDTH, chain

    # Sentences are not broken where nobody looks at a terminal.
    width = None if sys.stdout.isatty() else WIDTH
    Console(highlight=False, width=width).print(chain(told))
    return ExitCode.OK
