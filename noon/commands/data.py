"""`noon data push`: lets files land, people's own or an example's."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from noon.failures import CommandError, ExitCode, UsageError
from noon.models import landing_prefix
from noon.reach import use_stack_unless

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

EXAMPLES = ("flights",)


def run_push(
    model: str, paths: list[Path], first: date | None, last: date | None, *, as_json: bool
) -> int:
    """Upload the files, or those of an example's days first..last, that are not there yet."""
    if paths and (first or last):
        raise UsageError("give files, or --from and --to for an example's days, not both")
    files = _own(model, paths) if paths else _example(model, first, last)
    url = use_stack_unless("NOON_LANDING_URL")
    # Late: a wrong command line should not wait for them.
    from azure.identity import DefaultAzureCredential

    from noon.landing import push

    counts = push(url, DefaultAzureCredential(), files, _tell)
    if as_json:
        print(json.dumps(asdict(counts)))
    else:
        print(
            f"{counts.uploaded} files landed, {counts.skipped} were there already: "
            f"{counts.rows} rows, {counts.size / 1e6:.1f} MB"
        )
    return ExitCode.OK


def _own(model: str, paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    """The files under their own names; all are looked at before the first one is uploaded."""
    prefix = landing_prefix(model)
    names = [path.name for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"two files are called {twice[0]}: they would land in one place")
    for path in paths:
        if not path.is_file():
            raise UsageError(f"{path} is not a file")
    return ((f"{prefix}{path.name}", path.read_bytes()) for path in paths)


def _example(model: str, first: date | None, last: date | None) -> Iterator[tuple[str, bytes]]:
    if model not in EXAMPLES:
        raise UsageError(
            f"there is no example data for {model!r} (only for {', '.join(EXAMPLES)}): name your "
            f"own files, as in noon data push {model} DIR/*.csv"
        )
    if first is None or last is None:
        raise UsageError("name files, or the days of the example with --from and --to")
    if last < first:
        raise UsageError(f"--to {last} is before --from {first}")
    return _days(model, first, last)


def _days(model: str, first: date, last: date) -> Iterator[tuple[str, bytes]]:
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
