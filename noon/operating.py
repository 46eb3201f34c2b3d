"""The commands with which an operator finds out what is wrong, and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from noon.arguments import Json
from noon.completing import check_names, model_names, process_names

operating = typer.Typer()


@operating.command()
def doctor(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHECK",
            help="This check alone; say it again for another one.",
            autocompletion=check_names,
        ),
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


@operating.command()
def logs(
    process: Annotated[
        list[str] | None,
        typer.Argument(
            help="storage, azure, app or container; all when none is named.",
            autocompletion=process_names,
        ),
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=100_000)] = 30,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is added, until Ctrl-C.")
    ] = False,
    trouble: Annotated[
        bool, typer.Option("--errors", help="Only lines that tell of errors and warnings.")
    ] = False,
    kql: Annotated[
        bool, typer.Option("--kql", help="Print the query for Application Insights instead.")
    ] = False,
    model: Annotated[
        str,
        typer.Option(help="For the query: this model alone.", autocompletion=model_names),
    ] = "",
    since: Annotated[
        str, typer.Option(metavar="WHEN", help="For the query: 90min, 2h, 7d, or an instant.")
    ] = "1h",
    as_json: Json = False,
) -> int:
    """Show what the processes of the local stack said; for an app in Azure, the query for it.

    With NOON_URL set, or with --kql, it prints KQL for the Logs of the app's Application Insights:
    log lines and exceptions, with model and decision, which noon why takes.

    \b
    Examples:
      noon logs
      noon logs app azure --errors --lines 200
      noon logs app --follow
      noon logs --kql --model flights --since 6h --errors
      az monitor app-insights query --app NAME -g GROUP --analytics-query "$(noon logs --kql)"

    Exit codes: 0 told, 2 wrong usage, 3 there are no logs on this machine.
    """
    from noon.commands.logs import is_elsewhere, run_logs, run_query

    if kql or is_elsewhere():
        return run_query(model, since, lines, trouble=trouble)
    return run_logs(process or [], lines, follow=follow, trouble=trouble, as_json=as_json)
