"""Says how good the predictions are."""

import argparse
import json
from pathlib import Path

import pandas as pd
from sklearn.metrics import mean_absolute_error, r2_score

parser = argparse.ArgumentParser()
parser.add_argument("--predictions", type=Path, required=True)
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--report", type=Path, required=True)
given = parser.parse_args()

table = pd.read_csv(given.predictions / "predictions.csv")
report = {
    "rows": len(table),
    "mean_absolute_error": mean_absolute_error(table["actual"], table["predicted"]),
    "r2": r2_score(table["actual"], table["predicted"]),
}
print(report)
(given.report / "score.json").write_text(json.dumps(report))
