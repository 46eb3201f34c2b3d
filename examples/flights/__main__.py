"""Writes landing files: python -m examples.flights --from 2013-01-01 --to 2013-01-31 --out DIR."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from examples.flights.days import write_days


def main(arguments: list[str] | None = None) -> int:
    """Writes the files that the command line asks for and says what it wrote."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.flights",
        description="Writes the flights of 2013 from New York as one CSV file a day.",
        epilog="Flights that never arrived (cancelled, diverted) have no label and are left out.",
    )
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args(arguments)
    if asked.last < asked.first:
        parser.error(f"--to {asked.last} is before --from {asked.first}")
    paths = write_days(asked.first, asked.last, asked.out)
    if not paths:
        print("no flights on these days: the data covers 2013-01-01 to 2013-12-31", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in paths)
    print(f"{len(paths)} files, {size} bytes, in {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
