"""Joins the cabs of both colours and drops trips that cannot be."""

import argparse
import csv
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--raw_data", type=Path, required=True)
parser.add_argument("--prepared", type=Path, required=True)
given = parser.parse_args()

trips = []
for path in sorted(given.raw_data.glob("*.csv")):
    with path.open() as text:
        trips += csv.DictReader(text)
kept = [trip for trip in trips if float(trip["distance"]) > 0 and float(trip["cost"]) > 0]
print(f"{len(kept)} of {len(trips)} trips are kept")
with (given.prepared / "trips.csv").open("w", newline="") as text:
    writer = csv.DictWriter(text, kept[0].keys())
    writer.writeheader()
    writer.writerows(kept)
