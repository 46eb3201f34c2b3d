"""Directives that write the references from the code itself, so that they cannot grow old."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import textwrap
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click
    from pydantic import BaseModel
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]


class Written(SphinxDirective):
    """A directive whose content is Markdown that `lines` gives."""

    def run(self) -> list[nodes.Node]:
        """Parse what was written as if it stood on the page."""
        box = nodes.container()
        source = StringList(list(self.lines()), source=self.get_source_info()[0])
        self.state.nested_parse(source, self.content_offset, box)
        return box.children

    def lines(self) -> Iterator[str]:
        """Give the Markdown."""
        raise NotImplementedError


class Commands(Written):
    """Every command of `noon` with its help."""

    def lines(self) -> Iterator[str]:
        """Give a part for each command."""
        import click
        import typer.main

        from noon.app import app

        root = typer.main.get_command(app)
        for name, command in _commands("noon", root):
            context = click.Context(command, info_name=name, max_content_width=100)
            yield from ("```{rubric} " + name, "```", "", "```text")
            yield from command.get_help(context).splitlines()
            yield from ("```", "")


def _commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    inner: dict[str, click.Command] = getattr(command, "commands", {})
    for word, each in inner.items():
        yield from _commands(f"{name} {word}", each)


class AppSettings(Written):
    """Every setting of the function app."""

    def lines(self) -> Iterator[str]:
        """Give one table."""
        from shared.settings import Settings

        yield from _table(Settings, prefix="NOON_")


class ModelFiles(Written):
    """Every key of a model file."""

    def lines(self) -> Iterator[str]:
        """Give a table for each section."""
        from shared.adapters import model_files as files

        yield from ("At the top:", "")
        top = [name for name, field in files.ModelFile.model_fields.items() if not _section(field)]
        yield from _table(files.ModelFile, only=top)
        for name, field in files.ModelFile.model_fields.items():
            section = _section(field)
            if section is not None:
                yield from ("", f"`[{name}]` {_first(section)}", "")
                yield from _table(section)


def _section(field: Any) -> type[BaseModel] | None:
    from pydantic import BaseModel

    kind = field.annotation
    return kind if inspect.isclass(kind) and issubclass(kind, BaseModel) else None


def _first(section: type[BaseModel]) -> str:
    text = (section.__doc__ or "").strip().splitlines()[0]
    return text.partition("]: ")[2] or text


def _table(
    model: type[BaseModel], *, prefix: str = "", only: list[str] | None = None
) -> Iterator[str]:
    words = _attribute_docstrings(model)
    schema = model.model_json_schema(by_alias=True)["properties"]
    yield from ("| key | kind | default | |", "|---|---|---|---|")
    for name, field in model.model_fields.items():
        if only is not None and name not in only:
            continue
        key = str(field.validation_alias or field.alias or name)
        shown = f"{prefix}{key.upper()}" if prefix and not field.validation_alias else key
        needed = field.is_required()
        default = "needed" if needed else f"`{_plain(field.default)}`"
        yield f"| `{shown}` | {_kind(schema[key])} | {default} | {words.get(name, '')} |"
    yield ""


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return f"<checkout>/{value.name}"
    return '""' if value == "" else str(value)


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return ", ".join(f"`{value!r}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    bounds = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
    }
    limits = [f"{sign} {schema[word]}" for word, sign in bounds.items() if word in schema]
    names = {"object": "table", "boolean": "true or false", "string": "text"}
    kind = str(schema.get("type", "value"))
    return " ".join([names.get(kind, kind), ", ".join(limits)]).strip()


def _attribute_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Give the texts that stand below the fields of a class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    words = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and is_text:
            text = str(after.value.value)  # type: ignore[attr-defined]
            words[before.target.id] = " ".join(text.split())
    return words


def with_sample_settings() -> None:
    """Give this process the settings of the sample: the app refuses to start without any."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())
    for name, value in sample["Values"].items():
        os.environ.setdefault(name, value)


class Functions(Written):
    """Every function of the app, with its trigger."""

    def lines(self) -> Iterator[str]:
        """Give one table."""
        with_sample_settings()
        from function_app import app

        yield from ("| function | trigger | |", "|---|---|---|")
        for function in sorted(app.get_functions(), key=lambda each: each.get_function_name()):
            bindings = [json.loads(binding) for binding in function.get_raw_bindings()]
            [trigger] = [each for each in bindings if each["type"].endswith("Trigger")]
            text = inspect.getdoc(function.get_user_function()) or ""
            yield f"| `{function.get_function_name()}` | {_trigger(trigger)} | {text} |"
        yield ""


class Signals(Written):
    """The names of what is sent as telemetry: metrics, dimensions, spans or log lines."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        """Give one table."""
        from shared.domain import signals

        kind = getattr(signals, self.arguments[0])
        words = _constant_docstrings(kind)
        yield from ("| name | |", "|---|---|")
        for each in kind:
            yield f"| `{each.value}` | {words.get(each.name, '')} |"
        yield ""


def _constant_docstrings(kind: type[Enum]) -> dict[str, str]:
    """Give the texts that stand below the members of an enumeration."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    words = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.Assign) and isinstance(before.targets[0], ast.Name) and is_text:
            text = str(after.value.value)  # type: ignore[attr-defined]
            words[before.targets[0].id] = " ".join(text.split())
    return words


def _trigger(trigger: dict[str, Any]) -> str:
    if trigger["type"] == "httpTrigger":
        methods = " ".join(str(each) for each in trigger.get("methods", ()))
        level = str(trigger["authLevel"]).lower()
        return f"`{methods} /api/{trigger['route']}`, key: {level}"
    if trigger["type"] == "timerTrigger":
        return f"timer, `{trigger['schedule']}`"
    if trigger["type"] == "queueTrigger":
        return f"queue, `{trigger['queueName']}`"
    return "Event Grid"


class Public(Written):
    """The public functions and classes of a module, with the first line about each."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        """Give a line for each, and below a class one for each of its methods."""
        tree = ast.parse((ROOT / self.arguments[0]).read_text())
        for node in _documented(tree):
            yield f"- {_line(node)}"
            inner = _documented(node) if isinstance(node, ast.ClassDef) else []
            yield from (f"  - {_line(each)}" for each in inner)
        yield ""


_Named = ast.FunctionDef | ast.ClassDef


def _documented(node: ast.Module | ast.ClassDef) -> list[_Named]:
    named = [each for each in node.body if isinstance(each, _Named)]
    return [each for each in named if not each.name.startswith("_") and ast.get_docstring(each)]


def _line(node: _Named) -> str:
    called = isinstance(node, ast.FunctionDef) and not node.decorator_list
    shown = f"{node.name}({ast.unparse(node.args)})" if called else node.name  # type: ignore[union-attr]
    return f"`{shown}`: {(ast.get_docstring(node) or '').splitlines()[0]}"


class Parameters(Written):
    """Every parameter of the Bicep file that makes an installation."""

    def lines(self) -> Iterator[str]:
        """Give one table."""
        text = (ROOT / "infra" / "main.bicep").read_text()
        found = re.findall(
            r"^@description\('((?:[^'\\]|\\.)*)'\)\n(?:@.*\n)*param (\w+) (.+)$", text, re.M
        )
        yield from ("| parameter | default | |", "|---|---|---|")
        for words, name, rest in found:
            _, given, default = rest.partition(" = ")
            yield f"| `{name}` | {f'`{default}`' if given else 'needed'} | {words} |"
        yield ""


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives to Sphinx."""
    app.add_directive("noon-commands", Commands)
    app.add_directive("noon-settings", AppSettings)
    app.add_directive("noon-model-file", ModelFiles)
    app.add_directive("noon-functions", Functions)
    app.add_directive("noon-signals", Signals)
    app.add_directive("noon-parameters", Parameters)
    app.add_directive("noon-public", Public)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
