"""The commands with which an operator finds out what is wrong, and their help."""

from __future__ import annotations

from typing import Annotated

import typer

operating = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, for scripts.")]


@operating.command()
def doctor(
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="CHECK", help="This check alone; say it again for another one."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Write no markers to storage, only look.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=1, max=600, help="Seconds that all checks together may take.")
    ] = 30,
    as_json: Json = False,
) -> int:
    """Look at everything that must be right, and say what to do about what is not.

    Python, Node, settings, model files; certificates and clocks of every server; identity, storage
    (a marker is written, read and deleted), workspace, release, endpoints, Event Grid; the app,
    its functions, keys and timers; the age of the queue, poison, dead letters, overdue models. All
    are looked at together, in the local stack, or in what NOON_URL and the NOON_… settings name.
    What is asked of Azure is asked with the identity of this shell, not with that of the app.

    \b
    Examples:
      noon doctor
      noon doctor --only clock --only certificates
      noon doctor --read-only --timeout 60
      noon doctor --json | jq -r '.findings[] | select(.state == "fail") | .check'

    Exit codes: 0 nothing failed, 1 something did, 2 wrong usage.
    """
    from noon.commands.doctor import run_doctor

    return run_doctor(only or [], read_only=read_only, seconds=timeout, as_json=as_json)
