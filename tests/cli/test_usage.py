"""What users see when they ask for help, and when they make a mistake."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Cli = Callable[..., CompletedProcess[str]]

COMMANDS = (
    "up",
    "down",
    "reset",
    "doctor",
    "status",
    "train",
    "predict",
    "rollout",
    "pause",
    "resume",
    "proceed",
    "accept",
    "abort",
    "rollback",
    "why",
    "replay",
    "data push",
    "deploy",
    "deploy components",
    "deploy running",
    "deploy image",
    "deploy containers",
    "deploy check",
    "deploy canary",
    "destroy",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_examples_and_exit_codes(noon_cli: Cli, command: str) -> None:
    """Help is enough to use a command: lines to copy, and what its exit code means."""
    shown = noon_cli(*command.split(), "--help")
    assert shown.returncode == 0
    assert f"noon {command}" in shown.stdout.partition("Examples:")[2]
    assert "Exit codes: 0" in shown.stdout


def test_help_names_every_command_and_variable(noon_cli: Cli) -> None:
    """The first page leads everywhere."""
    shown = noon_cli("--help").stdout
    variables = ("NOON_URL", "NOON_ROLLOUT_KEY", "NO_COLOR")
    for word in (*(command.split()[0] for command in COMMANDS), *variables):
        assert word in shown


def test_help_comes_at_once(noon_cli: Cli) -> None:
    """No Azure library is imported to say how a command is used."""
    before = os.times()
    noon_cli("--help")
    after = os.times()
    # Of the processor: the machine may be busy with other tests.
    used = after.children_user + after.children_system
    assert used - before.children_user - before.children_system < 1.0


WRONG_USAGE = {
    "unknown command": (["bogus"], "No such command 'bogus'"),
    "no reason": (["train", "flights"], "Missing option '--because'"),
    "empty reason": (["train", "flights", "--because", " "], "--because needs a reason"),
    "no reason to pause": (["pause", "flights"], "Missing option '--because'"),
    "empty reason to go back": (["rollback", "flights", "--because", ""], "--because needs"),
    "no model": (["rollout"], "Missing argument"),
    "nothing asked": (["why"], "Missing argument"),
    "nothing to replay": (["replay"], "one of the three"),
    "two to replay": (["replay", "--poison", "--dead-letter"], "one of the three"),
    "no such file": (["replay", "nowhere.json"], "nowhere.json cannot be read"),
    "no rows": (["predict", "flights"], "--row '{…}' or by --csv FILE"),
    "two sources": (["predict", "flights", "--row", "{}", "--csv", "x"], "one of the two"),
    "not JSON": (["predict", "flights", "--row", "{a}"], "--row is not JSON"),
    "a list": (["predict", "flights", "--row", "[]"], "must be one JSON object"),
    "no day": (
        ["data", "push", "flights", "--from", "2013-02-30", "--to", "2013-03-01"],
        "'2013-02-30' is not a day such as 2013-01-31",
    ),
    "days reversed": (
        ["data", "push", "flights", "--from", "2013-02-03", "--to", "2013-02-01"],
        "--to 2013-02-01 is before --from 2013-02-03",
    ),
    "no example": (
        ["data", "push", "ships", "--from", "2013-02-01", "--to", "2013-02-01"],
        "no example data for 'ships'",
    ),
    "no days": (["data", "push", "flights"], "name files, or the days"),
    "files and days": (
        ["data", "push", "flights", "x.csv", "--from", "2013-02-01"],
        "not both",
    ),
    "no such check": (["doctor", "--only", "nope"], "no check 'nope'; there are: python"),
    "no time at all": (["doctor", "--timeout", "0"], "greater than or equal to 1"),
    "no such model": (["data", "push", "ships", "x.csv"], "ships.toml; there are: flights"),
    "no such landing file": (["data", "push", "flights", "x.csv"], "x.csv is not a file"),
    "one name twice": (["data", "push", "flights", "a/x.csv", "b/x.csv"], "called x.csv"),
    "nobody to ask": (["reset"], "noon reset --yes"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG_USAGE.values(), ids=WRONG_USAGE)
def test_wrong_usage_is_exit_code_2(
    noon_cli: Cli, cli_home: Path, arguments: list[str], words: str
) -> None:
    """A mistake on the command line is named in one sentence, and nothing is tried."""
    cli_home.mkdir()
    shown = noon_cli(*arguments)
    assert shown.returncode == 2, shown.stderr
    assert shown.stderr.startswith("noon: ")
    assert words in shown.stderr
    assert "Traceback" not in shown.stderr
    assert shown.stdout == ""


NEEDS_A_STACK = {
    "status": ["status"],
    "status for scripts": ["status", "--json"],
    "train": ["train", "flights", "--because", "test"],
    "predict": ["predict", "flights", "--row", "{}"],
    "rollout": ["rollout", "flights"],
    "watch": ["rollout", "flights", "--watch"],
    "abort": ["abort", "flights", "--because", "test"],
    "why": ["why", "flights:3"],
    "replay": ["replay", "--poison"],
    "push": ["data", "push", "flights", "--from", "2013-02-01", "--to", "2013-02-01"],
    "deploy": ["deploy", "components"],
    "canary": ["deploy", "canary"],
    "check": ["deploy", "check"],
}


@pytest.mark.parametrize("arguments", NEEDS_A_STACK.values(), ids=NEEDS_A_STACK)
def test_without_a_stack_the_exit_code_is_3(noon_cli: Cli, arguments: list[str]) -> None:
    """Who forgot to start the stack is told how to start it."""
    shown = noon_cli(*arguments)
    assert shown.returncode == 3
    assert "noon up" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_nobody_listening_is_exit_code_3(noon_cli: Cli) -> None:
    """A refused connection is told in words, not as a traceback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        shown = noon_cli("status", NOON_URL=url)
    assert shown.returncode == 3
    assert f"nobody listens at {url}: the stack is not running" in shown.stderr


def test_a_wrong_address_is_exit_code_2(noon_cli: Cli) -> None:
    """NOON_URL must be an address."""
    shown = noon_cli("status", NOON_URL="ftp://nowhere")
    assert shown.returncode == 2
    assert "NOON_URL must begin with https://" in shown.stderr


def test_down_without_a_stack_is_done(noon_cli: Cli) -> None:
    """Stopping what does not run is success, so that scripts may always say it."""
    shown = noon_cli("down")
    assert shown.returncode == 0
    assert "no stack" in shown.stdout


def test_reset_refuses_a_folder_that_is_not_its_own(noon_cli: Cli, cli_home: Path) -> None:
    """A mistyped NOON_HOME does not cost anybody's files."""
    cli_home.mkdir()
    precious = cli_home / "thesis.txt"
    precious.write_text("years of work")
    shown = noon_cli("reset", "--yes")
    assert shown.returncode == 2
    assert "is not the folder of a stack" in shown.stderr
    assert precious.read_text() == "years of work"


def test_a_damaged_record_is_named(noon_cli: Cli, cli_home: Path) -> None:
    """A stack.json that cannot be read is said to be so, with the way out."""
    cli_home.mkdir()
    (cli_home / "stack.json").write_text("{")
    shown = noon_cli("status")
    assert shown.returncode == 1
    assert "stack.json cannot be read" in shown.stderr
    assert "noon reset" in shown.stderr
