"""Runs the training components as they are, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COMPONENTS = Path(__file__).resolve().parents[2] / "training_components"
WORKER = Path(__file__).with_name("component_worker.py")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of a component ended."""

    code: int
    output: str


class Component:
    """One component, ready to run; its libraries are being imported meanwhile."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            [sys.executable, str(WORKER), str(COMPONENTS / name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path) -> Ran:
        """Run it once with these arguments of its command line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(each) for each in arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with code {self._process.wait()}")
        answer = json.loads(line)
        return Ran(int(answer["code"]), str(answer["output"]))

    def succeed(self, *arguments: str | Path) -> None:
        """Run it; raises RuntimeError with its last words when it fails."""
        ran = self.run(*arguments)
        if ran.code:
            raise RuntimeError(f"{self._name} failed: {last_line(ran.output)}")

    def close(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def last_line(output: str) -> str:
    """What a process said last."""
    lines: Sequence[str] = output.strip().splitlines() or ["nothing was said"]
    return lines[-1]
