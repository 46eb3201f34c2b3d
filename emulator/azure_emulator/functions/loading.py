"""Finds the functions of an app the way the Python worker does."""

import importlib
import inspect
import json
import os
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func

from azure_emulator.functions.errors import AppError

SUPPORTED_TRIGGERS = ("httpTrigger", "timerTrigger", "queueTrigger", "eventGridTrigger")


@dataclass(frozen=True)
class LoadedFunction:
    """One function of the app, ready to be called with its trigger's argument."""

    name: str
    kind: str
    argument: str
    trigger: Mapping[str, Any]
    bindings: tuple[Mapping[str, Any], ...]
    call: Callable[..., Any]
    asynchronous: bool
    wants_context: bool
    wants_raw: bool


def load_app(root: Path) -> tuple[LoadedFunction, ...]:
    """Import the app in `root` by module name and return its functions, ordered by name.

    Changes the working directory and the import path, as the worker does.
    """
    if not (root / "function_app.py").is_file():
        raise AppError(
            f"{root / 'function_app.py'} is missing: the worker would find no functions at all"
        )
    os.chdir(root)
    sys.path.insert(0, str(root))
    module = importlib.import_module("function_app")
    apps = {
        id(value): value for value in vars(module).values() if isinstance(value, func.FunctionApp)
    }
    if len(apps) != 1:
        raise AppError(
            f"{module.__file__}: expected exactly one FunctionApp at the top level, "
            f"found {len(apps)}"
        )
    (app,) = apps.values()
    # Once only: a second call raises.
    functions = [_load(function) for function in app.get_functions()]
    return tuple(sorted(functions, key=lambda function: function.name.lower()))


def _load(function: Any) -> LoadedFunction:
    name = str(function.get_function_name())
    # As JSON, since that is all that a host ever sees of them.
    bindings = tuple(json.loads(binding) for binding in function.get_raw_bindings())
    trigger = next(each for each in bindings if each["name"] == function.get_trigger().name)
    kind = str(trigger["type"])
    if kind not in SUPPORTED_TRIGGERS:
        raise AppError(f"function {name!r}: this host does not support the trigger {kind!r}")
    for binding in bindings:
        known = (trigger["name"], "$return" if kind == "httpTrigger" else trigger["name"])
        if binding["name"] not in known:
            raise AppError(
                f"function {name!r}: this host does not support the "
                f"{binding['type']!r} binding {binding['name']!r}"
            )
    if function.get_settings_dict("retry_policy") and kind == "timerTrigger":
        raise AppError(f"function {name!r}: this host does not support retry policies")
    call = function.get_user_function()
    argument = str(trigger["name"])
    parameters = set(inspect.signature(call).parameters)
    _check_parameters(name, argument, parameters)
    return LoadedFunction(
        name=name,
        kind=kind,
        argument=argument,
        trigger=trigger,
        bindings=bindings,
        call=call,
        asynchronous=inspect.iscoroutinefunction(call),
        wants_context="context" in parameters and argument != "context",
        wants_raw=_wants_raw(name, kind, argument, call),
    )


def _check_parameters(name: str, argument: str, parameters: set[str]) -> None:
    extra = parameters - {argument, "context"}
    if extra:
        raise AppError(
            f"function {name!r}: parameters declared in Python but not as a binding: "
            f"{', '.join(sorted(extra))}"
        )
    if argument not in parameters:
        raise AppError(f"function {name!r}: the trigger's parameter {argument!r} is missing")


def _wants_raw(name: str, kind: str, argument: str, call: Callable[..., Any]) -> bool:
    """Tell whether the argument is annotated str or bytes; refuse what the worker refuses."""
    annotation = typing.get_type_hints(call).get(argument)
    if annotation is None:
        return False
    if annotation in (str, bytes):
        return True
    accepted = isinstance(annotation, type) and converter(kind).check_input_type_annotation(
        annotation
    )
    if not accepted:
        raise AppError(
            f"function {name!r}: the annotation {annotation!r} of {argument!r} "
            f"does not match the binding {kind!r}"
        )
    return False


def converter(kind: str) -> Any:
    """Return the SDK's own converter between what is on the wire and Python objects."""
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    return registry.get(kind)
