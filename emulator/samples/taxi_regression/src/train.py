"""Fits a linear regression and keeps a part of the trips for the test."""

import argparse
from pathlib import Path

import joblib
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--training_data", type=Path, required=True)
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--test_data", type=Path, required=True)
given = parser.parse_args()

table = pd.read_csv(given.training_data / "features.csv")
train, test = train_test_split(table, test_size=0.3, random_state=42)
model = LinearRegression().fit(train.drop(columns="cost"), train["cost"])
joblib.dump(model, given.model / "model.joblib")
test.to_csv(given.test_data / "test.csv", index=False)
