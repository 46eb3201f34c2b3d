"""Writes what the line says beside what was measured."""

import argparse
import csv
import json
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--test_data", type=Path, required=True)
parser.add_argument("--predictions", type=Path, required=True)
given = parser.parse_args()

model = json.loads((given.model / "model.json").read_text())
with (given.test_data / "points.csv").open() as text:
    points = [(float(row["x"]), float(row["y"])) for row in csv.DictReader(text)]
rows = [(y, model["slope"] * x + model["intercept"]) for x, y in points]
with (given.predictions / "predictions.csv").open("w", newline="") as text:
    csv.writer(text).writerows([("actual", "predicted"), *rows])
