"""Runs the README's quick start as a newcomer does: a fresh environment, a fresh Azurite.

    python emulator/bench/fresh_install.py

It needs the network (PyPI and npm) and takes some minutes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EMULATOR = Path(__file__).resolve().parents[1]
KEPT = ("PATH", "LANG", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "PIP_INDEX_URL")


def main() -> None:
    """Install, start, run, end; raises CalledProcessError when something fails."""
    code = re.search(
        r"## Quick start.*?```python\n(.*?)```", (EMULATOR / "README.md").read_text(), re.DOTALL
    )
    assert code, "the README has no quick start"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {key: os.environ[key] for key in KEPT if key in os.environ}
        environment |= {
            "HOME": os.environ["HOME"],  # pip and npm have their settings there
            "XDG_CACHE_HOME": str(folder / "cache"),
            "AZURE_EMULATOR_HOME": str(folder / "home"),
        }

        def run(*command: str | Path, **more: str) -> str:
            print("$", *command, flush=True)
            return subprocess.run(  # noqa: S603 - our own commands
                [str(each) for each in command],
                cwd=folder,
                env={**environment, **more},
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout

        skip = shutil.ignore_patterns("node_modules", "__pycache__", "*.egg-info", "build")
        source = shutil.copytree(EMULATOR, folder / "source", ignore=skip)
        run(sys.executable, "-m", "venv", "venv")
        bin_folder = folder / "venv" / "bin"
        run(bin_folder / "pip", "install", "--quiet", source, "azure-ai-ml", "azure-identity")
        shutil.rmtree(source)
        azure = bin_folder / "azure-emulator"
        free = [f"--{kind}port=0" for kind in ("", "blob-", "queue-", "table-")]
        run(azure, "up", "--workspace", "demo", "--detach", *free)
        try:
            variables = json.loads(run(azure, "env", "--json"))
            said = run(bin_folder / "python", "-W", "ignore", "-c", code[1], **variables)
        finally:
            run(azure, "down")
        assert said.splitlines()[-1] == "3 rows", said
        print("the quick start works")


if __name__ == "__main__":
    main()
