"""One script for all steps of the tests' pipeline."""

import argparse
import json
import os
import sys
import threading
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("verb")
parser.add_argument("--data", type=Path)
parser.add_argument("--folder", type=Path)
parser.add_argument("--out", type=Path)
parser.add_argument("--model", type=Path)
parser.add_argument("--champion", type=Path)
parser.add_argument("--rate", default="none")
parser.add_argument("--fail", default="no")
given = parser.parse_args()
print(f"{given.verb} runs as {os.environ['AZUREML_RUN_ID']}")

if given.verb == "prepare":
    rows = [json.loads(given.data.read_text())]
    rows += [path.read_text() for path in sorted(given.folder.rglob("*.txt"))]
    (given.out / "rows.json").write_text(json.dumps(rows))
    if given.fail == "yes":
        sys.exit("prepare was told to fail")
    if given.fail == "hang":
        (given.out / "pid").write_text(str(os.getpid()))
        print("hanging", flush=True)
        threading.Event().wait(600)
else:
    rows = json.loads((given.data / "rows.json").read_text())
    champion = given.champion.joinpath("model.txt").read_text() if given.champion else "none"
    given.model.joinpath("model.txt").write_text(
        json.dumps({"rows": rows, "rate": given.rate, "champion": champion})
    )
