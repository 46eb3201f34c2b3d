"""What `python` is to the processes of jobs and deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_python_wrappers(home: Path, python: Path) -> Path:
    """Make a folder in which `python` and `python3` are the chosen Python."""
    folder = (home / "runtime" / "bin").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        # A script, not a link: a linked Python would not find its virtual environment.
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
        script.chmod(0o755)
    return folder
