"""How long a pipeline step takes beyond its own process: `python emulator/bench/step_overhead.py`.

Starts an Azurite and an emulator of its own and runs a chain of steps, each with code, an input
and an output. A step's own process is what its shell and Python need when they run by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from azure_emulator.testing import start_azurite, start_emulator, wait_until

ENDED = ("Completed", "Failed", "Canceled")
SCRIPT = """import sys, time
begun = time.perf_counter()
print("step", sys.argv[1])
open(sys.argv[2] + "/out.txt", "w").write(sys.argv[1])
"""


def main() -> int:
    """Print the figures as one line of JSON; exit code 1 when the median is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--limit-milliseconds", type=float, default=150.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with start_azurite(home) as azurite, start_emulator(home, azurite.blob_url) as emulator:
            os.environ.update(emulator.environment)
            took = chain(emulator, home, given.steps)
            own = own_milliseconds(home)
    overheads = [each - own for each in took]
    figures = {
        "steps": len(took),
        "own_process_milliseconds": round(own, 1),
        "step_milliseconds_p50": round(statistics.median(took), 1),
        "overhead_milliseconds_min": round(min(overheads), 1),
        "overhead_milliseconds_p50": round(statistics.median(overheads), 1),
        "overhead_milliseconds_max": round(max(overheads), 1),
    }
    print(json.dumps(figures))
    return int(statistics.median(overheads) > given.limit_milliseconds)


def chain(emulator, home, steps):
    """Run a pipeline of steps one after the other; give the milliseconds of each."""
    from azure.ai.ml import Input, MLClient, Output, command, dsl
    from azure.ai.ml.entities import Environment
    from azure.identity import DefaultAzureCredential

    code = home / "src"
    code.mkdir()
    (code / "run.py").write_text(SCRIPT)
    environment = Environment(image="any:1")
    step = command(
        name="link",
        code=str(code),
        command="python run.py ${{inputs.before}} ${{outputs.out}}",
        environment=environment,
        inputs={"before": Input(type="uri_folder")},
        outputs={"out": Output(type="uri_folder")},
    )

    @dsl.pipeline(default_compute="cpu-cluster")
    def linked(data):
        before = data
        for _ in range(steps):
            before = step(before=before).outputs.out

    client = MLClient(
        DefaultAzureCredential(),
        emulator.subscription,
        emulator.resource_group,
        emulator.workspace,
    )
    job = linked(Input(type="uri_folder", path=str(code)))
    name = client.jobs.create_or_update(job).name
    log = home / "jobs" / name / "executionlogs.txt"
    # Asking the emulator meanwhile would cost it time.
    wait_until(lambda: log.exists() and ended(log.read_text(), steps), timeout_seconds=120)
    wait_until(lambda: client.jobs.get(name).status in ENDED)
    if client.jobs.get(name).status != "Completed":
        raise SystemExit("the pipeline failed")
    return between_starts(log.read_text().splitlines())


def ended(log, steps):
    """Say whether all steps completed or one failed."""
    return log.count(" completed") == steps or " failed" in log


def between_starts(lines):
    """Give the milliseconds from the start of each step to the start of the next one."""
    starts = [line[1:].partition("]")[0] for line in lines if " starts as " in line]
    instants = [datetime.fromisoformat(start).timestamp() for start in starts]
    return [(after - before) * 1000 for before, after in pairwise(instants)]


def own_milliseconds(home):
    """Give the milliseconds that the step's command takes when it is run by hand."""
    out = home / "by-hand"
    out.mkdir()
    line = f"{sys.executable} {home}/src/run.py x {out}"
    samples = []
    for _ in range(15):
        begun = time.perf_counter()
        subprocess.run(line, shell=True, check=True, capture_output=True)  # noqa: S602 - our own
        samples.append((time.perf_counter() - begun) * 1000)
    return statistics.median(samples)


if __name__ == "__main__":
    raise SystemExit(main())
