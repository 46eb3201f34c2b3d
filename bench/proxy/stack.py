"""Storage and identity for the function app in the Functions host, as it has them in Azure.

    python -m bench.proxy.stack --home DIR --port PORT --upstream URL

Runs until it is told to stop; HOME/keys.json then opens the function.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from azure_emulator.testing import start_azurite, start_emulator

from bench.places import ROOT


def main() -> int:
    """Start everything, seed the address, and stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", required=True)
    parser.add_argument("--upstream", required=True)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, _leave)
    with ExitStack() as running, suppress(KeyboardInterrupt):
        azurite = running.enter_context(start_azurite(asked.home))
        emulator = running.enter_context(start_emulator(asked.home, azurite.blob_url))
        sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
        here = {
            "NOON_MODELS_DIR": str(ROOT / "models"),
            "NOON_LANDING_URL": f"{azurite.blob_url}/landing",
            "NOON_RUNS_URL": f"{azurite.blob_url}/azureml-blobstore",
            "NOON_BLOB_URL": azurite.blob_url,
            "NOON_QUEUE_URL": azurite.queue_url,
            "NOON_TABLE_URL": azurite.table_url,
            "AzureWebJobsStorage": azurite.connection_string,
            # Nothing but predictions: a tick would look for an endpoint that is not there.
            "TICK_SCHEDULE": "0 0 0 1 1 *",
        }
        environment = {**os.environ, **sample, **here, **emulator.environment}
        seed = [sys.executable, "-m", "bench.proxy.seed", asked.upstream]
        subprocess.run(seed, env=environment, cwd=ROOT, check=True)  # noqa: S603 - our own
        command = [sys.executable, "-m", "azure_emulator.functions", "--home", str(asked.home)]
        command += ["--app", str(ROOT), "--port", asked.port]
        host = subprocess.Popen(command, env=environment, cwd=ROOT)  # noqa: S603 - our own
        (asked.home / "host.pid").write_text(str(host.pid))
        running.callback(host.wait, 30)
        running.callback(host.terminate)
        return host.wait()
    return 0


def _leave(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
