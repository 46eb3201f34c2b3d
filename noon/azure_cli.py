"""Runs the Azure CLI, and says in one sentence what stands in its way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from noon.failures import CommandError, NotRunningError

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGN_IN_HINTS = ("az login", "AADSTS", "az account set")
"""What the CLI says when it knows no account, or one whose sign-in has run out."""


class AzureRefusedError(CommandError):
    """Azure, or its command line, said no."""


def az(*arguments: str, variables: Mapping[str, str] | None = None) -> Any:
    """Give what a command of the Azure CLI answers, read as JSON; None when it says nothing.

    `variables` are set for the command besides those of this process. Raises NotRunningError when
    `az` is missing or not signed in, AzureRefusedError with its own words when it fails.
    """
    program = shutil.which("az")
    if program is None:
        raise NotRunningError(
            "az, the Azure CLI, is not installed: see https://aka.ms/azure-cli, then run: az login"
        )
    done = subprocess.run(  # noqa: S603 - our own arguments, no shell
        [program, *arguments, "--output", "json", "--only-show-errors"],
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise _refusal(arguments, done.stderr)
    try:
        return json.loads(done.stdout) if done.stdout.strip() else None
    except ValueError:
        raise AzureRefusedError(f"az {_name(arguments)} did not answer in JSON") from None


def _refusal(arguments: tuple[str, ...], said: str) -> CommandError:
    words = " ".join(line.strip() for line in said.splitlines() if line.strip())
    if any(hint in words for hint in SIGN_IN_HINTS):
        return NotRunningError(f"az is not signed in, run: az login ({words})")
    return AzureRefusedError(f"az {_name(arguments)} failed: {words or 'it did not say why'}")


def _name(arguments: tuple[str, ...]) -> str:
    """The command without its options: they can be long."""
    command: list[str] = []
    for word in arguments:
        if word.startswith("-"):
            break
        command.append(word)
    return " ".join(command)
