"""Drives one server with wrk and gives what came of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.places import BenchError

SCRIPT = Path(__file__).with_name("wrk.lua")
MISSING = "{0} is not on PATH: install it (Debian, Ubuntu: sudo apt-get install {0})"


@dataclass(frozen=True, slots=True)
class Load:
    """So many connections that ask again as soon as they are answered."""

    name: str
    connections: int
    rows: int = 1


LOADS = (
    Load("1", 1),
    Load("16", 16),
    Load("64", 64),
    Load("batch", 1, rows=1000),
)
"""By the names that the results have."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked."""

    port: int
    path: str
    body: Path
    headers: dict[str, str]


def find(program: str) -> str:
    """Where a program of the system is; raises BenchError that says how to install it."""
    path = shutil.which(program, path=None) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        raise BenchError(MISSING.format(program))
    return path


def drive(load: Load, target: Target, seconds: float) -> dict[str, Any]:
    """Requests, seconds, latencies and what went wrong, over one run of whole seconds or less."""
    headers = [part for header in target.headers.items() for part in header]
    url = f"http://127.0.0.1:{target.port}{target.path}"
    duration = f"{seconds:g}s" if seconds == int(seconds) else f"{max(1, round(seconds))}s"
    command = [find("wrk"), "-t1", f"-c{load.connections}", f"-d{duration}", "--timeout", "30s"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "-s", str(SCRIPT), url, "--", str(target.body), *headers],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise BenchError(f"wrk failed: {(done.stderr or done.stdout).strip()[-300:]}")
    figures: dict[str, Any] = json.loads(lines[-1])
    return figures
