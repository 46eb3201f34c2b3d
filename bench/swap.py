"""What callers feel while the scoring service swaps its model for a newer version.

    python -m bench.swap

A service process follows what is published in Azurite, as in production. Callers ask for one row
over kept connections, and every few seconds a newer version of the flights model is published.
Requests around a swap (the newer version is loaded and tried, then answers for the first time) are
compared with all others. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient
from azure_emulator.testing import (
    LocalProcess,
    free_port,
    listening,
    start_azurite,
    start_emulator,
)

from bench.model import trained
from bench.places import ROOT

BEFORE_SECONDS, AFTER_SECONDS = 0.3, 0.1
"""Around the first answer of a newer version: its loading, its first run and what came of it."""


@dataclass
class Seen:
    """What the callers saw: when each request began, how long it took, which version answered."""

    requests: list[tuple[float, float, int]] = field(default_factory=list)
    failed: int = 0


@contextmanager
def following(folder: Path) -> Iterator[tuple[ContainerClient, int]]:
    """A service that follows a container of blobs, and its port."""
    with (
        start_azurite(folder) as azurite,
        start_emulator(folder, azurite.blob_url) as emulator,
    ):
        os.environ.update(emulator.environment)
        blobs = ContainerClient(
            azurite.blob_url,
            "runs",
            credential=azurite.account_key,
            connection_verify=emulator.environment["REQUESTS_CA_BUNDLE"],
        )
        port = free_port()
        settings = {
            "PYTHONPATH": str(ROOT),
            "SCORING_SERVING_URL": f"{azurite.blob_url}/runs/flights",
            "SCORING_ENVIRONMENT_VERSION": "1",
            "SCORING_POLL_SECONDS": "1",
            "SCORING_AUTH": "off",
        }
        command = [sys.executable, "-m", "backend", "--port", str(port)]
        with blobs:
            blobs.create_container()
            service = LocalProcess(command, folder / "service.log", {**os.environ, **settings})
            try:
                service.wait_ready(lambda: listening(port))
                yield blobs, port
            finally:
                service.close()


def publish(blobs: ContainerClient, model: Path, version: int) -> None:
    """Publish the model as the control plane does, under one more version."""
    files = {path.name: path.read_bytes() for path in sorted(model.iterdir())}
    for name, content in files.items():
        blobs.upload_blob(f"flights/v{version}/{name}", content, overwrite=True)
    listed = [
        {"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    ]
    pointer = {"schema": 1, "version": version, "folder": f"v{version}", "digest": f"d{version}"}
    content = json.dumps(pointer | {"files": listed}).encode()
    blobs.upload_blob("flights/champion.json", content, overwrite=True)


async def ask(port: int, body: bytes, seen: Seen, until: asyncio.Event) -> None:
    """Ask over one connection without a pause."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    while not until.is_set():
        began = time.perf_counter()
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        seconds = time.perf_counter() - began
        name = answer.partition(b"azureml-model-deployment: v")[2].partition(b"-")[0]
        if answer.startswith(b"http/1.1 200"):
            seen.requests.append((began, seconds, int(name)))
        else:
            seen.failed += 1
    writer.close()


async def measured(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Swap so many times under the load of the callers."""
    model = trained()
    body = json.dumps({"rows": model.rows[:1]}).encode()
    seen, over, published = Seen(), asyncio.Event(), []
    with following(folder) as (blobs, port):
        publish(blobs, model.folder / "model", 1)
        await asyncio.sleep(3)
        callers = [
            asyncio.create_task(ask(port, body, seen, over)) for _ in range(options.connections)
        ]
        for version in range(2, options.swaps + 2):
            await asyncio.sleep(options.seconds)
            await asyncio.to_thread(publish, blobs, model.folder / "model", version)
            published.append((version, time.perf_counter()))
        await asyncio.sleep(options.seconds)
        over.set()
        await asyncio.gather(*callers)
    return figures(seen, published)


def figures(seen: Seen, published: list[tuple[int, float]]) -> dict[str, Any]:
    """The 99th percentiles around swaps and between them, in milliseconds."""
    spans = []
    for version, at in published:
        first = min(began for began, _, answered in seen.requests if answered == version)
        spans.append((max(at, first - BEFORE_SECONDS), first + AFTER_SECONDS))
    around, between = [], []
    for began, seconds, _ in seen.requests:
        near = any(start - seconds <= began <= end for start, end in spans)
        (around if near else between).append(seconds * 1000)
    return {
        "swaps": len(published),
        "requests": len(seen.requests),
        "failed": seen.failed,
        "around": len(around),
        "p99_ms_around": round(percentile(around, 99), 3),
        "p99_ms_between": round(percentile(between, 99), 3),
        "ratio": round(percentile(around, 99) / percentile(between, 99), 2),
        "longest_ms_around": round(max(around), 3),
        "longest_ms_between": round(max(between), 3),
    }


def percentile(values: list[float], share: int) -> float:
    """The value that so many percent do not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


def main() -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--swaps", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0, help="between two swaps")
    parser.add_argument("--connections", type=int, default=4)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measured(parser.parse_args(), Path(folder)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
