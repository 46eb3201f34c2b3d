"""Reads exactly the files that a manifest pins, checks them, and splits them by time.

Data that is not as it should be is refused: every bad file is named in report/problem.json and on
standard error, and the exit code is 3, so that the pipeline stops before anything is trained.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from checks import problems_of_values
from csv_table import Columns, Table, join, read_table
from pinned import Problem, read_pinned
from split import CannotSplit, save_split, split_by_time

REFUSED = 3


def read_all(manifest: dict[str, Any], landing: Path, columns: Columns) -> Table | list[Problem]:
    """The pinned files as one table, or everything that is wrong with any of them."""
    tables: list[Table] = []
    problems: list[Problem] = []
    for entry in sorted(manifest["files"], key=lambda file: str(file["path"])):
        content = read_pinned(entry, landing)
        if isinstance(content, Problem):
            problems.append(content)
            continue
        table = read_table(entry["path"], content, columns)
        if isinstance(table, Table):
            tables.append(table)
        else:
            problems.extend(table)
    if problems:
        return problems
    if not tables:
        return [Problem(None, "the manifest pins no files")]
    table = join(tables)
    return problems_of_values(table, columns) or table


def refuse(problems: list[Problem], report: Path) -> int:
    """Writes problem.json, one line on standard error per problem, and gives the exit code."""
    document = {"schema": 1, "problems": [problem.as_json() for problem in problems]}
    write_json(report / "problem.json", document)
    for problem in problems:
        print(f"refused: {problem.path or 'the data'}: {problem.reason}", file=sys.stderr)
    return REFUSED


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Writes JSON that any parser reads: NaN and infinity would be an error here, not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Runs the step over the paths on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", type=Path, required=True, help="the pinned list of files")
    parser.add_argument("--spec", type=Path, required=True, help="what the table must look like")
    parser.add_argument("--landing", type=Path, required=True, help="root of the landing container")
    parser.add_argument("--data", type=Path, required=True, help="output: the two parts")
    parser.add_argument("--report", type=Path, required=True, help="output: what was found")
    asked = parser.parse_args(arguments)
    manifest = json.loads(asked.manifest.read_text(encoding="utf-8"))
    spec = json.loads(asked.spec.read_text(encoding="utf-8"))
    if manifest["model"] != spec["model"]:
        problem = f"the manifest is for {manifest['model']}, the specification for {spec['model']}"
        return refuse([Problem(None, problem)], asked.report)

    table = read_all(manifest, asked.landing, Columns.of(spec))
    if not isinstance(table, Table):
        return refuse(table, asked.report)
    try:
        parts = split_by_time(table, spec)
    except CannotSplit as error:
        return refuse([Problem(None, str(error))], asked.report)
    asked.data.mkdir(parents=True, exist_ok=True)
    prepared = {
        "schema": 1,
        "model": spec["model"],
        "data_version": manifest["data_version"],
        "files": len(manifest["files"]),
        **save_split(parts, asked.data),
    }
    write_json(asked.data / "prepared.json", prepared)
    write_json(asked.report / "prepared.json", prepared)
    print(
        f"prepared {prepared['landed_rows']} rows of {prepared['files']} files: "
        f"{prepared['trained']['rows']} to train on, {prepared['holdout']['rows']} held out"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
