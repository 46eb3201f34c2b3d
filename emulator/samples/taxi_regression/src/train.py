"""Fits a linear regression and keeps a part of the trips for the test."""

import argparse
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LinearRegression

parser = argparse.ArgumentParser()
parser.add_argument("--training_data", type=Path, required=True)
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--test_data", type=Path, required=True)
given = parser.parse_args()

table = np.loadtxt(given.training_data / "features.csv", delimiter=",", skiprows=1)
order = np.random.default_rng(42).permutation(len(table))
test, train = table[order[: len(table) // 3]], table[order[len(table) // 3 :]]
# The last column is the cost.
model = LinearRegression().fit(train[:, :-1], train[:, -1])
joblib.dump(model, given.model / "model.joblib")
np.savetxt(given.test_data / "test.csv", test, delimiter=",")
