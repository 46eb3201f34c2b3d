"""Expressions in a pipeline's graph, and the values that they stand for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...arm import Json, user_error
from .plan import Data, FromStep, Output, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

BINDING = re.compile(
    r"\$\{\{\s*parent\.(?:inputs\.(?P<input>[\w\-.]+)"
    r"|jobs\.(?P<job>[\w\-]+)\.outputs\.(?P<output>[\w\-.]+))\s*\}\}"
)
OUTPUT_BINDING = re.compile(r"\$\{\{\s*parent\.outputs\.([\w\-.]+)\s*\}\}")
PATH_VARIABLE = re.compile(r"\$\{\{\s*(default_datastore|name|output_name)\s*\}\}")


def given_value(value: Any) -> str | Data:
    """Give an input as the caller wrote it."""
    if not isinstance(value, dict):
        return str(value)
    kind = str(value.get("jobInputType") or value.get("job_input_type") or "literal")
    if kind == "literal":
        return str(value.get("value"))
    if not value.get("uri"):
        raise user_error(f"An input of type {kind} has no URI.", "MissingUri")
    return Data(str(value["uri"]), kind, str(value.get("mode") or "ReadOnlyMount"))


def node_value(value: Any, kind: str, given: Mapping[str, Value], path: str) -> Value | None:
    """Give the value of a node's input; None when it is bound to an input without a value.

    `given` are the inputs of the pipeline around the node, `path` is the pipeline's with a dot.
    """
    if isinstance(value, dict) and value.get("uri"):
        return given_value(value)
    mode = value.get("mode") if isinstance(value, dict) else None
    text = str(value.get("value") if isinstance(value, dict) else value)
    if match := BINDING.fullmatch(text):
        if match["job"]:
            return FromStep(path + match["job"], match["output"], kind)
        bound = given.get(match["input"])
        if isinstance(bound, Data) and mode:
            return Data(bound.uri, bound.type, str(mode))
        return bound

    def fill(match: re.Match[str]) -> str:
        bound = given.get(match["input"] or "", "")
        return bound if isinstance(bound, str) else ""

    return BINDING.sub(fill, text)


def bound_outputs(node: Json) -> dict[str, str]:
    """Give the outputs of a node that are outputs of its pipeline: name to name."""
    bound = {}
    for name, value in (node.get("outputs") or {}).items():
        text = value.get("value") if isinstance(value, dict) else value
        if isinstance(text, str) and (match := OUTPUT_BINDING.fullmatch(text)):
            bound[name] = match[1]
    return bound


def output(*layers: Any) -> Output:
    """Say where an output goes: the first layer that says something of it wins."""
    known = [layer for layer in layers if isinstance(layer, dict)]

    def first(*names: str) -> str | None:
        found = (layer.get(name) for layer in known for name in names)
        return next((str(value) for value in found if value), None)

    kind = first("jobOutputType", "job_output_type")
    declared = known[-1].get("type") if known else None
    return Output(
        uri=first("uri"),
        type=str(kind or (declared if declared != "literal" else None) or "uri_folder"),
        mode=first("mode") or "ReadWriteMount",
        asset_name=first("assetName", "asset_name"),
        asset_version=first("assetVersion", "asset_version"),
    )


def as_layer(target: Output) -> Json:
    """Give an output as a layer for the outputs that are bound to it."""
    return {
        "uri": target.uri,
        "jobOutputType": target.type,
        "mode": target.mode,
        "assetName": target.asset_name,
        "assetVersion": target.asset_version,
    }


def fill_path(uri: str, *, job: str, output_name: str, datastore: str) -> str:
    """Fill the variables that an output's path may hold."""
    values = {"name": job, "output_name": output_name, "default_datastore": datastore}
    return PATH_VARIABLE.sub(lambda match: values[match[1]], uri)
