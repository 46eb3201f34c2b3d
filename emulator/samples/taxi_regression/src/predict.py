"""Predicts the fare of every test trip."""

import argparse
from pathlib import Path

import joblib
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--test_data", type=Path, required=True)
parser.add_argument("--predictions", type=Path, required=True)
given = parser.parse_args()

model = joblib.load(given.model / "model.joblib")
trips = np.loadtxt(given.test_data / "test.csv", delimiter=",")
answers = np.column_stack([trips[:, -1], model.predict(trips[:, :-1])])
path = given.predictions / "predictions.csv"
np.savetxt(path, answers, delimiter=",", header="actual,predicted", comments="")
