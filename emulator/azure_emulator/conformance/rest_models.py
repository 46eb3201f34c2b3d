"""Holds recorded calls against the models by which the SDK reads and writes them."""

from __future__ import annotations

import enum
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from azure.ai.ml._restclient.arm_ml_service import models as arm_models
from azure.ai.ml._restclient.arm_ml_service.operations import _operations as arm_operations
from azure.ai.ml._restclient.runhistory import models as run_models
from azure.ai.ml._restclient.runhistory.operations import _operations as run_operations

Json = dict[str, Any]
OPEN = "__"
CONTAINERS: dict[Any, Any] = {list: list, dict: dict, Sequence: list, Mapping: dict}
EXPECTED = (
    # The service never answers secrets, though the model wants them.
    re.compile(r"Datastores\..*credentials\.secrets of \w+ is missing"),
    # So it answers for the step of a pipeline; the SDK then reads run history.
    re.compile(r"Jobs\.get: answer\.properties of JobBase is missing"),
    # The SDK itself sends it, so that the output becomes this version of an asset.
    re.compile(r"Jobs\..*properties\.outputs\.\w+\.assetVersion is unknown to \w+"),
    # The SDK itself sends a number where its model wants text.
    re.compile(r"CodeVersions\..*: request\.properties\.properties\.hash_version is .*"),
)
"""What differs from the models on the real service, too."""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
DURATION = re.compile(r"-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one call of the SDK's generated clients sends and reads."""

    name: str
    method: str
    segments: tuple[str, ...]
    sent: Any
    read: Any
    models: types.ModuleType
    listed: bool

    def match(self, method: str, segments: list[str]) -> bool:
        """Say whether a request is this call; paths are compared without case."""
        return (
            method == self.method
            and len(segments) == len(self.segments)
            and all(
                want.startswith(OPEN) or want.lower() == have.lower()
                for want, have in zip(self.segments, segments, strict=True)
            )
        )


def problems(call: Mapping[str, Any]) -> list[str]:
    """Name all in one recorded call that the SDK's models do not know or miss."""
    segments = call["path"].strip("/").split("/")
    found = [each for each in exchanges() if each.match(call["method"], segments)]
    if call["status"] >= 400:
        # A refused request may be as wrong as it likes.
        body = call["response"]
        return list(check(arm_models.ErrorResponse, body, arm_models)) if body else []
    if not found:
        return [] if _beside_the_clients(segments) else ["the SDK has no such call"]
    exchange = max(found, key=lambda each: sum(not s.startswith(OPEN) for s in each.segments))
    listing = []
    if call["request"] and exchange.sent is not None:
        listing += list(check(exchange.sent, call["request"], exchange.models, "request"))
    if call["response"] is not None and exchange.read is not None:
        listing += list(_answer(exchange, call["response"]))
    named = [f"{exchange.name}: {each}" for each in listing]
    return [each for each in named if not any(known.fullmatch(each) for known in EXPECTED)]


def check(wanted: Any, value: Any, models: types.ModuleType, at: str = "answer") -> Iterator[str]:
    """Name what in `value` (JSON) is not as the annotation `wanted` of a model says."""
    if wanted in (Any, None):
        return
    origin = typing.get_origin(wanted)
    if origin in (typing.Union, types.UnionType):
        yield from _union(typing.get_args(wanted), value, models, at)
    elif origin in CONTAINERS:
        yield from _container(wanted, value, models, at)
    elif inspect.isclass(wanted) and hasattr(wanted, "_is_model"):
        yield from _model(wanted, value, models, at)
    elif not _plain(wanted, value):
        yield f"{at} is {value!r}, not {getattr(wanted, '__name__', wanted)}"


def _container(wanted: Any, value: Any, models: types.ModuleType, at: str) -> Iterator[str]:
    """Check every element of a list or a dict."""
    inner = typing.get_args(wanted)[-1]
    if not isinstance(value, CONTAINERS[typing.get_origin(wanted)]):
        yield f"{at} is {value!r}, not {wanted}"
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from check(inner, each, models, f"{at}.{key}")
    else:
        for each in value:
            yield from check(inner, each, models, f"{at}[]")


def _answer(exchange: Exchange, body: Any) -> Iterator[str]:
    if not exchange.listed:
        yield from check(exchange.read, body, exchange.models)
        return
    key = "nodes" if exchange.name == "Compute.list_nodes" else "value"
    if not isinstance(body, dict) or not isinstance(body.get(key), list):
        yield f"answer is no list with '{key}'"
        return
    if unknown := body.keys() - {key, "nextLink", "continuationToken", "count"}:
        yield f"answer has unknown {sorted(unknown)}"
    for each in body[key]:
        yield from check(exchange.read, each, exchange.models, "answer[]")


def _union(
    choices: tuple[Any, ...], value: Any, models: types.ModuleType, at: str
) -> Iterator[str]:
    if value is None and type(None) in choices:
        return
    # An enum stands beside str there, so that the client survives values it does not know.
    enums = [each for each in choices if inspect.isclass(each) and issubclass(each, enum.Enum)]
    rest = enums or [each for each in choices if each is not type(None)]
    attempts = [list(check(each, value, models, at)) for each in rest]
    if all(attempts):
        yield from min(attempts, key=len)


def _model(wanted: Any, value: Any, models: types.ModuleType, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at} is {value!r}, not {wanted.__name__}"
        return
    model = _concrete(wanted, value)
    fields = _fields(model)
    base = "__mapping__" in vars(wanted) and wanted.__mapping__
    if base and model is wanted:
        name = next(field.name for field in fields.values() if field.discriminator)
        yield f"{at}.{name} is {value.get(name)!r}: no kind of {wanted.__name__} is called so"
        return
    for key, each in value.items():
        if key not in fields:
            yield f"{at}.{key} is unknown to {model.__name__}"
        elif each is not None:
            yield from check(fields[key].annotation, each, models, f"{at}.{key}")
    for name, field in fields.items():
        if field.required and value.get(name) is None:
            yield f"{at}.{name} of {model.__name__} is missing"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    annotation: Any
    required: bool
    discriminator: bool


@cache
def _fields(model: Any) -> dict[str, _Field]:
    """Give the fields by their names in JSON."""
    model({})  # the class works out its fields when the first object is made
    namespace = {"_models": arm_models if "arm_ml" in model.__module__ else run_models}
    hints: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        for name, hint in vars(base).get("__annotations__", {}).items():
            hints[name] = _evaluated(hint, namespace)
    fields = {}
    for attribute, rest in model._attr_to_rest_field.items():
        hint = hints.get(attribute, Any)
        optional = hint is Any or type(None) in typing.get_args(hint)
        fields[rest._rest_name] = _Field(
            rest._rest_name, hint, not optional, bool(rest._is_discriminator)
        )
    return fields


def _evaluated(hint: Any, namespace: dict[str, Any]) -> Any:
    class Holder:
        __annotations__ = {"it": hint}

    return typing.get_type_hints(Holder, vars(typing), namespace)["it"]


def _concrete(wanted: Any, value: Json) -> Any:
    """Follow the discriminators down to the class that the client would make."""
    return type(wanted._deserialize(value, []))


def _plain(wanted: Any, value: Any) -> bool:
    if not inspect.isclass(wanted):
        return True
    if issubclass(wanted, enum.Enum):
        return value in [member.value for member in wanted]
    if issubclass(wanted, datetime):
        return isinstance(value, str) and bool(INSTANT.fullmatch(value))
    if issubclass(wanted, timedelta):
        return isinstance(value, str) and bool(DURATION.fullmatch(value))
    if issubclass(wanted, date):
        return isinstance(value, str)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted in (str, bool):
        return isinstance(value, wanted)
    return True


def _beside_the_clients(segments: list[str]) -> bool:
    """Polls of operations and other providers are in no generated client."""
    path = "/".join(segments).lower()
    polls = "/mfeoperationsstatus/" in path or "/mfeoperationresults/" in path
    return polls or path.startswith("discovery/") or "microsoft.eventgrid" in path


@cache
def exchanges() -> tuple[Exchange, ...]:
    """Read all calls from the signatures of the SDK's generated clients."""
    return (*_exchanges(arm_operations, arm_models), *_exchanges(run_operations, run_models))


def _exchanges(module: types.ModuleType, models: types.ModuleType) -> Iterator[Exchange]:
    for class_name, group in vars(module).items():
        if not (inspect.isclass(group) and class_name.endswith("Operations")):
            continue
        title = class_name.removesuffix("Operations")
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", title).lower()
        for name, method in vars(group).items():
            builder = getattr(module, f"build_{snake}_{name.removeprefix('begin_')}_request", None)
            if builder and not name.startswith("_"):
                yield _exchange(f"{title}.{name}", method, builder, models)


def _exchange(name: str, method: Any, builder: Any, models: types.ModuleType) -> Exchange:
    parameters = inspect.signature(builder).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    request = builder(**{each: f"{OPEN}{each}" for each in required})
    hints = inspect.signature(method, eval_str=True)
    read = hints.return_annotation
    wrapper = getattr(typing.get_origin(read), "__name__", "")
    if wrapper in ("LROPoller", "ItemPaged"):
        read = typing.get_args(read)[0]
    if isinstance(read, typing.ForwardRef | str):
        read = _evaluated(read, {"_models": models})
    body = hints.parameters.get("body")
    sent = body.annotation if body else None
    choices = typing.get_args(sent) or (sent,)
    return Exchange(
        name,
        request.method,
        tuple(request.url.partition("?")[0].strip("/").split("/")),
        next((each for each in choices if hasattr(each, "_is_model")), None),
        read,
        models,
        wrapper == "ItemPaged",
    )
