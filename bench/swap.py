"""What callers feel while the scoring service swaps its model for a newer version.

    python -m bench.swap

A service process follows what is published in Azurite, as in production. Callers ask for one row
over kept connections, and every few seconds a newer version of the flights model comes as a rollout
brings it: published as challenger, loaded and tried beside the champion, named as champion. All
requests of that time are compared with all others; and since a long time hides a short step, also
the worst part of it with the worst part of the time between, as long and in as many parts.

Callers, storage and service share this machine's cores, so that whatever else computes slows the
requests as well. How much of a step that is shows a control: between two swaps a second service,
which nobody asks, changes to the same version. It does the same work, in a process of its own.
With `--at-once` there is no challenger: the version is named as champion and loaded without rests,
as after a loss of the container's memory. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
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

AFTER_SECONDS = 0.1
"""After the first answer of a newer version: what came of it."""

PART_SECONDS = 0.4
PART_REQUESTS_MIN = 200
"""Fewer have no 99th percentile."""

POLL_SECONDS = 0.01

Span = tuple[float, float]
Request = tuple[float, float, int]
"""When it began, how many seconds it took, which version answered."""


@dataclass
class Seen:
    """What the callers saw."""

    requests: list[Request] = field(default_factory=list)
    failed: int = 0


@dataclass
class Following:
    """Two services that follow what is published: one that is asked, and one that only loads."""

    blobs: ContainerClient
    port: int
    logs: dict[str, Path]


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
        ports = {"flights": free_port(), "neighbour": free_port()}
        logs = {name: folder / f"{name}.log" for name in ports}
        with blobs, ExitStack() as running:
            blobs.create_container()
            for name, at in ports.items():
                service = _service(f"{azurite.blob_url}/runs/{name}", at, logs[name])
                running.callback(service.close)
                service.wait_ready(lambda at=at: listening(at))  # type: ignore[misc]
            yield Following(blobs, ports["flights"], logs)


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


def upload(blobs: ContainerClient, name: str, model: Path, version: int) -> bytes:
    """Upload the model under one more version; gives the pointer that names it."""
    files = {path.name: path.read_bytes() for path in sorted(model.iterdir())}
    for file, content in files.items():
        blobs.upload_blob(f"{name}/v{version}/{file}", content, overwrite=True)
    listed = [
        {"path": file, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for file, content in files.items()
    ]
    pointer = {"schema": 1, "version": version, "folder": f"v{version}", "digest": f"d{version}"}
    return json.dumps(pointer | {"files": listed}).encode()


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

        async def changed(name: str, version: int, *, at_once: bool) -> Span:
            """The time that a change to a version takes, as a rollout orders it."""
            content = model.folder / "model"
            pointer = await asyncio.to_thread(upload, at.blobs, name, content, version)
            began = 0.0
            for role, sign in (("challenger", "who asks"), ("champion", "from now on")):
                if role == "champion" or not at_once:
                    path = f"{name}/{role}.json"
                    await asyncio.to_thread(at.blobs.upload_blob, path, pointer, overwrite=True)
                    # From then on: what the upload takes of this process its callers feel, too.
                    began = began or time.perf_counter()
                    await logged(at.logs[name], f"v{version}-e1 answers {sign}")
            if name == "flights" and seen.requests:
                await answered(seen, version)
            return began, time.perf_counter() + AFTER_SECONDS

        for name in at.logs:
            await changed(name, 1, at_once=True)
        callers = [
            asyncio.create_task(ask(at.port, body, seen, over)) for _ in range(options.connections)
        ]
        for version in range(2, options.swaps + 2):
            for name, spans in (("neighbour", controls), ("flights", swaps)):
                await asyncio.sleep(options.seconds)
                spans.append(await changed(name, version, at_once=options.at_once))
        await asyncio.sleep(options.seconds)
        over.set()
        await asyncio.gather(*callers)
    return figures(seen, swaps, controls)


async def logged(log: Path, words: str) -> None:
    """Wait until a service has said so."""
    while words not in log.read_text():
        await asyncio.sleep(POLL_SECONDS)


async def answered(seen: Seen, version: int) -> None:
    """Wait until a version answers the callers."""
    while seen.requests[-1][2] != version:
        await asyncio.sleep(POLL_SECONDS)


def figures(seen: Seen, swaps: list[Span], controls: list[Span]) -> dict[str, Any]:
    """The 99th percentiles around swaps, around controls, and between them, in milliseconds."""
    first, last = seen.requests[0][0], seen.requests[-1][0]
    busy = sorted([*swaps, *controls])
    ends = [first, *(end for _, end in busy)]
    between = list(zip(ends, [*(start for start, _ in busy), last], strict=True))
    spans = {"around": swaps, "control": controls, "between": between}
    asked = {
        name: [(span, _within(seen.requests, span)) for span in each]
        for name, each in spans.items()
    }
    all_of = {
        name: _milliseconds(chain.from_iterable(requests for _, requests in each))
        for name, each in asked.items()
    }
    p99 = {name: percentile(values, 99) for name, values in all_of.items()}
    worst = {
        name: statistics.median(_worst_part(*one) for one in each) for name, each in asked.items()
    }
    return {
        "swaps": len(swaps),
        "seconds_of_a_swap": round(statistics.mean(end - start for start, end in swaps), 1),
        "requests": len(seen.requests),
        "failed": seen.failed,
        **{f"requests_{name}": len(values) for name, values in all_of.items()},
        **{f"p99_ms_{name}": round(value, 3) for name, value in p99.items()},
        "ratio": round(p99["around"] / p99["between"], 2),
        "ratio_of_control": round(p99["control"] / p99["between"], 2),
        **{f"worst_part_p99_ms_{name}": round(value, 3) for name, value in worst.items()},
        "ratio_of_worst_parts": round(worst["around"] / worst["between"], 2),
        "ratio_of_worst_parts_of_control": round(worst["control"] / worst["between"], 2),
        **{f"longest_ms_{name}": round(max(values), 3) for name, values in all_of.items()},
    }


def _within(requests: Iterable[Request], span: Span) -> list[Request]:
    """Those that were under way in a time."""
    start, end = span
    return [each for each in requests if start - each[1] <= each[0] <= end]


def _milliseconds(requests: Iterable[Request]) -> list[float]:
    return [seconds * 1000 for _, seconds, _ in requests]


def _worst_part(span: Span, requests: list[Request]) -> float:
    """The 99th percentile of the worst part of a time."""
    start, end = span
    count = max(1, int((end - start) / PART_SECONDS))
    edges = [start + number * PART_SECONDS for number in range(count)]
    parts = [_within(requests, (edge, edge + PART_SECONDS)) for edge in edges]
    return max(
        percentile(_milliseconds(part), 99) for part in parts if len(part) >= PART_REQUESTS_MIN
    )


def percentile(values: list[float], share: int) -> float:
    """The value that so many percent do not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


def main() -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--swaps", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5.0, help="before each change")
    parser.add_argument("--at-once", action="store_true", help="without a challenger before")
    parser.add_argument("--connections", type=int, default=4)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measured(parser.parse_args(), Path(folder)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
