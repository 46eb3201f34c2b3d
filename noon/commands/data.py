"""`noon data push`: lets an example's files land."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from noon.failures import CommandError, ExitCode, UsageError
from noon.reach import use_stack_unless

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

EXAMPLES = ("flights",)


def run_push(model: str, first: date, last: date, *, as_json: bool) -> int:
    """Upload the files of the days first..last that are not there yet."""
    if model not in EXAMPLES:
        raise UsageError(
            f"there is no example data for {model!r} (only for {', '.join(EXAMPLES)}): upload "
            "your own files to the landing container, below the model's prefix"
        )
    if last < first:
        raise UsageError(f"--to {last} is before --from {first}")
    url = use_stack_unless("NOON_LANDING_URL")
    # Late: a wrong command line should not wait for them.
    from azure.identity import DefaultAzureCredential

    from noon.landing import push

    counts = push(url, DefaultAzureCredential(), _files(model, first, last), _tell)
    if as_json:
        print(json.dumps(asdict(counts)))
    else:
        print(
            f"{counts.uploaded} files landed, {counts.skipped} were there already: "
            f"{counts.rows} rows, {counts.size / 1e6:.1f} MB"
        )
    return ExitCode.OK


def _files(model: str, first: date, last: date) -> Iterator[tuple[str, bytes]]:
    try:
        from examples.flights import day_files
    except ModuleNotFoundError as error:
        raise CommandError(f"the example needs the checkout and its packages: {error}") from None
    empty = True
    try:
        for name, content in day_files(first, last):
            empty = False
            yield f"{model}/{name}", content
    except ModuleNotFoundError as error:
        raise CommandError(str(error)) from None
    if empty:
        raise UsageError(f"no flights from {first} to {last}: the data covers 2013")


def _tell(path: str, uploaded: bool) -> None:
    print(f"{'landed' if uploaded else 'there already'}: {path}", file=sys.stderr)
