"""The command lines of the stack's processes."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from noon.home import ROOT
from noon.local.environment import (
    COMPUTE,
    EMULATOR,
    LANDING,
    RESOURCE_GROUP,
    SUBSCRIPTION,
    WEBUI,
    WORKSPACE,
    Addresses,
)


def storage_command(home: Path, addresses: Addresses) -> list[str]:
    """Give the command of Azurite over TLS, with its data in home/azurite.

    It makes the certificates in home/tls, which all the others trust.
    """
    command = [sys.executable, "-m", "azure_emulator", "azurite", "--home", str(home)]
    for kind in ("blob", "queue", "table"):
        command += [f"--{kind}-port", str(addresses.ports[kind])]
    return command


def emulator_command(home: Path, addresses: Addresses, operation_seconds: float) -> list[str]:
    """Give the command of Azure ML, identity and Event Grid."""
    command = [sys.executable, "-m", "azure_emulator", "serve", "--home", str(home)]
    command += ["--port", str(addresses.ports["emulator"])]
    command += ["--subscription", SUBSCRIPTION, "--resource-group", RESOURCE_GROUP]
    command += ["--workspace", WORKSPACE, "--blob-url", addresses.storage("blob")]
    command += ["--datastore", f"{LANDING}={LANDING}", "--compute", COMPUTE]
    command += [
        "--image",
        f"noon-backend*={shlex.quote(sys.executable)} -m backend --port {{port}}",
    ]
    command += ["--python", sys.executable]
    return [*command, "--operation-seconds", str(operation_seconds), "--watch-seconds", "0.5"]


def host_command(home: Path, addresses: Addresses) -> list[str]:
    """Give the command of the Functions host with our app, which browsers of the web UI may ask."""
    command = [sys.executable, "-m", "azure_emulator", "functions", "--home", str(home)]
    command += ["--app", str(ROOT), "--port", str(addresses.ports["functions"])]
    return [*command, "--cors", addresses.webui]


def webui_command(addresses: Addresses) -> list[str]:
    """Give the command that serves the built web UI."""
    command = [sys.executable, "-m", "noon.local.webui", str(WEBUI)]
    return [*command, "--port", str(addresses.ports["webui"]), "--api", addresses.app]


def supervised(*command: str) -> list[str]:
    """Give the command line that runs `command` so that it ends with the calling process.

    The emulator's supervisor is a script: it asks the kernel for a signal at our death
    (PR_SET_PDEATHSIG on Linux; elsewhere it looks once a second) and then ends what it runs.
    """
    script = EMULATOR / "azure_emulator" / "supervisor.py"
    return [sys.executable, "-I", "-S", str(script), str(os.getpid()), *command]
