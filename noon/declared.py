"""What the checkout's function app declares, read from its source: importing it would run it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from noon.home import ROOT


@dataclass(frozen=True, slots=True)
class Declared:
    """One function."""

    name: str
    trigger: str
    """`route`, `timer_trigger`, `queue_trigger` or `event_grid_trigger`."""
    route: str = ""
    method: str = "GET"
    keyed: bool = False
    """An HTTP function that asks for a key."""


@cache
def declared_functions() -> tuple[Declared, ...]:
    """Every function, in the order of their names."""
    found = [
        function
        for path in (ROOT / "function_app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for function in _declared(node)
    ]
    return tuple(sorted(found, key=lambda function: function.name))


def _declared(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Declared]:
    calls = {
        decorator.func.attr: decorator
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)
    }
    named = calls.pop("function_name", None)
    if named is None or not calls:
        return
    name = str(_value(named.args[0]))
    trigger, call = next(iter(calls.items()))
    if trigger != "route":
        yield Declared(name, trigger)
        return
    given = {word.arg: word.value for word in call.keywords}
    level = ast.unparse(given["auth_level"]) if "auth_level" in given else "FUNCTION"
    methods = _value(given["methods"]) if "methods" in given else ["GET"]
    route = str(_value(given["route"])) if "route" in given else name
    yield Declared(name, trigger, route, str(methods[0]), not level.endswith("ANONYMOUS"))


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
