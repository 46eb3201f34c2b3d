"""Writes down what it was given."""

import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--file", type=Path, required=True)
parser.add_argument("--folder", type=Path, required=True)
parser.add_argument("--rate", type=float, required=True)
parser.add_argument("--rounds", type=int, required=True)
parser.add_argument("--shout", required=True)
parser.add_argument("--out", type=Path, required=True)
given = parser.parse_args()

greeting = os.environ["GREETING"]
print(greeting.upper() if given.shout.lower() == "true" else greeting)
summary = {
    "rows": len(given.file.read_text().splitlines()) - 1,
    "files": sorted(path.name for path in given.folder.iterdir()),
    "product": given.rate * given.rounds,
}
(given.out / "summary.json").write_text(json.dumps(summary))
Path("outputs").mkdir(exist_ok=True)
Path("outputs", "note.txt").write_text("kept with the run\n")
