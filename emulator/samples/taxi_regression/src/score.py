"""Says how good the predictions are."""

import argparse
import csv
import json
from pathlib import Path
from statistics import fmean

parser = argparse.ArgumentParser()
parser.add_argument("--predictions", type=Path, required=True)
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--report", type=Path, required=True)
given = parser.parse_args()

with (given.predictions / "predictions.csv").open() as text:
    rows = [(float(row["actual"]), float(row["predicted"])) for row in csv.DictReader(text)]
mean = fmean(actual for actual, _ in rows)
left = sum((actual - predicted) ** 2 for actual, predicted in rows)
report = {
    "rows": len(rows),
    "mean_absolute_error": fmean(abs(actual - predicted) for actual, predicted in rows),
    "r2": 1 - left / sum((actual - mean) ** 2 for actual, _ in rows),
    "model": sorted(path.name for path in given.model.iterdir()),
}
print(report)
(given.report / "score.json").write_text(json.dumps(report))
