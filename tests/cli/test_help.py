"""Help and completion: every example is one that works, and Tab knows what there is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import typer.main

from noon.app import app
from tests.cli.conftest import cli_environment

Cli = Callable[..., CompletedProcess[str]]
ROOT_COMMAND: Any = typer.main.get_command(app)


def commands(name: str = "", command: Any = ROOT_COMMAND) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by the words that call it."""
    inner = getattr(command, "commands", {})
    if not inner or (name and command.invoke_without_command):
        yield name.strip(), command
    for word, each in inner.items():
        yield from commands(f"{name} {word}", each)


COMMANDS = dict(commands())


def examples(command: Any) -> list[str]:
    """The lines below `Examples:` in a command's help."""
    below = str(command.help).partition("Examples:\n")[2].partition("\n\n")[0]
    return [line.strip() for line in below.splitlines()]


EXAMPLES = [line for command in COMMANDS.values() for line in examples(command)]


def arguments_of(line: str) -> list[str]:
    """What the shell gives to `noon` in such a line."""
    inside = re.search(r"\$\((noon [^)]*)\)", line)
    words = shlex.split(inside[1] if inside else line, comments=True)
    while "=" in words[0]:
        words.pop(0)
    assert words.pop(0) == "noon"
    ends = [at for at, word in enumerate(words) if word in ("|", ">", ">>", "<", "&&", "||")]
    return words[: ends[0]] if ends else words


def parsed(arguments: list[str]) -> str:
    """The command that these arguments call; raises for what it does not take."""
    context = ROOT_COMMAND.make_context("noon", list(arguments))
    named = []
    while given := [*getattr(context, "_protected_args", ()), *context.args]:
        name, command, rest = context.command.resolve_command(context, given)
        named.append(str(name))
        context = command.make_context(name, list(rest), parent=context)
    return " ".join(named)


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an example leaves to the environment is there."""
    for command in COMMANDS.values():
        for parameter in command.params:
            if parameter.required and isinstance(parameter.envvar, str):
                monkeypatch.setenv(parameter.envvar, "named")


def test_every_command_has_examples() -> None:
    """Nobody has to guess how a command is called: its help shows it."""
    unshown = [
        name
        for name, command in COMMANDS.items()
        if name not in [parsed(arguments_of(line)) for line in examples(command)]
    ]
    assert unshown == []
    assert len(COMMANDS) >= 23


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_are_understood(line: str) -> None:
    """What help shows is what the commands take."""
    assert parsed(arguments_of(line)) in COMMANDS


@pytest.fixture
def shell(tmp_path: Path, cli_home: Path) -> Callable[[str, str], list[str]]:
    """Runs a script in a shell that has `noon` on its PATH and models of its own; its lines."""
    place = tmp_path / "bin" / "noon"
    place.parent.mkdir()
    place.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m noon "$@"\n')
    place.chmod(0o755)
    models = tmp_path / "models"
    models.mkdir()
    for name in ("flights", "fleet-size", "diabetes"):
        (models / f"{name}.toml").touch()
    environment = cli_environment(cli_home, NOON_MODELS_DIR=str(models), HOME=str(tmp_path))
    environment["PATH"] = f"{place.parent}{os.pathsep}{environment['PATH']}"

    def run(name: str, script: str) -> list[str]:
        shown = subprocess.run(
            [name, "-c", script],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert shown.returncode == 0, shown.stderr
        assert shown.stderr == ""
        return shown.stdout.splitlines()

    return run


TABS = {
    "noon dec": ["decisions"],
    "noon runs fl": ["fleet-size", "flights"],
    "noon status --sort he": ["health"],
    "noon doctor --only po": ["poison"],
    "noon data push dia": ["diabetes"],
    "noon why any": [],
}
"""What is offered at the end of each line."""


def tabs(lines: list[str]) -> str:
    """Bash: read the script that noon shows, then press Tab at the end of each line."""
    script = ['eval "$(noon --show-completion)"']
    for line in lines:
        script += [
            f"COMP_WORDS=({line}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))",
            "_noon_completion noon; echo ${COMPREPLY[@]}",
        ]
    return "\n".join(script)


def test_bash_completes(shell: Callable[[str, str], list[str]]) -> None:
    """Tab gives commands, models, choices; where nothing is known it is silent."""
    told = shell("bash", tabs(list(TABS)))
    assert {line: sorted(words.split()) for line, words in zip(TABS, told, strict=True)} == TABS


def test_completion_is_installed_for_the_shell_that_asks(
    shell: Callable[[str, str], list[str]], tmp_path: Path
) -> None:
    """`noon --install-completion` writes the script and has ~/.bashrc read it."""
    told = shell("bash", "noon --install-completion; true")
    assert "bash completion installed" in told[0]
    assert "_noon_completion" in (tmp_path / ".bash_completions" / "noon.sh").read_text()
    assert "noon.sh" in (tmp_path / ".bashrc").read_text()


def test_zsh_gets_its_own_words(noon_cli: Cli, cli_home: Path) -> None:
    """The protocol of the script for zsh, which is run where there is no zsh."""
    words = {"_NOON_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "noon roll"}
    shown = noon_cli(**words).stdout
    assert '"rollout":' in shown
    assert '"rollback":' in shown
    script = noon_cli("--show-completion", "zsh", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert script.stdout.startswith("#compdef noon")
    if zsh := shutil.which("zsh"):
        checked = subprocess.run([zsh, "-n"], input=script.stdout, text=True, check=False)
        assert checked.returncode == 0
