"""Says how far the predictions are off."""

import argparse
import csv
import json
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--predictions", type=Path, required=True)
parser.add_argument("--tolerance", type=float)
parser.add_argument("--report", type=Path, required=True)
given = parser.parse_args()

with (given.predictions / "predictions.csv").open() as text:
    errors = [abs(float(row["actual"]) - float(row["predicted"])) for row in csv.DictReader(text)]
report = {"mean_absolute_error": sum(errors) / len(errors)}
if given.tolerance is not None:
    report["within_tolerance"] = max(errors) <= given.tolerance
(given.report / "report.json").write_text(json.dumps(report))
