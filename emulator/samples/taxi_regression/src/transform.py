"""Makes numbers of the time at which a trip began."""

import argparse
from pathlib import Path

import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("--clean_data", type=Path, required=True)
parser.add_argument("--transformed", type=Path, required=True)
given = parser.parse_args()

trips = pd.read_csv(given.clean_data / "trips.csv", parse_dates=["pickup_at"])
began = trips.pop("pickup_at").dt
trips["hour"] = began.hour
trips["weekday"] = began.dayofweek
trips["night"] = ((began.hour < 6) | (began.hour > 21)).astype(int)
trips = pd.get_dummies(trips, columns=["cab"], dtype=int)
trips.to_csv(given.transformed / "features.csv", index=False)
