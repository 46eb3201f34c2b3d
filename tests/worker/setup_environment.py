"""Makes .venv-worker: the function app's requirements and Microsoft's worker library.

    .venv/bin/python tests/worker/setup_environment.py

Does nothing when the environment fits the lock files. The app's packages come from
requirements.txt alone, as in Azure, so that a package missing there is missed here.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv-worker"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
APP = ROOT / "requirements.txt"
WORKER = ROOT / "requirements" / "worker.txt"
STAMP = VENV / "installed"


def main() -> None:
    """Make the environment, unless it is there."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    STAMP.unlink(missing_ok=True)
    run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV))
    install_app()
    # uv insists on the declared version of Python, pip can be told not to.
    pip("--no-deps", "--ignore-requires-python", "--requirement", str(WORKER))
    STAMP.write_text(wanted)


def install_app() -> None:
    """Install what Azure would; by pip where only pip's configuration knows the index."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "sync", "--quiet", "--python", str(PYTHON)]
    try:
        run(*command, "--require-hashes", str(APP))
    except (OSError, subprocess.CalledProcessError):
        pip("--requirement", str(APP))


def pip(*arguments: str) -> None:
    """Run the pip of the calling environment on the new one."""
    options = ("--quiet", "--disable-pip-version-check", "--require-hashes")
    command = (sys.executable, "-m", "pip", "--python", str(PYTHON), "install", *options)
    run(*command, *arguments)


def run(*command: str) -> None:
    """Run a command; raises when it fails."""
    subprocess.run(command, check=True)


def fingerprint() -> str:
    """What the environment is made of: the lock files and the Python."""
    digest = hashlib.sha256(sys.version.encode())
    for path in (APP, WORKER):
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
