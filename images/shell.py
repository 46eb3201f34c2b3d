"""Runs the programs that build and run containers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class ImagesError(Exception):
    """Something that a person can put right; its text says how."""


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and give what it printed; raises ImagesError with its last words."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command,
        env=None if environment is None else dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-3000:]
        raise ImagesError(f"{' '.join(command)} ended with {done.returncode}:\n{words}")
    return done.stdout


def run_showing(command: Sequence[str]) -> None:
    """The same, with its output on ours."""
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - our own commands
    if code:
        raise ImagesError(f"{command[0]} ended with {code}: its last lines say why")


def found(name: str) -> str:
    """The path of a program; empty when there is none. What root uses lies outside many a PATH."""
    for folder in ("/usr/sbin", "/sbin"):
        if (Path(folder) / name).exists():
            return str(Path(folder) / name)
    return shutil.which(name) or ""
