"""Writes the landing files of the diabetes table: python -m examples.diabetes --out DIR."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from examples.diabetes.days import write_days


def main(arguments: list[str] | None = None) -> int:
    """Writes the files that the command line asks for and says what it wrote."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.diabetes",
        description="Writes scikit-learn's diabetes data as one CSV file a (made-up) day.",
    )
    parser.add_argument("--out", type=Path, required=True)
    paths = write_days(parser.parse_args(arguments).out)
    print(f"{len(paths)} files in {paths[0].parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
