"""What callers feel while the scoring service swaps its model for a newer version.

    python -m bench.swap

A service process follows what is published in Azurite, as in production. Callers ask for one row
over kept connections, and every few seconds a newer version of the flights model is published.
Requests around a swap (the newer version is loaded and tried, then answers for the first time) are
compared with all others.

Callers, storage and service share this machine's cores, so that whatever else computes slows the
requests as well. How much of a step that is shows a control: between two swaps the same version is
published for a second service, which nobody asks. It does the same work, in a process of its own.
Prints one line of JSON.
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
from contextlib import ExitStack, contextmanager
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

POLL_SECONDS = 0.01

Span = tuple[float, float]


@dataclass
class Seen:
    """What the callers saw: when each request began, how long it took, which version answered."""

    requests: list[tuple[float, float, int]] = field(default_factory=list)
    failed: int = 0


@dataclass
class Following:
    """Two services that follow what is published: one that is asked, and one that only loads."""

    blobs: ContainerClient
    port: int
    neighbour_log: Path


@contextmanager
def following(folder: Path) -> Iterator[Following]:
    """Both services, and the container of blobs that they follow."""
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
        port, neighbour_log = free_port(), folder / "neighbour.log"
        with blobs, ExitStack() as running:
            blobs.create_container()
            for name, at, log in (
                ("flights", port, folder / "service.log"),
                ("neighbour", free_port(), neighbour_log),
            ):
                service = _service(f"{azurite.blob_url}/runs/{name}", at, log)
                running.callback(service.close)
                service.wait_ready(lambda at=at: listening(at))  # type: ignore[misc]
            yield Following(blobs, port, neighbour_log)


def _service(url: str, port: int, log: Path) -> LocalProcess:
    settings = {
        "PYTHONPATH": str(ROOT),
        "SCORING_SERVING_URL": url,
        "SCORING_ENVIRONMENT_VERSION": "1",
        "SCORING_POLL_SECONDS": "1",
        "SCORING_AUTH": "off",
    }
    command = [sys.executable, "-m", "backend", "--port", str(port)]
    return LocalProcess(command, log, {**os.environ, **settings})


def publish(blobs: ContainerClient, name: str, model: Path, version: int) -> None:
    """Publish the model as the control plane does, under one more version."""
    files = {path.name: path.read_bytes() for path in sorted(model.iterdir())}
    for file, content in files.items():
        blobs.upload_blob(f"{name}/v{version}/{file}", content, overwrite=True)
    listed = [
        {"path": file, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for file, content in files.items()
    ]
    pointer = {"schema": 1, "version": version, "folder": f"v{version}", "digest": f"d{version}"}
    content = json.dumps(pointer | {"files": listed}).encode()
    blobs.upload_blob(f"{name}/champion.json", content, overwrite=True)


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
    seen, over = Seen(), asyncio.Event()
    swaps: list[Span] = []
    controls: list[Span] = []
    with following(folder) as at:

        async def published(name: str, version: int) -> float:
            await asyncio.to_thread(publish, at.blobs, name, model.folder / "model", version)
            return time.perf_counter()

        for name in ("flights", "neighbour"):
            await published(name, 1)
        await asyncio.sleep(3)
        callers = [
            asyncio.create_task(ask(at.port, body, seen, over)) for _ in range(options.connections)
        ]
        for version in range(2, options.swaps + 2):
            await asyncio.sleep(options.seconds / 2)
            controls.append(
                around(await published("neighbour", version), await loaded(at, version))
            )
            await asyncio.sleep(options.seconds / 2)
            swaps.append(around(await published("flights", version), await answered(seen, version)))
        await asyncio.sleep(options.seconds / 2)
        over.set()
        await asyncio.gather(*callers)
    return figures(seen, swaps, controls)


async def loaded(at: Following, version: int) -> float:
    """When the second service had changed to a version."""
    while f"v{version}-e1 answers" not in at.neighbour_log.read_text():
        await asyncio.sleep(POLL_SECONDS)
    return time.perf_counter()


async def answered(seen: Seen, version: int) -> float:
    """When a version began to answer the callers."""
    while seen.requests[-1][2] != version:
        await asyncio.sleep(POLL_SECONDS)
    return next(began for began, _, name in reversed(seen.requests) if name != version)


def around(published_at: float, changed_at: float) -> Span:
    """The time that belongs to a change."""
    return max(published_at, changed_at - BEFORE_SECONDS), changed_at + AFTER_SECONDS


def figures(seen: Seen, swaps: list[Span], controls: list[Span]) -> dict[str, Any]:
    """The 99th percentiles around swaps, around controls, and between them, in milliseconds."""
    parts: dict[str, list[float]] = {"around": [], "control": [], "between": []}
    for began, seconds, _ in seen.requests:
        near = (
            name
            for name, spans in (("around", swaps), ("control", controls))
            if any(start - seconds <= began <= end for start, end in spans)
        )
        parts[next(near, "between")].append(seconds * 1000)
    p99 = {name: percentile(values, 99) for name, values in parts.items()}
    return {
        "swaps": len(swaps),
        "requests": len(seen.requests),
        "failed": seen.failed,
        **{f"requests_{name}": len(values) for name, values in parts.items()},
        **{f"p99_ms_{name}": round(value, 3) for name, value in p99.items()},
        "ratio": round(p99["around"] / p99["between"], 2),
        "ratio_of_control": round(p99["control"] / p99["between"], 2),
        "ratio_to_control": round(p99["around"] / p99["control"], 2),
        **{f"longest_ms_{name}": round(max(values), 3) for name, values in parts.items()},
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
