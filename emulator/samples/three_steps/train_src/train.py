"""Fits a line by gradient descent: two numbers are the model."""

import argparse
import csv
import json
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--training_data", type=Path, required=True)
parser.add_argument("--max_epochs", type=int, required=True)
parser.add_argument("--learning_rate", type=float, required=True)
parser.add_argument("--schedule", choices=["constant", "time-based"], required=True)
parser.add_argument("--model", type=Path, required=True)
given = parser.parse_args()

with (given.training_data / "points.csv").open() as text:
    points = [(float(row["x"]), float(row["y"])) for row in csv.DictReader(text)]
slope, intercept = 0.0, 0.0
for epoch in range(given.max_epochs):
    rate = given.learning_rate / (1 + epoch if given.schedule == "time-based" else 1)
    errors = [(slope * x + intercept - y, x) for x, y in points]
    slope -= rate * sum(error * x for error, x in errors) / len(points)
    intercept -= rate * sum(error for error, _ in errors) / len(points)
print(f"y = {slope:.3f} x + {intercept:.3f}")
(given.model / "model.json").write_text(json.dumps({"slope": slope, "intercept": intercept}))
