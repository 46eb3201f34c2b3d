"""Makes numbers of the cab's colour and of the time at which a trip began."""

import argparse
import csv
from datetime import datetime
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--clean_data", type=Path, required=True)
parser.add_argument("--transformed", type=Path, required=True)
given = parser.parse_args()

rows = []
with (given.clean_data / "trips.csv").open() as text:
    for trip in csv.DictReader(text):
        began = datetime.fromisoformat(trip["pickup_at"])
        row = {
            "yellow": int(trip["cab"] == "yellow"),
            "hour": began.hour,
            "weekday": began.weekday(),
            "night": int(began.hour < 6 or began.hour > 21),
            "distance": trip["distance"],
            "passengers": trip["passengers"],
            "cost": trip["cost"],
        }
        rows.append(row)
with (given.transformed / "features.csv").open("w", newline="") as text:
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
