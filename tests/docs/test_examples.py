"""Every command that a page shows is run by a test, or stands in a short list that says why not."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from noon.app import app

ROOT = Path(__file__).resolve().parents[2]
RULES: dict[str, list[dict[str, str]]] = tomllib.loads(
    (Path(__file__).parent / "examples.toml").read_text()
)
LEFT_MAX = 12
"""Who adds one takes another away, or says in review why this must grow."""
SHELL = re.compile(r"^ *```(?:sh|bash|console)\n(.*?)^ *```", re.M | re.S)
INDENTED = re.compile(r"(?:^|\n\n)((?:    [^\n]+\n)+)")
PROGRAM = re.compile(r"(?:[A-Z_]+=\S+ )*(?:make|noon|python|pip|az|azd|\.venv/bin/\w+)\b")


def pages() -> list[str]:
    """The Markdown files that people read for what to type."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return [name for name in listed if name != "CHANGELOG.md" and (ROOT / name).exists()]


def commands(page: str) -> Iterator[str]:
    """The commands of a page, continued lines joined, comments and prompts gone."""
    text = (ROOT / page).read_text()
    blocks = SHELL.findall(text)
    blocks += [block for block in INDENTED.findall(text) if PROGRAM.match(block.strip())]
    for block in blocks:
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            command = re.sub(r"\s+#.*$", "", line.strip().removeprefix("$ "))
            if command and not command.startswith("#"):
                yield command


ALL = [(page, command) for page in pages() for command in commands(page)]


@pytest.mark.parametrize("page", sorted({page for page, _ in ALL}))
def test_every_command_is_accounted_for(page: str) -> None:
    """A new command on a page gets a test, or a reason: tests/docs/examples.toml."""
    rules = [rule for kind in ("ran", "left") for rule in RULES[kind] if rule["page"] == page]
    unknown = [
        command
        for of, command in ALL
        if of == page and not any(re.fullmatch(rule["commands"], command) for rule in rules)
    ]
    assert unknown == []


@pytest.mark.parametrize("kind", ["ran", "left"])
def test_no_rule_is_left_over(kind: str) -> None:
    """A rule for a command that is gone would hide the next one like it."""
    assert [
        rule
        for rule in RULES[kind]
        if not any(
            page == rule["page"] and re.fullmatch(rule["commands"], command)
            for page, command in ALL
        )
    ] == []


def test_what_runs_a_page_knows_the_page() -> None:
    """A test that is said to run a page's commands reads them there, or it is said where from."""
    for rule in RULES["ran"]:
        text = (ROOT / rule["by"]).read_text()
        assert rule["page"] in text or "as" in rule, rule


def test_little_is_left_and_each_has_a_reason() -> None:
    """What nobody runs grows wrong first."""
    assert len(RULES["left"]) <= LEFT_MAX
    assert all(rule["why"] for rule in RULES["left"])


def test_every_target_is_in_the_makefile() -> None:
    """`make` with a target that is gone is the first thing that a newcomer would meet."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    asked = {
        word
        for _, command in ALL
        if command.startswith("make ")
        for word in shlex.split(command)[1:]
        if "=" not in word
    }
    assert asked
    assert asked <= targets


def noon_commands() -> list[str]:
    """The words behind `noon` wherever a page shows it, each once."""
    found = [re.search(r"(?:^|/| )noon ((?:[a-z]|--)[^|]*)", command) for _, command in ALL]
    return sorted({match[1].strip() for match in found if match})


@pytest.mark.parametrize("line", noon_commands())
def test_noon_understands_what_pages_tell_it(line: str) -> None:
    """Commands, options and the number of arguments are those of the command line of today."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)
    context = command.context_class(command, info_name="noon")
    while hasattr(command, "resolve_command") and words and not words[0].startswith("-"):
        name, command, words = command.resolve_command(context, words)
        context = command.context_class(command, info_name=name, parent=context)
    command.make_context(command.name, words, parent=context.parent)


def test_json_and_toml_blocks_are_what_they_say() -> None:
    """Somebody will paste them."""
    for page in pages():
        for kind, block in re.findall(
            r"^```(json|toml)\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S
        ):
            if kind == "toml":
                tomllib.loads(block)
            elif block.lstrip().startswith("{") and block.count("\n{"):
                assert [json.loads(line) for line in block.splitlines()]
            else:
                json.loads(block)
