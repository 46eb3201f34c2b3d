"""Joins the cabs of both colours and drops trips that cannot be."""

import argparse
from pathlib import Path

import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("--raw_data", type=Path, required=True)
parser.add_argument("--prepared", type=Path, required=True)
given = parser.parse_args()

tables = [pd.read_csv(path) for path in sorted(given.raw_data.glob("*.csv"))]
trips = pd.concat(tables, ignore_index=True)
clean = trips[(trips["distance"] > 0) & (trips["cost"] > 0)].drop_duplicates()
print(f"{len(clean)} of {len(trips)} trips are kept")
clean.to_csv(given.prepared / "trips.csv", index=False)
