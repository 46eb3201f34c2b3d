"""Holds the inputs of a job or step against what its component declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...arm import ArmError, Json, user_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .plan import Value

LITERALS = ("string", "number", "integer", "boolean", "enum")


def checked_inputs(declared: Json, given: Mapping[str, Value], owner: str) -> dict[str, Value]:
    """Add defaults; refuse what is missing, unknown, of another type or out of its limits."""
    for name in given:
        if name not in declared:
            message = f"Unknown input '{name}' of {owner}; known are: {', '.join(declared)}."
            raise user_error(message, "UnknownInput")
    values = dict(given)
    for name, declaration in declared.items():
        declaration = declaration or {}
        if name in values:
            _check(name, values[name], declaration, owner)
        elif declaration.get("default") is not None:
            values[name] = str(declaration["default"])
        elif not truth(declaration.get("optional"), False):
            raise user_error(f"Required input '{name}' of {owner} is missing.", "MissingInput")
    return values


def truth(value: Any, default: bool) -> bool:
    """Give a flag that may be a boolean, its word, or missing."""
    return default if value is None else str(value).lower() == "true"


def _check(name: str, value: Value, declaration: Json, owner: str) -> None:
    kind = str(declaration.get("type")).lower()
    if (kind in LITERALS) != isinstance(value, str):
        raise _wrong_type(name, kind, owner)
    if not isinstance(value, str):
        return
    number = _number(name, value, kind, owner)
    if number is not None:
        _check_limits(name, number, declaration, owner)
    allowed = declaration.get("enum")
    if allowed and value not in [str(one) for one in allowed]:
        choices = ", ".join(str(one) for one in allowed)
        message = f"Input '{name}' of {owner} is '{value}'; allowed are: {choices}."
        raise user_error(message, "InputNotAllowed")


def _number(name: str, value: str, kind: str, owner: str) -> float | None:
    """Give the value of a number, None when none is declared."""
    if kind == "boolean" and value.lower() not in ("true", "false"):
        raise _wrong_type(name, kind, owner)
    if kind not in ("number", "integer"):
        return None
    try:
        return int(value) if kind == "integer" else float(value)
    except ValueError:
        raise _wrong_type(name, kind, owner) from None


def _check_limits(name: str, number: float, declaration: Json, owner: str) -> None:
    low, high = declaration.get("min"), declaration.get("max")
    if low is not None and number < float(low):
        message = f"Input '{name}' of {owner} is {number}, below its minimum {low}."
        raise user_error(message, "InputOutOfRange")
    if high is not None and number > float(high):
        message = f"Input '{name}' of {owner} is {number}, above its maximum {high}."
        raise user_error(message, "InputOutOfRange")


def _wrong_type(name: str, kind: str, owner: str) -> ArmError:
    return user_error(f"Input '{name}' of {owner} must be of type {kind}.", "WrongInputType")
