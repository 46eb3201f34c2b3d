"""Writes the conda file beside this folder from the locked requirements."""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.requirements import Requirement

PYTHON = "3.11"
HERE = Path(__file__).parent
REQUIREMENTS = HERE.parents[1] / "requirements" / "training.txt"
CONDA_FILE = HERE.parent / "environment.yml"
# Where the environment is built, whatever this machine is.
TARGET = {
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}


def pins(locked: str) -> list[str]:
    """The name==version of every package that the locked requirements install on the target."""
    found = []
    for line in locked.splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.removesuffix("\\"))
            if requirement.marker is None or requirement.marker.evaluate(TARGET):
                found.append(f"{requirement.name}{requirement.specifier}")
    return sorted(found)


def conda(locked: str) -> str:
    """The conda file with those pins."""
    lines = "".join(f"      - {pin}\n" for pin in pins(locked))
    return (
        "# Written by environment/pins.py from requirements/training.txt: a test compares them.\n"
        "name: noon-training\n"
        "channels:\n  - conda-forge\n"
        f"dependencies:\n  - python={PYTHON}\n  - pip\n  - pip:\n{lines}"
    )


if __name__ == "__main__":
    CONDA_FILE.write_text(conda(REQUIREMENTS.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"wrote {CONDA_FILE}\n")
