"""Azurite, the storage half: where it is, how it is installed, and its command."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from .mistakes import UserMistakeError
from .node import ADVICE, find_node

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .certificates import Certificates

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent / "azurite"
"""Beside the package in a checkout; a wheel carries the same files in the package."""
LOCK_FILES = ("package.json", "package-lock.json", ".npmrc")
SCRIPT = Path("node_modules") / "azurite" / "dist" / "src" / "azurite.js"


def azurite_command(
    home: Path, tls: Certificates, ports: Mapping[str, int], host: str = "127.0.0.1"
) -> list[str]:
    """Give the command that keeps its data in `home`/azurite; ports by blob, queue, table."""
    command = [*_program(), "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    command += ["--oauth", "basic", "--cert", str(tls.certificate), "--key", str(tls.key)]
    command += ["--location", str(home / "azurite")]
    for kind, port in ports.items():
        command += [f"--{kind}Host", host, f"--{kind}Port", str(port)]
    return command


def ensure_azurite(
    say: Callable[[str], None], cache: Path | None = None, path: str | None = None
) -> None:
    """Install the pinned Azurite when none is there; raise UserMistakeError when that fails.

    `cache` stands for the user's cache and the checkout, `path` for PATH.
    """
    if _installed(cache) or which("azurite", path=path):
        return
    node = find_node(path)
    if not node.npm:
        raise UserMistakeError(f"{node.program} comes without npm; {ADVICE}")
    folder = _cache_folder(cache)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / SCRIPT).exists():
                say(f"installing Azurite {_pinned_version()} into {folder} (once)")
                _install(folder, node.program, node.npm)
    except OSError as error:
        raise UserMistakeError(f"cannot install Azurite: {error}") from None


def _program() -> list[str]:
    if script := _installed():
        return [find_node().program, str(script)]
    if command := which("azurite"):
        return [command]
    raise UserMistakeError("there is no Azurite: `azure-emulator up` installs one")


def _installed(cache: Path | None = None) -> Path | None:
    places = [CHECKOUT] if cache is None else []
    for folder in (*places, _cache_folder(cache)):
        if (folder / SCRIPT).exists():
            return folder / SCRIPT
    return None


def _install(folder: Path, node: str, npm: tuple[str, ...]) -> None:
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for name in LOCK_FILES:
        shutil.copyfile(_lock_folder() / name, part / name)
    # The scripts of packages ask PATH for node.
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
    quiet = ("--omit=dev", "--no-audit", "--no-fund", "--loglevel=error")
    done = subprocess.run(  # noqa: S603 - npm with our own arguments
        [*npm, "ci", *quiet],
        cwd=part,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-1500:]
        raise UserMistakeError(
            f"npm could not install Azurite:\n{words}\n"
            "Check the network and npm's registry, or put another `azurite` on PATH."
        )
    part.replace(folder)


def _lock_folder() -> Path:
    packed = PACKAGE / "azurite_lock"
    return packed if packed.exists() else CHECKOUT


def _cache_folder(cache: Path | None = None) -> Path:
    """Name the folder after the lock file, so that a new pin is a new installation."""
    lock = (_lock_folder() / "package-lock.json").read_bytes()
    base = cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = f"azurite-{_pinned_version()}-{hashlib.sha256(lock).hexdigest()[:8]}"
    return base / "azure-emulator" / name


def _pinned_version() -> str:
    package = json.loads((_lock_folder() / "package.json").read_text())
    return str(package["dependencies"]["azurite"])
