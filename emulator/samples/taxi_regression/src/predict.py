"""Predicts the fare of every test trip."""

import argparse
from pathlib import Path

import joblib
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--test_data", type=Path, required=True)
parser.add_argument("--predictions", type=Path, required=True)
given = parser.parse_args()

model = joblib.load(given.model / "model.joblib")
trips = pd.read_csv(given.test_data / "test.csv")
actual = trips.pop("cost")
answer = pd.DataFrame({"actual": actual, "predicted": model.predict(trips)})
answer.to_csv(given.predictions / "predictions.csv", index=False)
