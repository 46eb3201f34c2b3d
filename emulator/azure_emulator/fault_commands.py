"""The commands `faults list`, `presets`, `add`, `remove`, `clear`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from .certificates import certificate_paths
from .control_client import ControlClient
from .home import Home
from .local_commands import HomeOption, JsonOption, say
from .mistakes import UserMistakeError

app = typer.Typer(no_args_is_help=True, help="What goes wrong on demand; the README has the rules.")


@app.command("list")
def listed(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show the rules that are left, and how often each has hit."""
    rules = _client(home).ask("GET", "faults")["value"]
    if as_json:
        typer.echo(json.dumps(rules, indent=1))
        return
    for rule in rules:
        typer.echo(_in_words(rule))
    if not rules:
        say("no faults")


@app.command()
def presets(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show the faults that have a name."""
    named = _client(home).ask("GET", "fault-presets")["value"]
    if as_json:
        typer.echo(json.dumps(named, indent=1))
        return
    for preset in named:
        typer.echo(f"{preset['name']:24} {preset['meaning']}")


@app.command()
def add(
    home: HomeOption,
    name: Annotated[str, typer.Argument(help="A preset, or the operations that are hit.")],
    fields: Annotated[list[str] | None, typer.Argument(help="FIELD=VALUE")] = None,
    as_json: JsonOption = False,
) -> None:
    """Add a rule and print its id.

    A name with a dot or a star is a pattern of operations; any other is a preset.

    Examples:

      azure-emulator faults add quota

      azure-emulator faults add 'Jobs.CreateOrUpdate' status=500 count=3

      azure-emulator faults add 'Scoring.*.green' status=500 by=container probability=0.5 seed=7
    """
    kind = "operation" if "." in name or "*" in name else "preset"
    rule = {kind: name, **dict(_field(each) for each in fields or [])}
    answer = _client(home).ask("POST", "faults", rule)
    typer.echo(json.dumps(answer) if as_json else answer.get("id", ""))


@app.command()
def remove(
    home: HomeOption,
    rule: Annotated[str, typer.Argument(help="Its id, as `list` shows it.")],
    as_json: JsonOption = False,
) -> None:
    """Forget one rule and say how often it hit."""
    gone = _client(home).ask("DELETE", f"faults/{rule}")
    typer.echo(json.dumps(gone, indent=1) if as_json else _in_words(gone))


@app.command()
def clear(home: HomeOption) -> None:
    """Forget all rules."""
    _client(home).ask("DELETE", "faults")
    say("no faults are left")


def _client(home: Any) -> ControlClient:
    place = Home(home.absolute())
    return ControlClient(place.need_running().url, certificate_paths(place.path).ca)


def _field(text: str) -> tuple[str, Any]:
    """Read numbers, true, false and null as such, and all else as words."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UserMistakeError(f"'{text}' is not of the form FIELD=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _in_words(rule: dict[str, Any]) -> str:
    shown = {key: value for key, value in rule.items() if value not in (None, "", "*", 0, 1, False)}
    shown.pop("id", None)
    operation = shown.pop("operation", "")
    hits = f"hits={rule.get('hits', 0)}"
    rest = " ".join(f"{key}={value}" for key, value in shown.items() if key != "hits")
    return f"{rule.get('id', '')}  {operation}  {rest}  {hits}".replace("    ", "  ")
