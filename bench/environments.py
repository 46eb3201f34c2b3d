"""An environment for each peer, installed by hash, and how large it is."""

from __future__ import annotations

import csv
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.places import HOME, BenchError

SKLEARN_ONLY = ("joblib", "pandas", "python-dateutil", "scikit-learn", "scipy", "threadpoolctl")
ONNXRUNTIME_ONLY = ("flatbuffers", "onnxruntime")
INSTALL_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Environment:
    """A folder with an interpreter and what was installed into it."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def program(self, name: str) -> str:
        """One of the programs that its packages brought."""
        return str(self.folder / "bin" / name)

    def megabytes(self, without: Iterable[str] = ()) -> float:
        """What its packages take on disk by their own records, some left out."""
        left_out = {name.replace("-", "_") for name in without}
        size = 0
        for record in self.folder.glob("lib/python*/site-packages/*.dist-info/RECORD"):
            if record.parent.name.split("-")[0].lower() not in left_out:
                with record.open(newline="", encoding="utf-8") as lines:
                    size += sum(int(row[2]) for row in csv.reader(lines) if row[2:] and row[2])
        return size / 1e6

    def version(self, package: str) -> str:
        """The version of a package."""
        name = package.replace("-", "_")
        found = self.folder.glob("lib/python*/site-packages/*.dist-info")
        for path in found:
            its_name, _, version = path.name.removesuffix(".dist-info").rpartition("-")
            if its_name.lower() == name:
                return version
        return ""


def install(name: str, requirements: Path) -> Environment:
    """The environment of that name with exactly these packages; made or renewed when needed."""
    environment = Environment(HOME / "environments" / name)
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    done = environment.folder / "installed"
    if done.exists() and done.read_text() == digest and environment.python.exists():
        return environment
    print(f"bench: installing {name}", file=sys.stderr, flush=True)
    shutil.rmtree(environment.folder, ignore_errors=True)
    uv = str(Path(sys.executable).with_name("uv"))
    python = ["--python", str(environment.python)]
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(environment.folder)])
    _run([uv, "pip", "sync", "--quiet", *python, "--require-hashes", str(requirements)])
    # As an image is built: what is not compiled now would be compiled at the first start.
    _run(
        [str(environment.python), "-m", "compileall", "-q", "-j2", str(environment.folder / "lib")]
    )
    done.write_text(digest)
    return environment


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own commands
        command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    # compileall fails on templates that some packages carry; they are no modules.
    if done.returncode and "compileall" not in command:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise BenchError(f"cannot be installed: {' '.join(last) or done.returncode}")
