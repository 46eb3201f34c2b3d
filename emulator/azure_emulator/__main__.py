"""The command line: `up` for people, its parts one by one for other programs."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Annotated

import typer

from .fault_commands import app as faults
from .home import SUBSCRIPTION
from .local_commands import down, env, logs, reset, status, up
from .mistakes import UserMistakeError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Azure on this machine, for the official and unmodified SDKs.",
)
for command in (up, down, env, status, logs, reset):
    app.command()(command)
app.add_typer(faults, name="faults")
Home = Annotated[Path, typer.Option(help="The folder that holds everything durable.")]
Host = Annotated[
    str, typer.Option(help="The address to listen at; another than loopback is for containers.")
]
LOOPBACK = "127.0.0.1"
PARTS = "The parts one by one"


@app.command(rich_help_panel=PARTS)
def certificate(
    home: Home,
    name: Annotated[
        list[str] | None, typer.Option(help="Another name of a server, as in a network of compose.")
    ] = None,
) -> None:
    """Make HOME/tls: our CA, a certificate for localhost, a bundle for clients."""
    from .certificates import ensure_certificates

    typer.echo(ensure_certificates(home, name or ()).bundle)


@app.command(rich_help_panel=PARTS)
def azurite(
    home: Home,
    blob_port: Annotated[int, typer.Option()] = 10000,
    queue_port: Annotated[int, typer.Option()] = 10001,
    table_port: Annotated[int, typer.Option()] = 10002,
    host: Host = LOOPBACK,
) -> None:
    """Run Azurite over TLS, with bearer tokens, until interrupted."""
    from .azurite import azurite_command
    from .certificates import ensure_certificates

    home = home.resolve()
    ports = {"blob": blob_port, "queue": queue_port, "table": table_port}
    command = azurite_command(home, ensure_certificates(home), ports, host)
    os.execvp(command[0], command)  # noqa: S606 - our own command


@app.command(rich_help_panel=PARTS)
def serve(
    home: Home,
    blob_url: Annotated[str, typer.Option(help="The blob account, over TLS.")],
    port: Annotated[int, typer.Option(help="Its port.")] = 8443,
    host: Host = LOOPBACK,
    subscription: Annotated[str, typer.Option()] = SUBSCRIPTION,
    resource_group: Annotated[str, typer.Option()] = "local",
    workspace: Annotated[str, typer.Option()] = "local",
    datastore: Annotated[list[str] | None, typer.Option(help="NAME=CONTAINER")] = None,
    compute: Annotated[list[str] | None, typer.Option(help="A cluster's name.")] = None,
    image: Annotated[list[str] | None, typer.Option(help="IMAGE GLOB=LOCAL COMMAND")] = None,
    python: Annotated[Path, typer.Option(help="What `python` is to jobs.")] = Path(sys.executable),
    inference_server: Annotated[
        Path | None, typer.Option(help="The azmlinfsrv that runs scoring scripts.")
    ] = None,
    operation_seconds: Annotated[float, typer.Option(help="Least time of operations.")] = 2.0,
    poll_milliseconds: Annotated[int, typer.Option(help="retry-after-ms; 0 sends none.")] = 100,
    watch_seconds: Annotated[float, typer.Option(help="Pause between looks at blobs.")] = 0.5,
    record: Annotated[
        Path | None, typer.Option(help="A file that gets every call of the control plane.")
    ] = None,
) -> None:
    """Serve Azure ML, managed identity and Event Grid over HTTPS until interrupted."""
    from .server import serve as run
    from .settings import Pace, ServeSettings

    settings = ServeSettings(
        home=home.resolve(),
        host=host,
        port=port,
        blob_url=blob_url.rstrip("/"),
        subscription=subscription,
        resource_group=resource_group,
        workspace=workspace,
        datastores=dict(_pair(value) for value in datastore or []),
        computes=tuple(compute or ["cpu-cluster"]),
        images=tuple(_pair(value) for value in image or []),
        python=python.absolute(),
        inference_server=inference_server.absolute() if inference_server else None,
        watch_seconds=watch_seconds,
        record=record,
    )
    raise typer.Exit(run(settings, Pace(operation_seconds, poll_milliseconds)))


@app.command(rich_help_panel=PARTS)
def functions(
    home: Home,
    app_root: Annotated[Path, typer.Option("--app", help="The folder with host.json.")],
    port: Annotated[int, typer.Option(help="Its port.")] = 7071,
    host: Host = LOOPBACK,
    host_id: Annotated[str | None, typer.Option(help="Whose timers these are.")] = None,
    queue_visibility_seconds: Annotated[
        float, typer.Option(help="How long a message stays hidden at a time.")
    ] = 600.0,
    cors: Annotated[
        str,
        typer.Option(
            metavar="ORIGINS",
            help="Origins that may call from a browser, with commas between them, instead of "
            "Host.CORS in local.settings.json.",
        ),
    ] = "",
    reload: Annotated[
        bool, typer.Option("--reload", help="Start again whenever the app's files change.")
    ] = False,
) -> None:
    """Run a Functions host for one app."""
    from .functions.cli import functions as run
    from .functions.cli import origins

    if reload:
        from .functions.reloading import reload as run_again

        raise typer.Exit(run_again(app_root, home))
    try:
        allowed = origins(cors)
    except ArgumentTypeError as error:
        raise typer.BadParameter(str(error), param_hint="--cors") from None
    seconds = queue_visibility_seconds
    code = run(
        home,
        app_root,
        port,
        host=host,
        host_id=host_id,
        queue_visibility_seconds=seconds,
        cors=allowed,
    )
    raise typer.Exit(code)


def _pair(value: str) -> tuple[str, str]:
    name, separator, rest = value.partition("=")
    if not (name and separator and rest):
        raise typer.BadParameter(f"'{value}' is not of the form NAME=VALUE")
    return name, rest


def main() -> None:
    """Run the command line; a person's mistake ends it with words instead of a traceback."""
    try:
        app(prog_name="azure-emulator")
    except UserMistakeError as mistake:
        typer.echo(f"azure-emulator: {mistake}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
