"""Measures how fast and how large the emulator is; prints one JSON object.

    python emulator/bench/figures.py > figures.json

Every figure has the most that it may be. Nothing else should run on the machine.
"""

from __future__ import annotations

import json
import os
import sqlite3
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
from azure.ai.ml import MLClient, Output, command, dsl
from azure.ai.ml.entities import Environment, ManagedOnlineEndpoint
from azure_emulator.identity import make_token
from azure_emulator.in_process import InProcessAzure
from azure_emulator.testing import Azurite, Emulator, start_azurite, start_emulator, wait_until

JOBS = 10_000
CALLS = 300
STARTS = 3
STEPS = 5
ENDED = ("Completed", "Failed", "Canceled")
LIMITS = {
    "start_seconds": 1.5,
    "call_in_process_ms": 5.0,
    "call_over_tls_ms": 10.0,
    "list_page_of_10000_jobs_ms": 20.0,
    "step_overhead_ms": 150.0,
    "memory_mb": 150.0,
}
Send = Callable[[str, str, Any], Any]


def main() -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder, start_azurite(Path(folder)) as azurite:
        figures = {**in_process(), **as_processes(Path(folder), azurite)}
    rows = {name: {"value": figures[name], "limit": limit} for name, limit in LIMITS.items()}
    # Above the number of processors, times say more about the neighbours than about us.
    rows["load"] = {"value": round(os.getloadavg()[0], 1), "limit": float(os.cpu_count() or 1)}
    json.dump(rows, sys.stdout, indent=1)


def in_process() -> dict[str, float]:
    """The median call of the control plane without sockets."""
    with InProcessAzure() as azure:

        def send(method: str, path: str, body: Any) -> Any:
            request = httpx.Request(method, "https://management.azure.com" + path, json=body)
            token = {"authorization": f"Bearer {make_token('arm', int(time.time()) + 999)}"}
            answer = azure._answer(method, str(request.url), token, request.content)
            return json.loads(answer.content)

        return {"call_in_process_ms": calls(send, azure.settings.workspace_id)}


def as_processes(home: Path, azurite: Azurite) -> dict[str, float]:
    """Start, calls over TLS, a pipeline's steps, ten thousand jobs, memory."""
    starts = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        emulator = start_emulator(home, azurite.blob_url)
        starts.append(time.perf_counter() - begun)
        emulator.close()
    with start_emulator(home, azurite.blob_url) as emulator, client_of(emulator) as session:
        figures = {
            "start_seconds": round(median(starts), 2),
            "call_over_tls_ms": calls(sender(session, emulator), emulator.workspace_id),
            "step_overhead_ms": step_overhead(emulator),
        }
    multiply_jobs(home / "emulator.sqlite")
    with start_emulator(home, azurite.blob_url) as emulator, client_of(emulator) as session:
        figures["list_page_of_10000_jobs_ms"] = list_pages(sender(session, emulator), emulator)
        figures["memory_mb"] = round(memory(emulator), 1)
    return figures


def client_of(emulator: Emulator) -> httpx.Client:
    """A client that keeps its connection, as the SDK's does."""
    bundle = emulator.environment["REQUESTS_CA_BUNDLE"]
    token = make_token("arm", int(time.time()) + 9999)
    headers = {"authorization": f"Bearer {token}"}
    return httpx.Client(verify=ssl.create_default_context(cafile=bundle), headers=headers)


def sender(session: httpx.Client, emulator: Emulator) -> Send:
    """Sends requests over TLS."""

    def send(method: str, path: str, body: Any) -> Any:
        url = path if path.startswith("https:") else emulator.url + path
        return session.request(method, url, json=body).raise_for_status().json()

    return send


def calls(send: Send, workspace: str) -> float:
    """The median of a mix: writes, reads and lists of small resources."""
    body = {"properties": {"image": "tools:1"}}
    seconds = []
    for index in range(CALLS // 3):
        one = f"{workspace}/environments/bench/versions/{index}"
        listed = f"{workspace}/environments/bench/versions?$top=20"
        for method, path, content in (
            ("PUT", one, body),
            ("GET", one, None),
            ("GET", listed, None),
        ):
            begun = time.perf_counter()
            send(method, path, content)
            seconds.append(time.perf_counter() - begun)
    return round(median(seconds) * 1000, 2)


def step_overhead(emulator: Emulator) -> float:
    """What a step that does nothing adds to a pipeline of such steps, one after the other."""
    os.environ.update(emulator.environment)
    from azure.identity import DefaultAzureCredential

    names = (emulator.subscription, emulator.resource_group, emulator.workspace)
    client = MLClient(DefaultAzureCredential(), *names)
    client.online_endpoints.begin_create_or_update(
        ManagedOnlineEndpoint(name="bench", auth_mode="key")
    ).result()
    first = command(
        name="first",
        command="echo 1 > ${{outputs.out}}/n.txt",
        outputs={"out": Output(type="uri_folder")},
        environment=Environment(image="bench:1"),
    )
    following = command(
        name="following",
        command="cp ${{inputs.before}}/n.txt ${{outputs.out}}/n.txt",
        inputs={"before": {"type": "uri_folder"}},
        outputs={"out": Output(type="uri_folder")},
        environment=Environment(image="bench:1"),
    )

    @dsl.pipeline(default_compute="cpu-cluster")
    def chain() -> None:
        node = first()
        for _ in range(STEPS - 1):
            node = following(before=node.outputs.out)

    job = client.jobs.create_or_update(chain())
    wait_until(lambda: client.jobs.get(job.name).status in ENDED, what="the pipeline")
    assert client.jobs.get(job.name).status == "Completed"
    history = f"{emulator.url}/history/v1.0{emulator.workspace_id}/runs/{job.name}"
    with client_of(emulator) as session:
        run = session.get(history).json()
    return round(span(run["startTimeUtc"], run["endTimeUtc"]) / STEPS * 1000, 1)


def span(begun: str, ended: str) -> float:
    """Seconds between two instants."""
    from datetime import datetime

    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def multiply_jobs(database: Path) -> None:
    """Make ten thousand of the jobs that are there, as rows."""
    with closing(sqlite3.connect(database)) as db, db:
        (name,) = db.execute("SELECT name FROM resources WHERE kind = 'jobs' LIMIT 1").fetchone()
        rows = db.execute(
            "SELECT * FROM resources WHERE name = ? AND kind IN ('jobs', 'runs')", (name,)
        ).fetchall()
        (last,) = db.execute("SELECT max(sequence) FROM resources").fetchone()
        marks = ", ".join("?" * len(rows[0]))
        for index in range(JOBS):
            for row in rows:
                last += 1
                new = f"{name}-{index:05}"
                copy = [v.replace(name, new) if isinstance(v, str) else v for v in row]
                db.execute(f"INSERT INTO resources VALUES ({marks})", [*copy[:-1], last])  # noqa: S608


def list_pages(send: Send, emulator: Emulator) -> float:
    """The median page of all jobs, walked by nextLink to the end."""
    seconds, seen = [], 0
    link = f"{emulator.workspace_id}/jobs?api-version=2024-01-01-preview&listViewType=ActiveOnly"
    while link:
        begun = time.perf_counter()
        page = send("GET", link, None)
        seconds.append(time.perf_counter() - begun)
        seen += len(page["value"])
        link = page.get("nextLink", "")
    assert seen > JOBS, seen
    return round(median(seconds) * 1000, 1)


def memory(emulator: Emulator) -> float:
    """What the process of `serve` has resident, in MiB."""
    (supervisor,) = [
        each
        for each in psutil.Process().children()
        if f"{emulator.port}" in each.cmdline() and "serve" in each.cmdline()
    ]
    return max(each.memory_info().rss for each in supervisor.children()) / 2**20


if __name__ == "__main__":
    main()
