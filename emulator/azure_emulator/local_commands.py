"""The commands for people: up, down, env, status, logs, reset."""

from __future__ import annotations

import json
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .certificates import certificate_paths
from .home import Home, Running, default_home
from .mistakes import UserMistakeError

if TYPE_CHECKING:
    from collections.abc import Iterator

HomeOption = Annotated[
    Path,
    typer.Option(
        default_factory=default_home,
        envvar="AZURE_EMULATOR_HOME",
        show_default="~/.azure-emulator",
        help="The folder that holds everything durable.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")]
PortOption = Annotated[int | None, typer.Option(help="0: any free one.", show_default="as before")]
NameOption = Annotated[str | None, typer.Option(show_default="as before")]
NOT_RUNNING = 3
"""The exit code of `status` when nothing runs, as service managers have it."""


def say(words: str) -> None:
    """Tell a person how it goes; stdout stays for what scripts read."""
    typer.echo(words, err=True)


def up(
    home: HomeOption,
    workspace: NameOption = None,
    resource_group: NameOption = None,
    subscription: NameOption = None,
    port: PortOption = None,
    blob_port: PortOption = None,
    queue_port: PortOption = None,
    table_port: PortOption = None,
    datastore: Annotated[list[str] | None, typer.Option(help="NAME=CONTAINER")] = None,
    compute: Annotated[list[str] | None, typer.Option(help="A cluster's name.")] = None,
    image: Annotated[list[str] | None, typer.Option(help="IMAGE GLOB=LOCAL COMMAND")] = None,
    python: Annotated[Path | None, typer.Option(help="What `python` is to jobs.")] = None,
    inference_server: Annotated[
        Path | None, typer.Option(help="The azmlinfsrv that runs scoring scripts.")
    ] = None,
    operation_seconds: Annotated[float, typer.Option(help="Least time of operations.")] = 2.0,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Come back when it is ready; `down` ends it.")
    ] = False,
) -> None:
    """Start storage and Azure ML here, print what to export, stay until Ctrl+C.

    Storage is Azurite: found, or installed once by npm. Names and ports are remembered.

    Examples:

      azure-emulator up --workspace demo

      eval "$(azure-emulator up --detach)"

      azure-emulator up --port 0 --image 'my-model*=python -m my_model --port {port}'
    """
    from .local_azure import Wishes, run, start_detached

    given = {"emulator": port, "blob": blob_port, "queue": queue_port, "table": table_port}
    ports = {kind: number for kind, number in given.items() if number is not None}
    serve = ["--operation-seconds", str(operation_seconds)]
    for option, values in (("datastore", datastore), ("compute", compute), ("image", image)):
        for value in values or []:
            serve += [f"--{option}", value]
    for option, path in (("python", python), ("inference-server", inference_server)):
        if path:
            serve += [f"--{option}", str(path.absolute())]
    place = Home(home.absolute())
    if detach:
        arguments = [each for each in sys.argv[1:] if each not in ("--detach", "-d")]
        _print_environment(place, start_detached(place, arguments, say))
        return

    def ready(running: Running) -> None:
        _print_environment(place, running)
        say(f"ready: workspace {running.workspace} at {running.url}; Ctrl+C ends it")

    wishes = Wishes(subscription, resource_group, workspace, ports, serve)
    raise typer.Exit(run(place, wishes, say, ready))


def down(home: HomeOption) -> None:
    """End what `up` started; what it knows stays.

    Example:

      azure-emulator down
    """
    from .local_azure import stop

    say("stopped" if stop(Home(home.absolute())) else "nothing runs")


def env(
    home: HomeOption,
    port: Annotated[int | None, typer.Option(help="Of a `serve` without `up`.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the variables that point Azure's SDKs here.

    Examples:

      eval "$(azure-emulator env)"

      azure-emulator env --json | jq -r .REQUESTS_CA_BUNDLE
    """
    place = Home(home.absolute())
    if port is not None:
        running = Running(ports={"emulator": port})
    else:
        running = place.remembered() if place.remembered().ports else place.need_running()
    _print_environment(place, running, as_json=as_json)


def status(home: HomeOption, as_json: JsonOption = False) -> None:
    """Say what runs, what was asked of it, and which calls it does not support.

    The exit code is 0 when it runs and 3 when nothing does.

    Example:

      azure-emulator status --json | jq .unsupported
    """
    place = Home(home.absolute())
    running = place.running()
    if running is None:
        answer: dict[str, Any] = {"running": False, "home": str(place.path)}
    else:
        answer = _described(place, running)
    if as_json:
        typer.echo(json.dumps(answer, indent=1))
    else:
        for key, value in answer.items():
            _print_status(key, value)
    raise typer.Exit(0 if running else NOT_RUNNING)


def logs(
    home: HomeOption,
    name: Annotated[
        str, typer.Argument(help="emulator, azurite, up; or part of a job's or deployment's name.")
    ] = "emulator",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0)] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until Ctrl+C.")] = False,
    names: Annotated[bool, typer.Option("--list", help="Only say which logs there are.")] = False,
) -> None:
    """Show the end of a log.

    Examples:

      azure-emulator logs --follow

      azure-emulator logs my-job

      azure-emulator logs --list
    """
    place = home.absolute()
    found = {path.relative_to(place).as_posix(): path for path in _log_files(place)}
    if names:
        typer.echo("\n".join(found))
        return
    exact = f"logs/{name}.log"
    chosen = [found[exact]] if exact in found else [p for key, p in found.items() if name in key]
    if not chosen:
        raise UserMistakeError(f"there is no log of '{name}' in {place}; see `logs --list`")
    for path in chosen:
        if len(chosen) > 1:
            say(f"==> {path.relative_to(place)}")
        text = path.read_text(errors="replace").splitlines()
        typer.echo("\n".join(text[-lines:] if lines else []))
    if follow:
        _follow(chosen[-1])


def reset(
    home: HomeOption,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget all state: storage, jobs, models, endpoints, logs. Certificates and ports stay.

    Example:

      azure-emulator reset --yes
    """
    place = Home(home.absolute())
    if place.in_use():
        raise UserMistakeError(f"{place.path} is in use; end it with `azure-emulator down` first")
    if not yes:
        if not sys.stdin.isatty():
            raise UserMistakeError("this deletes everything: say --yes")
        typer.confirm(f"Delete everything in {place.path}?", abort=True)
    gone = place.forget()
    say(f"deleted {', '.join(gone)}" if gone else "there was nothing to delete")


def _print_environment(home: Home, running: Running, *, as_json: bool = False) -> None:
    from .local_azure import shell_environment

    variables = shell_environment(home.path, running)
    if as_json:
        typer.echo(json.dumps(variables, indent=1))
        return
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def _described(home: Home, running: Running) -> dict[str, Any]:
    from .control_client import ControlClient
    from .local_azure import listening_places

    control = ControlClient(running.url, certificate_paths(home.path).ca)
    calls = control.ask("GET", "requests")
    return {
        "running": True,
        "home": str(home.path),
        "pid": running.pid,
        "subscription": running.subscription,
        "resource_group": running.resource_group,
        "workspace": running.workspace,
        **listening_places(running),
        "calls": calls["total"],
        "unsupported": calls["unsupported"],
        "faults": len(control.ask("GET", "faults")["value"]),
    }


def _print_status(key: str, value: object) -> None:
    label = key.replace("_", " ")
    if isinstance(value, dict):
        typer.echo(f"{label}: {'none' if not value else ''}".rstrip())
        for name, count in value.items():
            typer.echo(f"  {count} x {name}")
    else:
        typer.echo(f"{label}: {('no', 'yes')[value] if isinstance(value, bool) else value}")


def _log_files(home: Path) -> Iterator[Path]:
    yield from sorted((home / "logs").glob("*.log"))
    for folder in ("jobs", "deployments"):
        for pattern in ("*.txt", "*.log"):
            yield from sorted((home / folder).rglob(pattern))


def _follow(path: Path) -> None:
    with path.open(errors="replace") as log:
        log.seek(0, 2)
        while True:
            if text := log.read():
                typer.echo(text, nl=False)
            else:
                time.sleep(0.2)
